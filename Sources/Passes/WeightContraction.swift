import Support
import TensorIR

/// A contraction of data with weights that have an axis of channels in common, as units for narrow numbers want it: the
/// channels are the last axis of both factors, in whole groups, and no read is out of bounds.
struct WeightContraction {
  let contract: Contract
  let extents: [Dim]
  let dataIndices: [AffineIndex]
  let dataShape: [Dim]
  /// The axis of every dimension of the weights.
  let weightAxes: [Int]
  let weightDims: [Int]
  /// Numbers that one lane of an instruction sums, and those that a whole instruction does.
  let group: Int
  var depth: Int
  /// The summed axis that becomes groups, and its dimension in the data.
  let channel: Int
  let channels: Int
  private let channelDimension: Int
  /// The data's dimension that windows walk element by element; nil if there is none.
  private let windowed: Int?

  /// Nil for contractions of another form.
  init?(_ contract: Contract, data position: Int, _ dataShape: [Dim], weights: [Int], group: Int, depth: Int) {
    self.contract = contract
    self.dataShape = dataShape
    self.group = group
    self.depth = depth
    weightDims = weights
    dataIndices = position == 0 ? contract.lhs : contract.rhs
    extents = contract.shape + contract.reduced
    let rank = contract.shape.count
    weightAxes = (position == 0 ? contract.rhs : contract.lhs).compactMap(\.singleAxis)
    guard weightAxes.count == weights.count, Set(weightAxes).count == weights.count else { return nil }
    let (indices, axes) = (dataIndices, weightAxes)
    let channel = indices.enumerated().compactMap { dimension, index -> (axis: Int, dimension: Int, extent: Int)? in
      guard let axis = index.singleAxis, axis >= rank, let weightDimension = axes.firstIndex(of: axis),
        case let extent = weights[weightDimension], dataShape[dimension] == Dim(extent),
        !indices.enumerated().contains(where: { $0 != dimension && $1.coefficients[axis] != nil })
      else { return nil }
      return (axis, dimension, extent)
    }.max { $0.extent < $1.extent }
    guard let channel else { return nil }
    (self.channel, channelDimension, channels) = channel
    windowed = indices.lastIndex { index in
      index.coefficients.contains { $0.key >= rank && $0.value == 1 } && index.coefficients.count > 1
    }
  }

  // MARK: Sizes

  private func product(_ extents: some Sequence<Dim>) -> Int {
    extents.reduce(1) { $0.multipliedReportingOverflow(by: max(1, $1.constant ?? 336)).partialValue }
  }
  private func product(_ axes: some Sequence<Int>) -> Int { product(axes.map { extents[$0] }) }

  /// The extent of the innermost axis of results along which the weights vary.
  var features: Int {
    weightAxes.filter { $0 < contract.shape.count }.max().flatMap { extents[$0].constant } ?? 0
  }
  /// The summed terms of one result.
  var terms: Int { product(contract.shape.count..<extents.count) }
  /// Results that are multiplied with the same weights.
  var rows: Int { product((0..<contract.shape.count).filter { !weightAxes.contains($0) }) }
  /// Rows that lie at equal distances in memory: all, unless windows walk the data.
  var rowsSideBySide: Int {
    let axes = (0..<contract.shape.count).filter { !weightAxes.contains($0) && extents[$0] != 1 }
    let isWalked = dataIndices.contains { $0.coefficients.count > 1 }
    return product(isWalked ? axes.suffix(1) : axes)
  }
  var products: Int { product(extents) }
  var resultCount: Int { product(contract.shape) }
  var weightCount: Int { weightDims.reduce(1, *) }
  var dataCount: Int { product(dataShape) }
  /// Products that every element of the data is in.
  var uses: Int { features * terms / max(1, channels) }
  /// Terms that are neighbours in memory.
  var contiguousTerms: Int {
    let window = windowed.flatMap { dataIndices[$0].coefficients.keys.filter { $0 >= contract.shape.count }.max() }
    return channels * (window.flatMap { extents[$0].constant } ?? 1)
  }

  /// The channels with zeros at the end, so that steps of whole groups divide them evenly.
  var paddedChannels: Int { (channels + group * steps - 1) / (group * steps) * group * steps }

  /// The summed terms of one result with those zeros.
  var paddedTerms: Int { terms / max(1, channels) * paddedChannels }

  /// Instructions that sum the channels of one place.
  private var steps: Int { depth == group ? 1 : (channels + depth - 1) / depth }

  /// Bytes between rows from which on few sets of a cache hold the rows of a tile, if they are multiples of it.
  private static let setStride = 256

  /// Blocks of channels, each of what one instruction sums, where there are several. They are the outermost dimension of
  /// the data, so that neighbouring positions lie side by side whatever the number of channels. Bytes of one position stay
  /// together where caches allow it: what computes them by channels writes them so.
  private var blocks: Int { group == 4 && paddedChannels % Self.setStride != 0 ? 1 : steps }
  private var blockWidth: Int { paddedChannels / blocks }

  /// The axes of the contraction over arranged factors.
  var arrangedAxes: Int { extents.count + (blocks > 1 ? 1 : 0) }

