import Support
import TensorIR

/// `saturate(rint(x / scale) + zero_point)` per tensor, axis or block.
struct QuantizeLinear: Operator {
  let name: OperatorName

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let shape = b.shape(of: x)
    let axis = try node.int("axis", default: 1)
    let block = try node.int("block_size", default: 0)
    let scale = try b.alignedParameter(try node.input(1), to: shape, axis: axis, block: block, "the scale")
    let zeroPoint = try node.optionalInput(2).map { value throws(ModelError) in
      try b.alignedParameter(value, to: shape, axis: axis, block: block, "the zero point")
    }
    let declared = try node.int("output_dtype", default: 0) == 0 ? nil : try node.elementType("output_dtype")
    let target = zeroPoint.map { b.type(of: $0).element } ?? declared ?? .u8
    try b.requireQuantizable(target)
    let rounding = try node.smallFloatRounding()
    let precision = try node.int("precision", default: 0) == 0 ? nil : try node.elementType("precision")
    let scaleType = b.type(of: scale).element
    // A division of powers of two or integers would not be one.
    let element = precision ?? (scaleType.bits > 8 && scaleType.isFloat ? scaleType : .f32)
    return [
      try b.elementwise([x, scale] + (zeroPoint.map { [$0] } ?? [])) { graph, values in
        let scaled = graph.over(graph.cast(values[0], to: element), graph.cast(values[1], to: element))
        return graph.quantize(scaled, zeroPoint: values.count == 3 ? values[2] : nil, to: target, rounding)
      }
    ]
  }
}

/// QuantizeLinear and its twin in ONNX Runtime's domain.
let quantizeOperators: [any Operator] = [
  QuantizeLinear(name: OperatorName("QuantizeLinear", versions: 10, 13, 19, 21, 23, 24, 25, 28)),
  QuantizeLinear(name: OperatorName("QuantizeLinear", domain: "com.microsoft", versions: 1)),
]
