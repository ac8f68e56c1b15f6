import Support
import TensorIR

/// How factors of contractions become `bf16` numbers for units that multiply those.
public struct FactorSplit: Hashable, Sendable {
  /// The `bf16` parts whose sum stands for an `f32` number: 3 are exact, 1 is the nearest `bf16` number.
  public var parts: Int
  /// The most terms that one instruction sums; a multiple of 2.
  public var depth: Int

  public init(parts: Int, depth: Int) {
    self.parts = parts
    self.depth = depth
  }
}

/// Splits both factors of contractions with constant weights into `bf16` parts, of which all products are summed whose
/// parts' numbers add up to less than the number of parts.
///
/// The axis that is summed in pairs is the last one of both factors and has an even extent, with zeros at its end.
///
/// G. Henry, P. Tang and A. Heinecke, "Leveraging the bfloat16 Artificial Intelligence Datatype For Higher-Precision
/// Computations", 2019.
func splitFactors(_ graph: Graph, _ split: FactorSplit) -> Graph {
  var result = graph
  let producers = graph.producers()
  var known: [SplitData: ValueID] = [:]
  result.nodes = []
  for node in graph.nodes {
    let contraction = WeightContraction(node, graph, producers, data: 0, split)
      ?? WeightContraction(node, graph, producers, data: 1, split)
    if let contraction { contraction.rewrite(in: &result, &known) } else { result.nodes.append(node) }
  }
  return result
}

/// A value with the map that splits it.
private struct SplitData: Hashable {
  var value: ValueID
  var map: Map
}

/// Constant weights, or a formula of which they are the values.
private enum Weights {
  case constant(ConstantTensor)
  case formula(ConstantFormula, dims: [Int])

  init?(_ value: ValueID, _ graph: Graph, _ producers: [Int?]) {
    guard graph.type(of: value).element == .f32 else { return nil }
    if let constant = graph.constant(value, producers) {
      self = .constant(constant)
    } else if let formula = graph.formula(value, producers), let dims = formula.map.shape.constants {
      self = .formula(formula, dims: dims)
    } else {
      return nil
    }
  }

  var isFormula: Bool { if case .formula = self { true } else { false } }

  var dims: [Int] {
    switch self {
    case .constant(let constant): constant.dims
    case .formula(_, let dims): dims
    }
  }

  var values: ConstantTensor? {
    switch self {
    case .constant(let constant): constant
    case .formula(let formula, _): formula.values()
    }
  }
}

/// A contraction of data with constant weights that have an axis of channels in common.
private struct WeightContraction {
  private let node: Node
  private let contract: Contract
  private let split: FactorSplit
  private let extents: [Dim]
  private let data: ValueID
  private let dataIndices: [AffineIndex]
  private let weights: Weights
  /// The axis of every dimension of the weights.
  private let weightAxes: [Int]
  /// The summed axis that becomes pairs, and its dimension in the data.
  private let channel: Int
  private let channelDimension: Int
  private let channels: Int
  /// The data's dimension that windows walk element by element; nil if there is none.
  private let windowed: Int?

  /// Features, summed terms and uses of each element of data from which on splitting pays.
  private static let leastFeatures = 16
  private static let leastTerms = 16
  private static let leastUses = 64
  /// Rows from which on reading weights of several parts pays.
  private static let leastRows = 8

