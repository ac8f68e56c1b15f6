import Support
import TensorIR

/// Quantization to `u8` with scale and zero point from the data's range.
struct DynamicQuantizeLinear: Operator {
  let name = OperatorName("DynamicQuantizeLinear", versions: 11)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    try b.require(x, "the argument", isOneOf: .f32)
    let axes = Array(b.shape(of: x).indices)
    let least = b.reduceAxes(x, axes, keepsAxes: false, .min)
    let greatest = b.reduceAxes(x, axes, keepsAxes: false, .max)
    let scale = try b.elementwise([least, greatest]) { graph, values in
      let zero = graph.number(0, .f32)
      let low = graph.binary(.min, values[0], zero)
      let span = graph.minus(graph.binary(.max, values[1], zero), low)
      let isEmpty = graph.compare(.equal, span, zero)
      return graph.over(graph.select(isEmpty, graph.number(1, .f32), span), graph.number(255, .f32))
    }
    let zeroPoint = try b.elementwise([least, scale]) { graph, values in
      let low = graph.binary(.min, values[0], graph.number(0, .f32))
      return graph.quantize(graph.negate(graph.over(low, values[1])), zeroPoint: nil, to: .u8)
    }
    let y = try b.elementwise([x, scale, zeroPoint]) { graph, values in
      graph.quantize(graph.over(values[0], values[1]), zeroPoint: values[2], to: .u8)
    }
    return [y, scale, zeroPoint]
  }
}