  // MARK: Data

  /// The map to the data within what the contraction reads, and the indices into it.
  ///
  /// With `parts` the map has an axis for them, next to what is contiguous, that is `parts.axis` in the contraction.
  /// The body's result is computed from the positions in the data, whether they may be out of bounds, and the number of
  /// the part.
  func dataMap(
    parts: (count: Int, axis: Int)? = nil,
    _ element: (inout ScalarGraph, _ positions: [ScalarID], _ isPadded: Bool, _ part: ScalarID) -> ScalarID
  ) -> (Map, [AffineIndex]) {
    var dimensions = dataIndices.indices.filter { $0 != channelDimension }
    // A window's row of few channels is contiguous, and summed as one axis.
    let isContiguous = channels < depth && windowed != nil
    if let windowed, isContiguous { dimensions = dimensions.filter { $0 != windowed } + [windowed] }
    let place = isContiguous ? dimensions.count - 1 : dimensions.count
    var body = ScalarGraph()
    var positions = [ScalarID](repeating: body.integer(0), count: dataShape.count)
    var padded: [Dim] = []
    var indices: [AffineIndex] = []
    if blocks > 1 {
      padded.append(Dim(blocks))
      indices.append(.axis(extents.count))
    }
    for (count, dimension) in (dimensions + [channelDimension]).enumerated() {
      if count == place, let parts {
        padded.append(Dim(parts.count))
        indices.append(.axis(parts.axis))
      }
      let axis = body.axis(padded.count)
      guard dimension != channelDimension else {
        padded.append(Dim(blockWidth))
        indices.append(.axis(channel))
        let block = body.affine(body.axis(0), scale: blockWidth, offset: 0)
        positions[dimension] = blocks > 1 ? body.plus(block, axis) : axis
        continue
      }
      let range = dataIndices[dimension].bounds(extents)
      let before = Dim.maximum(0, -range.low)
      padded.append(Dim.maximum(dataShape[dimension], range.high + 1) + before)
      indices.append(AffineIndex(dataIndices[dimension].coefficients, offset: dataIndices[dimension].offset + before))
      positions[dimension] = body.affine(axis, scale: 1, offset: -before)
    }
    let isPadded = padded.product != dataShape.product * (parts?.count ?? 1)
    body.results = [element(&body, positions, isPadded, body.axis(place + (blocks > 1 ? 1 : 0)))]
    return (Map(shape: padded, body: body), indices)
  }

  /// The contraction over the padded channels of data at these indices and of weights in rows.
  func arranged(_ indices: [AffineIndex]) -> Contract {
    var changed = contract
    changed.reduced[channel - contract.shape.count] = Dim(blockWidth)
    changed.lhs = indices
    changed.rhs = weightAxes.filter { $0 != channel }.map { .axis($0) } + [.axis(channel)]
    guard blocks > 1 else { return changed }
    changed.reduced.append(Dim(blocks))
    changed.rhs.insert(.axis(extents.count), at: changed.rhs.count - 1)
    return changed
  }

  // MARK: Weights

  /// Where the rows of channels begin in the weights.
  var weightRows: [Int] { weightOffsets { $0 != channel } }
  /// The stride of channels in the weights.
  var channelStride: Int { zip(weightAxes, weightStrides).first { $0.0 == channel }?.1 ?? 1 }
  /// The extents of the weights in rows of padded channels.
  var arrangedDims: [Int] {
    let rows = weightAxes.indices.filter { weightAxes[$0] != channel }.map { weightDims[$0] }
    return rows + (blocks > 1 ? [blocks, blockWidth] : [paddedChannels])
  }

  /// The weights' offsets over the dimensions of some axes, in row-major order.
  func weightOffsets(_ isIncluded: (_ axis: Int) -> Bool) -> [Int] {
    var offsets = [0]
    for (dimension, stride) in weightStrides.enumerated() where isIncluded(weightAxes[dimension]) {
      offsets = offsets.flatMap { base in (0..<weightDims[dimension]).map { base + $0 * stride } }
    }
    return offsets
  }

  private var weightStrides: [Int] { weightDims.rowMajorStrides }
}

/// Maps that arrange data for contractions: contractions of the same data share them.
struct ArrangedData {
  private struct Key: Hashable {
    var map: Map
    var operands: [ValueID]
  }

  private var known: [Key: ValueID] = [:]

  /// The value of a map over operands, which is added to the graph if it is new.
  mutating func value(_ map: Map, _ operands: [ValueID], in graph: inout Graph, origin: String) -> ValueID {
    let (operands, body) = GraphBuilder.compact(map.body, operands)
    let key = Key(map: Map(shape: map.shape, body: body), operands: operands)
    let value = known[key] ?? graph.add(.map(key.map), operands, origin: origin)
    known[key] = value
    return value
  }
}

extension AffineIndex {
  /// The axis, if the index is one.
  var singleAxis: Int? {
    guard offset == 0, coefficients.count == 1, let axis = coefficients.first, axis.value == 1 else { return nil }
    return axis.key
  }
}
