import Support
import TensorIR

/// `(x - offset) * scale` as `f32`, with one number or one per column.
struct Scaler: Operator {
  let name = OperatorName("Scaler", domain: "ai.onnx.ml", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try b.cast(try node.input(0), to: .f32)
    let offset = b.floatRow(try node.floats("offset") ?? [0])
    let scale = b.floatRow(try node.floats("scale") ?? [1])
    return [try b.elementwise([x, offset, scale]) { $0.times($0.minus($1[0], $1[1]), $1[2]) }]
  }
}

extension GraphBuilder {
  /// A constant vector of `f32`.
  mutating func floatRow(_ values: [Double]) -> ValueID {
    constant(ConstantTensor(.f32, dims: [values.count], doubles: values))
  }
}
