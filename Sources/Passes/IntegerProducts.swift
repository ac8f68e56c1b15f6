import Support
import TensorIR

/// Turns contractions of quantized data with constant quantized weights into sums of products of `u8` data with `i8`
/// weights.
///
/// Sums of `scale * (bytes - zeroPoint)` are sums of products of bytes, from which the epilogue takes the zero point
/// times the sum of the weights, and which it scales. To weights that are no `i8` it adds what makes them some, times the sum of
/// the data. Data of 16 bits are summed byte by byte: the epilogue over the lower
/// bytes adds the sums over the upper ones. Data beyond the bounds are the zero point. Channels are the last axis of both
/// factors, in groups of which one instruction sums `depth` products.
///
/// B. Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference",
/// 2018.
func integerProducts(_ graph: Graph, depth: Int) -> Graph {
  var result = graph
  let producers = graph.producers()
  var arranged = ArrangedData()
  result.nodes = []
  for node in graph.nodes {
    let product = IntegerProduct(node, graph, producers, data: 0, depth)
      ?? IntegerProduct(node, graph, producers, data: 1, depth)
    if let product { product.rewrite(in: &result, &arranged) } else { result.nodes.append(node) }
  }
  return eliminateDeadCode(result)
}

/// A contraction of quantized factors.
private struct IntegerProduct {
  private let node: Node
  private let contraction: WeightContraction
  private let data: Dequantized
  private let zeroPoint: UniformParameter
  private let scale: UniformParameter
  /// The weights minus their zero points and `offset`, within the range of `i8`.
  private let weights: [Int]
  /// What makes `i8` of weights with a zero point that is not in the middle: the epilogue adds it times the sum of the data.
  private let offset: Int
  /// The scales of the weights by their rows; empty for integers.
  private let scales: [Float]

  /// Features, summed terms and uses of each element of data from which on arranging them pays.
  private static let leastFeatures = 8
  private static let leastTerms = 16
  private static let leastUses = 16
  /// The most terms whose sum no 32 bits overflow; half as many where weights have an offset.
  private static let mostTerms = (1 << 31) / (256 * 128) - 1

  /// Nil if the contraction is of another kind, or too small to pay.
  init?(_ node: Node, _ graph: Graph, _ producers: [Int?], data position: Int, _ depth: Int) {
    guard case .contract(let contract) = node.primitive, contract.accumulator == .i32 || contract.accumulator == .f32
    else { return nil }
    let isInteger = contract.accumulator == .i32
    let (factor, other) = (node.operands[position], node.operands[1 - position])
    guard let data = Dequantized.factor(factor, asIntegers: isInteger, graph, producers), data.isUniform,
      !isInteger || data.element.bytes == 1, let dims = graph.shape(of: other).constants,
      let contraction = Self.contraction(contract, data: position, graph.shape(of: factor), dims, depth),
      contraction.features >= Self.leastFeatures, contraction.terms >= Self.leastTerms,
      contraction.terms <= Self.mostTerms, contraction.uses >= Self.leastUses,
      contraction.channels * 4 >= contraction.paddedChannels * 3,
      contraction.depth == 4 || contraction.contiguousTerms * 4 >= Self.leastTerms * 3,
      let weights = Self.weights(other, isInteger, graph, producers),
      weights.offset == 0 || contraction.terms <= Self.mostTerms / 2,
      let scales = Self.scales(weights.scales, contraction)
    else { return nil }
    (self.node, self.contraction, self.data) = (node, contraction, data)
    (self.weights, offset, self.scales) = (weights.integers, weights.offset, scales)
    zeroPoint = data.uniformZeroPoint(graph, producers)
    scale = data.uniformScale(graph, producers)
  }

  /// The contraction over groups of bytes; in single ones, which vectors multiply, if one instruction sums more than there are.
  private static func contraction(
    _ contract: Contract, data position: Int, _ shape: [Dim], _ weights: [Int], _ depth: Int
  ) -> WeightContraction? {
    var contraction = WeightContraction(contract, data: position, shape, weights: weights, group: 4, depth: 4)
    if let terms = contraction?.paddedTerms, terms >= depth { contraction?.depth = depth }
    return contraction
  }