  /// Nil if the contraction is of another kind, or too small to pay.
  init?(_ node: Node, _ graph: Graph, _ producers: [Int?], data position: Int, _ split: FactorSplit) {
    guard case .contract(let contract) = node.primitive, contract.accumulator == .f32,
      let weights = Weights(node.operands[1 - position], graph, producers),
      graph.type(of: node.operands[position]).element == .f32
    else { return nil }
    self.node = node
    self.contract = contract
    self.split = split
    self.weights = weights
    data = node.operands[position]
    dataIndices = position == 0 ? contract.lhs : contract.rhs
    extents = contract.shape + contract.reduced
    let rank = contract.shape.count
    weightAxes = (position == 0 ? contract.rhs : contract.lhs).compactMap(\.singleAxis)
    guard weightAxes.count == weights.dims.count, Set(weightAxes).count == weightAxes.count else { return nil }
    let (indices, axes, extents) = (dataIndices, weightAxes, extents)
    let channel = indices.enumerated().compactMap { dimension, index -> (axis: Int, dimension: Int, extent: Int)? in
      guard let axis = index.singleAxis, axis >= rank, let weightDimension = axes.firstIndex(of: axis),
        case let extent = weights.dims[weightDimension],
        graph.shape(of: node.operands[position])[dimension] == Dim(extent),
        !indices.enumerated().contains(where: { $0 != dimension && $1.coefficients[axis] != nil })
      else { return nil }
      return (axis, dimension, extent)
    }.max { $0.extent < $1.extent }
    guard let channel else { return nil }
    (self.channel, channelDimension, channels) = channel
    windowed = indices.lastIndex { index in
      index.coefficients.contains { $0.key >= rank && $0.value == 1 } && index.coefficients.count > 1
    }
    func product(_ axes: some Sequence<Int>) -> Int {
      axes.reduce(1) { $0.multipliedReportingOverflow(by: max(1, extents[$1].constant ?? 336)).partialValue }
    }
    let features = axes.filter { $0 < rank }.max().flatMap { extents[$0].constant } ?? 0
    let terms = product(rank..<extents.count)
    let uses = features * terms / max(1, channel.extent)
    let rows = product((0..<rank).filter { !axes.contains($0) })
    let window = windowed.flatMap { indices[$0].coefficients.keys.filter { $0 >= rank }.max() }
    let contiguous = channel.extent * (window.flatMap { extents[$0].constant } ?? 1)
    guard features >= Self.leastFeatures, terms >= Self.leastTerms, uses >= Self.leastUses,
      split.parts == 1 && !weights.isFormula || rows >= Self.leastRows, contiguous * 4 >= min(split.depth, Self.leastTerms) * 3
    else { return nil }
  }

  /// The channels with zeros at the end, so that instructions divide them evenly.
  private var paddedChannels: Int {
    if split.depth == 2 || windowed != nil && channels < split.depth { return (channels + 1) / 2 * 2 }
    let steps = (channels + split.depth - 1) / split.depth
    return (channels + 2 * steps - 1) / (2 * steps) * 2 * steps
  }

  private var isSplit: Bool { split.parts > 1 }

  func rewrite(in graph: inout Graph, _ known: inout [SplitData: ValueID]) {
    guard let splitWeights = splitWeights() else { return graph.nodes.append(node) }
    // Axes behind the others: the sum of the parts' numbers, then the number of the data's part.
    let (sum, part) = (extents.count, extents.count + 1)
    var changed = contract
    changed.reduced[channel - contract.shape.count] = Dim(paddedChannels)
    if isSplit { changed.reduced += [Dim(split.parts), Dim(split.parts)] }
    let (map, indices) = splitData(graph.shape(of: data), part)
    let key = SplitData(value: data, map: map)
    let factor = known[key] ?? graph.add(.map(map), [data], origin: node.origin)
    known[key] = factor
    changed.lhs = indices
    changed.rhs = (isSplit ? [AffineIndex([sum: 1, part: -1])] : [])
      + weightAxes.filter { $0 != channel }.map { .axis($0) } + [.axis(channel)]
    let constant = graph.add(.constant(splitWeights), [], origin: node.origin)
    graph.nodes.append(
      Node(
        .contract(changed), operands: [factor, constant] + node.operands.dropFirst(2), results: node.results,
        origin: node.origin))
  }

  // MARK: Data

