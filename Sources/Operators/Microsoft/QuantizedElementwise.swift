import Support
import TensorIR

/// An element-wise function of a quantized tensor: the argument is followed by its scale and zero point, then come
/// those of the result.
struct QuantizedElementwise: Operator {
  let name: OperatorName
  /// The function of the dequantized element and the attribute `alpha`.
  let compute: @Sendable (inout ScalarGraph, ScalarID, Double) -> ScalarID

  init(_ name: String, _ compute: @escaping @Sendable (inout ScalarGraph, ScalarID, Double) -> ScalarID) {
    self.name = OperatorName(name, domain: "com.microsoft", versions: 1)
    self.compute = compute
  }

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let alpha = try node.float("alpha", default: 0.01)
    let result = try b.elementwise([try b.dequantized(node, at: 0)]) { compute(&$0, $1[0], alpha) }
    return [try b.quantized(result, node, at: 3, like: try node.input(0))]
  }
}

/// The sum of quantized tensors, in the order of operations of ONNX Runtime, because ties are common.
struct QLinearAdd: Operator {
  let name = OperatorName("QLinearAdd", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let (lhs, rhs) = (try node.input(0), try node.input(3))
    try b.requireSameType([lhs, rhs])
    let numbers = [try b.quantization(node, at: 1), try b.quantization(node, at: 4), try b.quantization(node, at: 6)]
    let target = b.type(of: lhs).element
    try b.requireQuantizable(target)
    let ratios = [
      try b.elementwise([numbers[0].scale, numbers[2].scale]) { $0.over($1[0], $1[1]) },
      try b.elementwise([numbers[1].scale, numbers[2].scale]) { $0.over($1[0], $1[1]) },
    ]
    let zeroPoints = numbers.map { $0.zeroPoint ?? b.constant(.scalar(0, target)) }
    let offset = try b.elementwise(ratios + zeroPoints) { graph, values in
      let wide = values.map { graph.cast($0, to: .f32) }
      return graph.minus(wide[4], graph.plus(graph.times(wide[0], wide[2]), graph.times(wide[1], wide[3])))
    }
    return [
      try b.elementwise([lhs, rhs] + ratios + [offset]) { graph, values in
        let wide = values.map { graph.cast($0, to: .f32) }
        let sum = graph.multiplyAdd(wide[0], wide[2], graph.multiplyAdd(wide[1], wide[3], wide[4]))
        return graph.quantize(sum, zeroPoint: nil, to: target)
      }
    ]
  }
}

/// The product of quantized tensors.
struct QLinearMul: Operator {
  let name = OperatorName("QLinearMul", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let (lhs, rhs) = (try node.input(0), try node.input(3))
    try b.requireSameType([lhs, rhs])
    let factors = [
      try b.centered(lhs, zeroPoint: try b.quantization(node, at: 1).zeroPoint, axis: -1),
      try b.centered(rhs, zeroPoint: try b.quantization(node, at: 4).zeroPoint, axis: -1),
    ]
    let product = try b.elementwise(factors) { $0.times($0.cast($1[0], to: .i32), $0.cast($1[1], to: .i32)) }
    var scales: [ValueID] = []
    for position in [1, 4, 6] { scales.append(try b.quantization(node, at: position).scale) }
    let zeroPoint = try b.quantization(node, at: 6).zeroPoint ?? b.scalar(0, b.type(of: lhs).element)
    return [try b.requantize(product, scales, zeroPoint)]
  }
}

/// One of two quantized tensors by a condition.
struct QLinearWhere: Operator {
  let name = OperatorName("QLinearWhere", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let condition = try node.input(0)
    try b.require(condition, "the condition", isOneOf: .bool)
    let (x, y) = (try b.dequantized(node, at: 1), try b.dequantized(node, at: 4))
    let chosen = try b.elementwise([condition, x, y]) { $0.select($1[0], $1[1], $1[2]) }
    return [try b.quantized(chosen, node, at: 7, like: try node.input(1))]
  }
}

