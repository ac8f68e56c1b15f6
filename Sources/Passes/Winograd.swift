import Support
import TensorIR
import Tuning

/// Computes contractions over windows with constant weights, two of whose axes have 3 elements, by Winograd's algorithm
/// F(2×2, 3×3), which needs 16 products where the windows of a 2 × 2 block of results need 36. What windows have beyond
/// these axes stays part of the sums. Along an axis with gaps in its windows, every phase has blocks of its own.
///
/// A. Lavin and S. Gray, "Fast Algorithms for Convolutional Neural Networks", 2016.
func winograd(_ graph: Graph, _ choices: inout Choices) -> Graph {
  var result = graph
  let producers = graph.producers()
  result.nodes = []
  for node in graph.nodes {
    if let windows = WindowContraction(node, graph, producers), choices.choose(windows.question) == .winograd(true) {
      windows.rewrite(in: &result)
    } else {
      result.nodes.append(node)
    }
  }
  return result
}

/// Whether a node is a contraction that Winograd's algorithm is estimated to speed up.
func gainsFromWinograd(_ node: Node, _ graph: Graph, _ producers: [Int?]) -> Bool {
  WindowContraction(node, graph, producers)?.pays ?? false
}

/// A contraction of data with constant windows, both of which have channels.
private struct WindowContraction {
  private struct Spatial {
    /// The data's dimension that the window walks, its axis among the results, and its axis in the window.
    var dimension: Int
    var outer: Int
    var inner: Int
    /// The data's elements from one result to the next, and within the window.
    var step: Int
    var dilation: Int

    /// Results from one block to the next.
    var blockStep: Int { 2 * dilation }
    /// The axes that say which block, and which phase of it.
    var blockAxes: Int { dilation > 1 ? 2 : 1 }

    /// The blocks along so many results.
    func blocks(_ extent: Dim) -> Dim { (extent + (blockStep - 1)).floorDivided(by: Dim(blockStep)) }
  }

  private let node: Node
  private let contract: Contract
  private let data: ValueID
  private let dataIndices: [AffineIndex]
  private let weights: ConstantTensor
  /// The axes of windows that are transformed: two.
  private var spatial: [Spatial] = []
  /// The other ones.
  private var kept: [Spatial] = []
  private var batch: [Int] = []
  private var channel = -1
  private let feature: Int
  /// The dimension of the weights for every axis.
  private let weightDimensions: [Int: Int]
  private let channels: Int
  private let features: Int

  /// Channels and features from which on the products outweigh the transforms.
  private static let leastWidth = 32
  /// Results of blocks over results that are asked for, at most: with few channels and features, and with many.
  private static let (greatestWaste, greatestWasteOfMany) = (1.2, 1.4)
  private static let manyChannels = 128

  /// The distance of a window's elements up to which there are phases.
  private static let greatestGap = 64

  /// Channels and features below which no machine gains.
  private static let smallestWidth = 8

  /// Nil if neither factor is data for constant windows.
  init?(_ node: Node, _ graph: Graph, _ producers: [Int?]) {
    let either = WindowContraction(node, graph, producers, data: 0) ?? WindowContraction(node, graph, producers, data: 1)
    guard let either else { return nil }
    self = either
  }

