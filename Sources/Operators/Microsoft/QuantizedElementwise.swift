import Support
import TensorIR

/// An element-wise function of quantized tensors: every argument is followed by its scale and zero point, then come those of
/// the result.
struct QuantizedElementwise: Operator {
  let name: OperatorName
  let arity: Int
  /// The function of the dequantized elements and the attribute `alpha`.
  let compute: @Sendable (inout ScalarGraph, [ScalarID], Double) -> ScalarID

  init(
    _ name: String, arity: Int, _ compute: @escaping @Sendable (inout ScalarGraph, [ScalarID], Double) -> ScalarID
  ) {
    self.name = OperatorName(name, domain: "com.microsoft", versions: 1)
    self.arity = arity
    self.compute = compute
  }

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let alpha = try node.float("alpha", default: 0.01)
    var numbers: [ValueID] = []
    for position in 0..<arity { numbers.append(try b.dequantized(node, at: 3 * position)) }
    let result = try b.elementwise(numbers) { compute(&$0, $1, alpha) }
    return [try b.quantized(result, node, at: 3 * arity, like: try node.input(0))]
  }
}

/// Quantized element-wise operators of ONNX Runtime.
let quantizedElementwiseOperators: [any Operator] = [
  QuantizedElementwise("QLinearAdd", arity: 2) { graph, values, _ in graph.plus(values[0], values[1]) },
  QuantizedElementwise("QLinearMul", arity: 2) { graph, values, _ in graph.times(values[0], values[1]) },
  QuantizedElementwise("QLinearSigmoid", arity: 1) { graph, values, _ in graph.unary(.sigmoid, values[0]) },
  QuantizedElementwise("QLinearLeakyRelu", arity: 1) { graph, values, alpha in
    let isNegative = graph.compare(.less, values[0], graph.number(0, .f32))
    return graph.select(isNegative, graph.times(values[0], graph.number(alpha, .f32)), values[0])
  },
]

extension GraphBuilder {
  /// `(x - zero_point) * scale` of the three arguments from a position on; the scale and zero point are single numbers.
  mutating func dequantized(_ node: OperatorNode, at position: Int) throws(ModelError) -> ValueID {
    let (scale, zeroPoint) = try quantization(node, at: position + 1)
    return try elementwise([try node.input(position), scale] + (zeroPoint.map { [$0] } ?? [])) { graph, values in
      var value = graph.cast(values[0], to: .i32)
      if values.count == 3 { value = graph.minus(value, graph.cast(values[2], to: .i32)) }
      return graph.times(graph.cast(value, to: .f32), values[1])
    }
  }

  /// A float tensor quantized by the scale and zero point at a position.
  mutating func quantized(_ x: ValueID, _ node: OperatorNode, at position: Int, like data: ValueID) throws(ModelError)
    -> ValueID
  {
    let (scale, zeroPoint) = try quantization(node, at: position)
    let target = type(of: zeroPoint ?? data).element
    return try elementwise([x, scale] + (zeroPoint.map { [$0] } ?? [])) { graph, values in
      graph.quantize(graph.over(values[0], values[1]), zeroPoint: values.count == 3 ? values[2] : nil, to: target)
    }
  }

  private mutating func quantization(_ node: OperatorNode, at position: Int) throws(ModelError) -> (ValueID, ValueID?) {
    let scale = try node.input(position)
    try require(scale, "the scale", isOneOf: .f32)
    let zeroPoint = node.optionalInput(position + 1)
    for value in [scale] + (zeroPoint.map { [$0] } ?? []) where shape(of: value).constants?.reduce(1, *) != 1 {
      throw .invalid("a scale or zero point has shape \(shape(of: value)), not one element")
    }
    return (reshape(scale, []), zeroPoint.map { reshape($0, []) })
  }
}
