import Support
import TensorIR

/// `(x - zero_point) * scale` per tensor, axis or block.
struct DequantizeLinear: Operator {
  let name: OperatorName

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let shape = b.shape(of: x)
    let axis = try node.int("axis", default: 1)
    let block = try node.int("block_size", default: 0)
    let scale = try b.alignedParameter(try node.input(1), to: shape, axis: axis, block: block, "the scale")
    let zeroPoint = try node.optionalInput(2).map { value throws(ModelError) in
      try b.requireSameType([x, value])
      if b.shape(of: value).product != 1 {
        try b.requireShape(value, b.shape(of: try node.input(1)), "the zero point")
      }
      return try b.alignedParameter(value, to: shape, axis: axis, block: block, "the zero point")
    }
    let declared = try node.int("output_dtype", default: 0) == 0 ? nil : try node.elementType("output_dtype")
    let target = declared ?? b.type(of: scale).element
    return [
      try b.elementwise([x, scale] + (zeroPoint.map { [$0] } ?? [])) { graph, values in
        let wide: ElementType = graph.type(of: values[0]).isFloat ? .f32 : .i32
        var value = graph.cast(values[0], to: wide)
        if values.count == 3 { value = graph.minus(value, graph.cast(values[2], to: wide)) }
        return graph.cast(graph.times(graph.cast(value, to: .f32), graph.cast(values[1], to: .f32)), to: target)
      }
    ]
  }
}

/// DequantizeLinear and its twin in ONNX Runtime's domain.
let dequantizeOperators: [any Operator] = [
  DequantizeLinear(name: OperatorName("DequantizeLinear", versions: 10, 13, 19, 21, 23, 24, 25, 28)),
  DequantizeLinear(name: OperatorName("DequantizeLinear", domain: "com.microsoft", versions: 1)),
]