  private init?(_ node: Node, _ graph: Graph, _ producers: [Int?], data position: Int) {
    guard case .contract(let contract) = node.primitive, contract.accumulator == .f32, contract.reduced.count > 2,
      let weights = graph.constant(node.operands[1 - position], producers), weights.type.element == .f32,
      graph.type(of: node.operands[position]).element == .f32
    else { return nil }
    self.node = node
    self.contract = contract
    self.weights = weights
    data = node.operands[position]
    dataIndices = position == 0 ? contract.lhs : contract.rhs
    let rank = contract.shape.count
    var dimensions: [Int: Int] = [:]
    for (dimension, index) in (position == 0 ? contract.rhs : contract.lhs).enumerated() {
      guard let axis = index.singleAxis, dimensions.updateValue(dimension, forKey: axis) == nil else { return nil }
    }
    let outer = dimensions.keys.filter { $0 < rank }
    guard dimensions.count == contract.reduced.count + 1, outer.count == 1 else { return nil }
    weightDimensions = dimensions
    feature = outer[0]
    var windows: [Spatial] = []
    for (dimension, index) in dataIndices.enumerated() {
      let axes = index.coefficients.sorted { $0.key < $1.key }
      guard axes.allSatisfy({ $0.value > 0 }) else { return nil }
      switch axes.count {
      case 0: continue
      case 1 where index == .axis(axes[0].key):
        if axes[0].key >= rank { channel = axes[0].key } else { batch.append(axes[0].key) }
      case 2 where axes[0].key < rank && axes[1].key >= rank:
        windows.append(
          Spatial(
            dimension: dimension, outer: axes[0].key, inner: axes[1].key, step: axes[0].value, dilation: axes[1].value))
      default: return nil
      }
    }
    let extents = contract.shape + contract.reduced
    let walked = batch + windows.map(\.outer) + outer
    guard channel >= 0, Set(walked).count == rank, walked.count == rank,
      Set(windows.map(\.inner) + [channel]).count == contract.reduced.count,
      let channels = extents[channel].constant, let features = extents[feature].constant
    else { return nil }
    (self.channels, self.features) = (channels, features)
    let chosen = Self.transformed(windows, extents)
    guard chosen.count == 2, min(channels, features) >= Self.smallestWidth else { return nil }
    spatial = chosen.map { windows[$0] }
    kept = windows.indices.filter { !chosen.contains($0) }.map { windows[$0] }
  }

  /// Whether the algorithm is estimated to pay.
  var pays: Bool { min(channels, features) >= Self.leastWidth && fillsBlocks }

  /// The positions of the two axes to transform: those with the least waste, and of these the outermost ones, so that
  /// few of the data belong to the same blocks.
  private static func transformed(_ windows: [Spatial], _ extents: [Dim]) -> [Int] {
    let possible = windows.indices.filter { position in
      let window = windows[position]
      return window.step == 1 && window.dilation <= greatestGap && extents[window.inner] == 3
    }
    func waste(_ position: Int) -> Double {
      let window = windows[position]
      guard let count = extents[window.outer].constant, count > 0, let blocks = window.blocks(Dim(count)).constant
      else { return 1 }
      return Double(blocks * window.blockStep) / Double(count)
    }
    return possible.sorted { (waste($0), $0) < (waste($1), $1) }.prefix(2).sorted()
  }

  /// Whether blocks have little but results that are asked for, and suffice to fill registers; images of open size are
  /// taken for large ones.
  private var fillsBlocks: Bool {
    let image = spatial.map { contract.shape[$0.outer] }
    guard let results = image.constants, let others = kept.map({ contract.shape[$0.outer] }).constants,
      let blocks = zip(spatial, image).map({ $0.blocks($1) * $0.dilation }).constants
    else { return true }
    let count = blocks.reduce(1, *)
    let waste = min(channels, features) < Self.manyChannels ? Self.greatestWaste : Self.greatestWasteOfMany
    return count * others.reduce(1, *) >= 36 && Double(count * 4) <= waste * Double(results.reduce(1, *))
  }

  /// Whether to use the algorithm.
  var question: Question {
    // A batch of open size is taken for one image.
    let batches = batchExtents.filter { $0 != 1 && $0.constant != nil }
    let outer = (batches + spatial.map { contract.shape[$0.outer] }.filter { $0 != 1 }).map { "\($0)" }
    let windows = kept.map { " windows \(contract.shape[$0.outer])x\(extent(of: $0.inner))" }.joined()
    let isDense = spatial.allSatisfy { $0.dilation == 1 }
    let gaps = isDense ? "" : " gaps " + spatial.map { "\($0.dilation)" }.joined(separator: "x")
    let computation = "f32 \(outer.joined(separator: "x"))\(windows)\(gaps) channels \(channels) features \(features)"
    return Question(
      ChoiceKey(.winograd, computation), options: [.winograd(pays), .winograd(!pays)], scope: .origins([node.origin]))
  }

  private var batchExtents: [Dim] { batch.map { contract.shape[$0] } }

  private func extent(of axis: Int) -> Dim { (contract.shape + contract.reduced)[axis] }