  private static func weights(
    _ value: ValueID, _ isInteger: Bool, _ graph: Graph, _ producers: [Int?]
  ) -> (integers: [Int], offset: Int, scales: ConstantTensor?)? {
    let integers: ConstantTensor
    var scales: ConstantTensor?
    if isInteger, let constant = graph.constant(value, producers) {
      guard constant.type.element.isInteger else { return nil }
      integers = constant
    } else {
      guard let factor = Dequantized.factor(value, asIntegers: isInteger, graph, producers),
        let shifted = factor.integers(graph, producers)
      else { return nil }
      integers = shifted
      if !isInteger {
        guard let constant = factor.scales(graph, producers) else { return nil }
        scales = constant
      }
    }
    let values = integers.integers
    guard let low = values.min(), let high = values.max(), high - low < 256 else { return nil }
    let offset = low >= -128 && high < 128 ? 0 : low + 128
    return (values.map { $0 - offset }, offset, scales)
  }

  /// The scales by results; nil if they differ between terms of one sum.
  private static func scales(_ scales: ConstantTensor?, _ contraction: WeightContraction) -> [Float]? {
    guard let scales else { return [] }
    let all = scales.doubles.map { Float($0) }
    let (starts, summed) = (contraction.featureOffsets, contraction.summedOffsets)
    let isSame = starts.allSatisfy { start in summed.allSatisfy { all[start + $0] == all[start] } }
    return isSame ? starts.map { all[$0] } : nil
  }

  // MARK: Rewriting

  func rewrite(in graph: inout Graph, _ arranged: inout ArrangedData) {
    let constant = graph.add(.constant(arrangedWeights()), [], origin: node.origin)
    var upper: ValueID?
    if data.element.bytes == 2 {
      let (contract, operands) = sums(ofByte: 1, constant, nil, &graph, &arranged)
      upper = graph.add(.contract(contract), operands, origin: node.origin)
    }
    let (contract, operands) = sums(ofByte: 0, constant, upper, &graph, &arranged)
    graph.nodes.append(Node(.contract(contract), operands: operands, results: node.results, origin: node.origin))
  }

  /// The contraction of a byte of the data, and its operands: that of byte 0 has the node's results, with the sums over
  /// the `upper` bytes where there are any, the other one integers.
  private func sums(
    ofByte byte: Int, _ constant: ValueID, _ upper: ValueID?, _ graph: inout Graph, _ arranged: inout ArrangedData
  ) -> (Contract, [ValueID]) {
    var operands = [data.quantized(in: &graph, origin: node.origin)]
    let zeroPoint = added(zeroPoint, to: &graph, &operands)
    let (map, indices) = contraction.dataMap { body, positions, isPadded, _ in
      let zero = zeroPoint.node(in: &body, data.element)
      let value = body.read(0, positions, outside: isPadded ? zero : nil, type: data.element)
      return body.byte(byte, of: value)
    }
    let factor = arranged.value(map, operands, in: &graph, origin: node.origin)
    var contract = contraction.arranged(indices)
    contract.accumulator = .i32
    var all = [factor, constant] + node.operands.dropFirst(2)
    let rows = offset == 0 ? nil : RowSums(contract, graph.shape(of: factor))
    let offsets = rows.map { (offsetTimesData(byte, factor, $0, &graph), $0.axes) }
    contract.epilogue = epilogue(byte, upper, offsets, &all, &graph)
    (all, contract.epilogue) = GraphBuilder.compact(contract.epilogue, all, from: 2)
    return (contract, all)
  }

  /// A parameter in bodies that read it: a number, or a new operand.
  private enum Parameter {
    case number(Double)
    case operand(Int)

    func node(in body: inout ScalarGraph, _ element: ElementType) -> ScalarID {
      switch self {
      case .number(let value): body.number(value, element)
      case .operand(let position): body.cast(body.read(position, [], type: .i32), to: element)
      }
    }
  }

  private func added(
    _ parameter: UniformParameter, to graph: inout Graph, _ operands: inout [ValueID]
  ) -> Parameter {
    switch parameter {
    case .known(let value): return .number(value)
    case .computed(let primitive, let sources):
      operands.append(graph.add(primitive, sources, origin: node.origin))
      return .operand(operands.count - 1)
    }
  }

  /// The offset of the weights times the sum of the data minus their zero points, for every row of results.
  private func offsetTimesData(_ byte: Int, _ factor: ValueID, _ rows: RowSums, _ graph: inout Graph) -> ValueID {
    let channels = graph.add(.reduce(rows.overChannels), [factor], origin: node.origin)
    var operands = [channels]
    let parameter = added(zeroPoint, to: &graph, &operands)
    let sum = rows.overWindows { body, sum in
      let zero = zero(byte, parameter, &body)
      let terms = body.times(zero, body.integer(rows.terms, .i32))
      return body.times(body.minus(sum, terms), body.integer(offset, .i32))
    }
    return graph.add(sum, operands, origin: node.origin)
  }

