import Support
import TensorIR

/// Quantization to `u8` with scale and zero point from the data's range.
struct DynamicQuantizeLinear: Operator {
  let name = OperatorName("DynamicQuantizeLinear", versions: 11)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let result = try b.dynamicallyQuantized(try node.input(0))
    return [result.value, result.scale, result.zeroPoint]
  }
}

extension GraphBuilder {
  /// A tensor as `u8`, with the scale and the zero point that its range gives.
  mutating func dynamicallyQuantized(_ x: ValueID) throws(ModelError) -> (
    value: ValueID, scale: ValueID, zeroPoint: ValueID
  ) {
    try require(x, "the argument", isOneOf: .f32)
    let axes = Array(shape(of: x).indices)
    let least = reduceAxes(x, axes, keepsAxes: false, .min)
    let greatest = reduceAxes(x, axes, keepsAxes: false, .max)
    let scale = try elementwise([least, greatest]) { graph, values in
      let zero = graph.number(0, .f32)
      let low = graph.binary(.min, values[0], zero)
      let span = graph.minus(graph.binary(.max, values[1], zero), low)
      let isEmpty = graph.compare(.equal, span, zero)
      return graph.over(graph.select(isEmpty, graph.number(1, .f32), span), graph.number(255, .f32))
    }
    let zeroPoint = try elementwise([least, scale]) { graph, values in
      let low = graph.binary(.min, values[0], graph.number(0, .f32))
      return graph.quantize(graph.negate(graph.over(low, values[1])), zeroPoint: nil, to: .u8)
    }
    let value = try elementwise([x, scale, zeroPoint]) { graph, values in
      graph.quantize(graph.over(values[0], values[1]), zeroPoint: values[2], to: .u8)
    }
    return (value, scale, zeroPoint)
  }
}