  /// The blocks along each transformed axis, and phases where there are several.
  private var blockExtents: [Dim] {
    spatial.flatMap { window in
      [window.blocks(contract.shape[window.outer]), Dim(window.dilation)].prefix(window.blockAxes)
    }
  }

  func rewrite(in graph: inout Graph) {
    let blocks = transformedData(&graph)
    let windows = add(.constant(transformedWeights()), [], &graph)
    let before = 2 + batch.count + blockExtents.count
    let count = before + kept.count
    let channel = count + 1 + kept.count
    var epilogue = ScalarGraph()
    epilogue.results = [epilogue.accumulator(0, .f32)]
    let walked = kept.enumerated().map { number, window in
      AffineIndex([before + number: window.step, count + 1 + number: window.dilation])
    }
    let products = Contract(
      shape: [4, 4] + batchExtents + blockExtents + kept.map { contract.shape[$0.outer] } + [Dim(features)],
      reduced: kept.map { extent(of: $0.inner) } + [Dim(channels)],
      lhs: (0..<before).map { .axis($0) } + walked + [.axis(channel)],
      rhs: [.axis(0), .axis(1)] + kept.indices.map { .axis(count + 1 + $0) } + [.axis(channel), .axis(count)],
      accumulator: .f32, epilogue: epilogue)
    let transformed = add(.contract(products), [blocks, windows], &graph)
    graph.nodes.append(
      Node(.map(results()), operands: [transformed] + node.operands.dropFirst(2), results: node.results, origin: node.origin))
  }

  private func add(_ primitive: Primitive, _ operands: [ValueID], _ graph: inout Graph) -> ValueID {
    graph.add(primitive, operands, origin: node.origin)
  }

  // MARK: Data

  /// Of every block of 4 × 4 elements the 16 values `Bᵀ d B`: axes row, column, batch, blocks with phases, those kept,
  /// channel.
  ///
  /// Row i of `Bᵀ` takes two rows of a block: row `first[i]`, and row `second[i]` times `sign[i]`.
  private func transformedData(_ graph: inout Graph) -> ValueID {
    var source = data
    let lengths = kept.map { window in
      (contract.shape[window.outer] - 1) * window.step + (extent(of: window.inner) - 1) * window.dilation + 1
    }
    let extents = [4, 4] + batchExtents + blockExtents + lengths + [Dim(channels)]
    var indices = dataIndices
    for (number, axis) in batch.enumerated() { indices = indices.replacing(axis, by: 2 + number) }
    indices = indices.map { index in
      index.coefficients[channel] == nil ? index : AffineIndex([extents.count - 1: 1], offset: index.offset)
    }
    var axis = 2 + batch.count
    for (number, own) in spatial.enumerated() {
      var coefficients = [number: own.dilation, axis: own.blockStep]
      if own.blockAxes > 1 { coefficients[axis + 1] = 1 }
      indices[own.dimension] = AffineIndex(coefficients, offset: dataIndices[own.dimension].offset)
      axis += own.blockAxes
    }
    for (number, own) in kept.enumerated() {
      indices[own.dimension] = AffineIndex([axis + number: 1], offset: dataIndices[own.dimension].offset)
    }
    indices = paddedCopy(indices, &source, extents, node.origin, &graph)
    let tables: [ConstantTensor] = [
      .integers([0, 1, 2, 1]), .integers([2, 2, 1, 3]), ConstantTensor(.f32, dims: [4], doubles: [-1, 1, -1, -1]),
    ]
    let operands = [source] + tables.map { add(.constant($0), [], &graph) }
    var body = ScalarGraph()
    func element(_ rowTable: Int, _ columnTable: Int) -> ScalarID {
      var axes = extents.indices.map { body.axis($0) }
      axes[0] = body.read(rowTable, [body.axis(0)], type: .i64)
      axes[1] = body.read(columnTable, [body.axis(1)], type: .i64)
      return body.read(0, indices.map { body.affineIndex($0, axes: axes) }, type: .f32)
    }
    let signs = [body.read(3, [body.axis(0)], type: .f32), body.read(3, [body.axis(1)], type: .f32)]
    let rows = (1...2).map { row in
      let second = element(row, 2)
      return body.plus(element(row, 1), body.times(second, signs[1]))
    }
    body.results = [body.plus(rows[0], body.times(rows[1], signs[0]))]
    return add(.map(Map(shape: extents, body: body)), operands, &graph)
  }