  /// A byte of the data's zero point, moved as the data are.
  private func zero(_ byte: Int, _ zeroPoint: Parameter, _ body: inout ScalarGraph) -> ScalarID {
    let shift = data.element.isSignedInteger ? 1 << (data.element.bits - 1) : 0
    switch zeroPoint {
    case .number(let zero): return body.integer((Int(zero) + shift) >> (8 * byte) & 255, .i32)
    case .operand(let position):
      let zero = body.plus(body.read(position, [], type: .i32), body.integer(shift, .i32))
      return body.cast(body.byte(byte, of: body.cast(zero, to: .u16)), to: .i32)
    }
  }

  /// The epilogue over the sum of products of a byte; `offsets` are added to it, by these axes.
  private func epilogue(
    _ byte: Int, _ upper: ValueID?, _ offsets: (value: ValueID, axes: [Int])?, _ operands: inout [ValueID],
    _ graph: inout Graph
  ) -> ScalarGraph {
    var epilogue = ScalarGraph()
    let axes = contraction.featureAxes
    let dims = axes.map { contraction.extents[$0].constant ?? 1 }
    func read(_ constant: ConstantTensor) -> ScalarID {
      operands.append(graph.add(.constant(constant), [], origin: node.origin))
      return epilogue.read(operands.count - 1, axes.map { epilogue.axis($0) }, type: constant.type.element)
    }
    func integers(_ values: [Int]) -> ScalarID { read(ConstantTensor(.i32, dims: dims, integers: values)) }
    func floats(_ values: [Float]) -> ScalarID {
      guard let first = values.first, values.contains(where: { $0 != first }) else {
        return epilogue.number(Double(values.first ?? 1), .f32)
      }
      return read(ConstantTensor(.f32, dims: dims, doubles: values.map { Double($0) }))
    }
    let summed = contraction.summedOffsets
    let sums = contraction.featureOffsets.map { start in summed.reduce(0) { $0 + weights[start + $1] } }
    var sum = epilogue.accumulator(0, .i32)
    let parameter = added(zeroPoint, to: &graph, &operands)
    let zero = zero(byte, parameter, &epilogue)
    if let zero = epilogue.integerValue(zero) {
      if zero != 0 { sum = epilogue.minus(sum, integers(sums.map { $0 * zero })) }
    } else {
      sum = epilogue.minus(sum, epilogue.times(zero, integers(sums)))
    }
    if let offsets {
      operands.append(offsets.value)
      sum = epilogue.plus(sum, epilogue.read(operands.count - 1, offsets.axes.map { epilogue.axis($0) }, type: .i32))
    }
    if byte > 0 {
      epilogue.results = [sum]
      return epilogue
    }
    if !scales.isEmpty {
      let factor: ScalarID
      switch added(scale, to: &graph, &operands) {
      case .number(let scale): factor = floats(scales.map { $0 * Float(scale) })
      case .operand(let position): factor = epilogue.times(epilogue.read(position, [], type: .f32), floats(scales))
      }
      sum = epilogue.cast(sum, to: .f32)
      if let upper {
        operands.append(upper)
        let place = contraction.contract.shape.indices.map { epilogue.axis($0) }
        let whole = epilogue.cast(epilogue.read(operands.count - 1, place, type: .i32), to: .f32)
        sum = epilogue.plus(sum, epilogue.times(whole, epilogue.number(256, .f32)))
      }
      epilogue.results = epilogue.insert(contraction.contract.epilogue, overProduct: sum, factor)
    } else {
      epilogue.results = epilogue.insert(contraction.contract.epilogue, accumulators: [sum])
    }
    return epilogue
  }

  /// The weights in rows of channels.
  private func arrangedWeights() -> ConstantTensor {
    let (rows, step, width) = (contraction.weightRows, contraction.channelStride, contraction.paddedChannels)
    let bytes = Bytes(count: rows.count * width) { output in
      for (row, offset) in rows.enumerated() {
        for position in 0..<contraction.channels {
          output[row * width + position] = UInt8(truncatingIfNeeded: weights[offset + position * step])
        }
      }
    }
    return ConstantTensor(.i8, dims: contraction.arrangedDims, bytes: bytes)
  }
}