  /// The map to the parts of the data within what the contraction reads, and the indices into it.
  private func splitData(_ shape: [Dim], _ partAxis: Int) -> (Map, [AffineIndex]) {
    var dimensions = dataIndices.indices.filter { $0 != channelDimension }
    // A window's row of few channels is contiguous, and summed as one axis.
    let isContiguous = channels < split.depth && windowed != nil
    if let windowed, isContiguous { dimensions = dimensions.filter { $0 != windowed } + [windowed] }
    let place = isContiguous ? dimensions.count - 1 : dimensions.count
    var body = ScalarGraph()
    var positions = [ScalarID](repeating: body.integer(0), count: shape.count)
    var padded: [Dim] = []
    var indices: [AffineIndex] = []
    for (count, dimension) in (dimensions + [channelDimension]).enumerated() {
      if count == place && isSplit {
        padded.append(Dim(split.parts))
        indices.append(.axis(partAxis))
      }
      let axis = body.axis(padded.count)
      guard dimension != channelDimension else {
        padded.append(Dim(paddedChannels))
        indices.append(.axis(channel))
        positions[dimension] = axis
        continue
      }
      let range = dataIndices[dimension].bounds(extents)
      let before = Dim.maximum(0, -range.low)
      padded.append(Dim.maximum(shape[dimension], range.high + 1) + before)
      indices.append(AffineIndex(dataIndices[dimension].coefficients, offset: dataIndices[dimension].offset + before))
      positions[dimension] = body.affine(axis, scale: 1, offset: -before)
    }
    let isPadded = padded.product != shape.product * (isSplit ? split.parts : 1)
    let value = body.read(0, positions, outside: isPadded ? body.number(0, .f32) : nil, type: .f32)
    body.results = [body.cast(isSplit ? part(of: value, body.axis(place), &body) : value, to: .bf16)]
    return (Map(shape: padded, body: body), indices)
  }

  /// What is left of a value when parts are taken away, by the number of the part.
  private func part(of value: ScalarID, _ number: ScalarID, _ body: inout ScalarGraph) -> ScalarID {
    // Infinity has one part; so do the numbers that are rounded to it.
    let limit = body.number(Double(Float(bitPattern: 0x7f7f_8000)), .f32)
    let isSmall = body.compare(.less, body.unary(.abs, value), limit)
    var rests = [value]
    for _ in 1..<split.parts {
      let last = rests[rests.count - 1]
      let rest = body.binary(.subtract, last, body.cast(body.cast(last, to: .bf16), to: .f32))
      rests.append(body.select(isSmall, rest, body.number(0, .f32)))
    }
    var result = rests[split.parts - 1]
    for index in (0..<split.parts - 1).reversed() {
      result = body.select(body.compare(.equal, number, body.integer(index)), rests[index], result)
    }
    return result
  }

  // MARK: Weights

  /// The parts of the weights: the part, the other dimensions, the channel.
  private func splitWeights() -> ConstantTensor? {
    guard let weights = weights.values else { return nil }
    let others = weightAxes.indices.filter { weightAxes[$0] != channel }
    let dims = others.map { weights.dims[$0] }
    let strides = weights.strides
    var offsets = [0]
    for dimension in others {
      offsets = offsets.flatMap { base in (0..<weights.dims[dimension]).map { base + $0 * strides[dimension] } }
    }
    let step = zip(weightAxes, strides).first { $0.0 == channel }?.1 ?? 1
    let (width, plane) = (paddedChannels, offsets.count * paddedChannels)
    let bytes = Bytes(count: split.parts * plane * 2) { output in
      weights.bytes.withUnsafeBytes { input in
        for (row, offset) in offsets.enumerated() {
          for position in 0..<channels {
            let bits = input.loadUnaligned(fromByteOffset: (offset + position * step) * 4, as: UInt32.self)
            var rest = Float(bitPattern: bits)
            for part in 0..<split.parts {
              let half = rest.brainBits
              let place = part * plane + row * width + position
              output.storeBytes(of: half, toByteOffset: place * 2, as: UInt16.self)
              let taken = Float(bitPattern: UInt32(half) << 16)
              rest = taken.isFinite ? rest - taken : 0
            }
          }
        }
      }
    }
    return ConstantTensor(.bf16, dims: (isSplit ? [split.parts] : []) + dims + [width], bytes: bytes)
  }
}

extension AffineIndex {
  /// The axis, if the index is one.
  fileprivate var singleAxis: Int? {
    guard offset == 0, coefficients.count == 1, let axis = coefficients.first, axis.value == 1 else { return nil }
    return axis.key
  }
}