  // MARK: Weights

  /// `G w Gᵀ`: axes row, column, those kept, channel, feature.
  private func transformedWeights() -> ConstantTensor {
    let given = weights.doubles
    let strides = weights.strides
    func stride(_ axis: Int) -> Int { weightDimensions[axis].map { strides[$0] } ?? 0 }
    let (rowStride, columnStride) = (stride(spatial[0].inner), stride(spatial[1].inner))
    let matrix = [[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]]
    let windows = kept.map { weightDimensions[$0.inner].map { weights.dims[$0] } ?? 1 }
    var starts = [0]
    for (window, extent) in zip(kept, windows) {
      starts = starts.flatMap { start in (0..<extent).map { start + $0 * stride(window.inner) } }
    }
    starts = starts.flatMap { start in (0..<channels).map { start + $0 * stride(channel) } }
    var result = [Double](repeating: 0, count: 16 * starts.count * features)
    for (number, first) in starts.enumerated() {
      for k in 0..<features {
        let start = first + k * stride(feature)
        for i in 0..<4 {
          let row = (0..<3).map { column in
            (0..<3).reduce(0) { $0 + matrix[i][$1] * given[start + $1 * rowStride + column * columnStride] }
          }
          for j in 0..<4 {
            let value = matrix[j][0] * row[0] + matrix[j][1] * row[1] + matrix[j][2] * row[2]
            result[((i * 4 + j) * starts.count + number) * features + k] = value
          }
        }
      }
    }
    return ConstantTensor(.f32, dims: [4, 4] + windows + [channels, features], doubles: result)
  }

  // MARK: Results

  /// `Aᵀ m A` of every block, then the contraction's epilogue.
  ///
  /// Row 0 of `Aᵀ` sums rows 0 to 2 of a block, row 1 takes rows 2 and 3 from row 1.
  private func results() -> Map {
    var body = ScalarGraph()
    let (one, two) = (body.integer(1), body.integer(2))
    let places = spatial.map { body.axis($0.outer) }
    let steps = spatial.map { body.integer($0.blockStep) }
    let blocks = zip(places, steps).map { body.binary(.floorDivide, $0, $1) }
    let rests = zip(places, steps).map { body.binary(.floorRemainder, $0, $1) }
    let dilations = spatial.map { body.integer($0.dilation) }
    let offsets = zip(rests, dilations).map { body.binary(.floorDivide, $0, $1) }
    let signs = offsets.map { offset in
      body.cast(body.minus(one, body.times(offset, two)), to: .f32)
    }
    let phases = zip(rests, dilations).map { body.binary(.floorRemainder, $0, $1) }
    let chosen = spatial.indices.flatMap { [blocks[$0], phases[$0]].prefix(spatial[$0].blockAxes) }
    let outer = batch.map { body.axis($0) } + chosen + kept.map { body.axis($0.outer) } + [body.axis(feature)]
    func signed(_ terms: [ScalarID], _ sign: ScalarID) -> ScalarID {
      body.plus(terms[0], body.times(body.plus(terms[1], terms[2]), sign))
    }
    let rows = (0..<3).map { row in
      let terms = (0..<3).map { column in
        let place = [body.plus(offsets[0], body.integer(row)), body.plus(offsets[1], body.integer(column))]
        return body.read(0, place + outer, type: .f32)
      }
      return signed(terms, signs[1])
    }
    let sum = signed(rows, signs[0])
    let operands = [-1, -1] + (1..<max(2, node.operands.count)).map { $0 }
    body.results = body.insert(contract.epilogue, operands: operands, accumulators: [sum])
    return Map(shape: contract.shape, body: body)
  }
}

extension [AffineIndex] {
  /// The indices with one axis in the place of another.
  fileprivate func replacing(_ axis: Int, by other: Int) -> [AffineIndex] {
    map { index in
      guard index.coefficients.count == 1, let coefficient = index.coefficients[axis] else { return index }
      return AffineIndex([other: coefficient], offset: index.offset)
    }
  }
}