/// The sums of a contraction's data over its terms, for every row of results: over channels first, then over windows.
private struct RowSums {
  /// The axes of results that the data follow, which are those of the sums.
  let axes: [Int]
  /// The terms of a sum.
  let terms: Int
  let overChannels: Reduce
  private let contract: Contract
  private let indices: [AffineIndex]

  init(_ contract: Contract, _ shape: [Dim]) {
    self.contract = contract
    let rank = contract.shape.count
    terms = contract.reduced.compactMap(\.constant).reduce(1, *)
    let isSummed = zip(contract.lhs, shape).map { index, extent in
      index.singleAxis.map { $0 >= rank && contract.reduced[$0 - rank] == extent } ?? false
    }
    let kept = shape.indices.filter { !isSummed[$0] }
    let summed = shape.indices.filter { isSummed[$0] }
    var body = ScalarGraph()
    var positions = shape.map { _ in body.integer(0) }
    for (axis, dimension) in (kept + summed).enumerated() { positions[dimension] = body.axis(axis) }
    body.results = [body.cast(body.read(0, positions, type: .u8), to: .i32)]
    var sum = ScalarGraph()
    sum.results = [sum.accumulator(0, .i32)]
    overChannels = Reduce(
      shape: kept.map { shape[$0] }, reduced: summed.map { shape[$0] }, combiner: .sum, body: body, epilogue: sum)
    indices = kept.map { contract.lhs[$0] }
    axes = Set(indices.flatMap(\.coefficients.keys)).filter { $0 < rank }.sorted()
  }

  /// What `result` makes of the sums over all terms, which are computed from those over channels, operand 0.
  func overWindows(_ result: (inout ScalarGraph, ScalarID) -> ScalarID) -> Primitive {
    let rank = contract.shape.count
    let windows = Set(indices.flatMap(\.coefficients.keys)).filter { $0 >= rank }.sorted()
    let places = Dictionary(uniqueKeysWithValues: (axes + windows).enumerated().map { ($1, $0) })
    var body = ScalarGraph()
    let positions = indices.map { index in
      let coefficients = index.coefficients.map { (places[$0.key] ?? 0, $0.value) }
      return body.affineIndex(AffineIndex(Dictionary(uniqueKeysWithValues: coefficients), offset: index.offset))
    }
    let read = body.read(0, positions, type: .i32)
    let shape = axes.map { contract.shape[$0] }
    guard !windows.isEmpty else {
      body.results = [result(&body, read)]
      return .map(Map(shape: shape, body: body))
    }
    body.results = [read]
    var epilogue = ScalarGraph()
    epilogue.results = [result(&epilogue, epilogue.accumulator(0, .i32))]
    let extents = windows.map { contract.reduced[$0 - rank] }
    return .reduce(Reduce(shape: shape, reduced: extents, combiner: .sum, body: body, epilogue: epilogue))
  }
}

extension ScalarGraph {
  /// A copy of an epilogue whose sum is a product; what is added to it is added before the product is rounded.
  fileprivate mutating func insert(_ epilogue: ScalarGraph, overProduct a: ScalarID, _ b: ScalarID) -> [ScalarID] {
    func isSum(_ id: ScalarID) -> Bool { if case .accumulator = epilogue[id] { true } else { false } }
    return insert(epilogue) { graph, node, copied in
      if case .accumulator = node { return graph.times(a, b) }
      guard case .binary(.add, let x, let y) = node, isSum(x) != isSum(y) else { return nil }
      return graph.multiplyAdd(a, b, copied(isSum(x) ? y : x))
    }
  }

  /// A byte of an integer of at most 16 bits, counted from the least; signed integers are moved to where unsigned ones are.
  fileprivate mutating func byte(_ byte: Int, of value: ScalarID) -> ScalarID {
    let type = type(of: value)
    let word = type.bytes == 1 ? ElementType.u8 : .u16
    var bits = value
    if type.isSignedInteger { bits = binary(.xor, cast(value, to: word), integer(1 << (type.bits - 1), word)) }
    if byte > 0 { bits = binary(.shiftRight, bits, integer(8 * byte, word)) }
    return cast(bits, to: .u8)
  }
}

extension WeightContraction {
  /// The axes of results along which weights vary.
  fileprivate var featureAxes: [Int] { weightAxes.filter { $0 < contract.shape.count } }
  /// Where the weights of every result begin.
  fileprivate var featureOffsets: [Int] { weightOffsets { $0 < contract.shape.count } }
  /// Where the terms of one result are from there.
  fileprivate var summedOffsets: [Int] { weightOffsets { $0 >= contract.shape.count } }
}