/// Quantized tensors joined along one axis.
struct QLinearConcat: Operator {
  let name = OperatorName("QLinearConcat", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let own = try b.quantization(node, at: 0)
    guard let given = try node.int("axis") else { throw .invalid("attribute 'axis' is missing") }
    guard node.arguments.count > 2, node.arguments.count % 3 == 2 else {
      throw .invalid("there are \(node.arguments.count) arguments, not 2 and 3 for every part")
    }
    var parts: [ValueID] = []
    for position in stride(from: 2, to: node.arguments.count, by: 3) {
      let part = try node.input(position)
      try b.requireSameType([part, try node.input(position + 2), try node.input(1)])
      // A part that is quantized as the result is stays as it is.
      if try b.quantization(node, at: position + 1) == own {
        parts.append(part)
      } else {
        parts.append(try b.quantized(try b.dequantized(node, at: position), node, at: 0, like: part))
      }
    }
    let rank = b.shape(of: parts[0]).count
    try b.requireJoinable(parts, axis: try normalizedAxis(given, rank: rank))
    return [b.concatenate(parts, axis: try normalizedAxis(given, rank: rank))]
  }
}

/// The product of centered integers as `i32`.
struct MulInteger: Operator {
  let name = OperatorName("MulInteger", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let factors = [
      try b.centered(try node.input(0), zeroPoint: node.optionalInput(1), axis: -1),
      try b.centered(try node.input(2), zeroPoint: node.optionalInput(3), axis: -1),
    ]
    return [try b.elementwise(factors) { $0.times($0.cast($1[0], to: .i32), $0.cast($1[1], to: .i32)) }]
  }
}

/// Quantized element-wise operators of ONNX Runtime.
let quantizedElementwiseOperators: [any Operator] = [
  MulInteger(),
  QLinearAdd(),
  QLinearConcat(),
  QLinearMul(),
  QLinearWhere(),
  QuantizedElementwise("QLinearSigmoid") { graph, value, _ in graph.unary(.sigmoid, value) },
  QuantizedElementwise("QLinearLeakyRelu") { graph, value, alpha in graph.leakyRelu(value, alpha: alpha) },
]

/// A scale and a zero point.
struct Quantization: Hashable {
  var scale: ValueID
  /// 0 if there is none.
  var zeroPoint: ValueID?
}

extension GraphBuilder {
  /// `(x - zero_point) * scale` of the three arguments from a position on; the scale and zero point are single numbers.
  mutating func dequantized(_ node: OperatorNode, at position: Int) throws(ModelError) -> ValueID {
    try dequantized(try node.input(position), by: try quantization(node, at: position + 1))
  }

  /// `(x - zero_point) * scale`.
  mutating func dequantized(_ x: ValueID, by numbers: Quantization) throws(ModelError) -> ValueID {
    try elementwise([x, numbers.scale] + (numbers.zeroPoint.map { [$0] } ?? [])) { graph, values in
      graph.dequantize(values[0], scale: values[1], zeroPoint: values.count == 3 ? values[2] : nil)
    }
  }

  /// A float tensor quantized by the scale and zero point at a position.
  mutating func quantized(_ x: ValueID, _ node: OperatorNode, at position: Int, like data: ValueID) throws(ModelError)
    -> ValueID
  {
    let numbers = try quantization(node, at: position)
    let (scale, zeroPoint) = (numbers.scale, numbers.zeroPoint)
    let target = type(of: zeroPoint ?? data).element
    try requireQuantizable(target)
    return try elementwise([x, scale] + (zeroPoint.map { [$0] } ?? [])) { graph, values in
      graph.quantize(graph.over(values[0], values[1]), zeroPoint: values.count == 3 ? values[2] : nil, to: target)
    }
  }

  /// The scale and the zero point at a position, single numbers both.
  mutating func quantization(_ node: OperatorNode, at position: Int) throws(ModelError) -> Quantization {
    let scale = try node.input(position)
    try require(scale, "the scale", isOneOf: .f32)
    let zeroPoint = node.optionalInput(position + 1)
    for value in [scale] + (zeroPoint.map { [$0] } ?? []) where shape(of: value).constants?.reduce(1, *) != 1 {
      throw .invalid("a scale or zero point has shape \(shape(of: value)), not one element")
    }
    return Quantization(scale: reshape(scale, []), zeroPoint: zeroPoint.map { reshape($0, []) })
  }
}

extension ScalarGraph {
  /// `(x - zeroPoint) * scale` of integers.
  mutating func dequantize(_ x: ScalarID, scale: ScalarID, zeroPoint: ScalarID?) -> ScalarID {
    let wide = cast(x, to: .i32)
    let centered = zeroPoint.map { minus(wide, cast($0, to: .i32)) } ?? wide
    return times(cast(centered, to: .f32), scale)
  }
}
