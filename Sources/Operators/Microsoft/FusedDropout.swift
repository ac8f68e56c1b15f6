import Support
import TensorIR

/// Dropout at inference, which keeps everything, after a bias and before a residual, with the mask as bytes or bits.
struct FusedDropout: Operator {
  let name: OperatorName
  let hasBias: Bool
  let packsMask: Bool

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let first = hasBias ? 3 : 1
    if try b.isTraining(ratio: node.optionalInput(first), mode: node.optionalInput(first + 1)) {
      throw .unsupported("training mode is not supported", hint: "export the model for inference")
    }
    var y = x
    if hasBias {
      let operands = [x, try node.input(1)] + (node.optionalInput(2).map { [$0] } ?? [])
      try b.requireSameType(operands)
      y = try b.elementwise(operands) { graph, values in
        values.dropFirst().reduce(values[0]) { graph.plus($0, $1) }
      }
    }
    guard node.uses(result: 1) else { return [y] }
    let shape = b.shape(of: y)
    guard packsMask else { return [y, try b.broadcast(b.scalar(1, .bool), to: shape)] }
    let words = (shape.product + 31).floorDivided(by: 32)
    return [y, try b.broadcast(b.scalar(Double(UInt32.max), .u32), to: [words])]
  }
}

/// Dropout in the forms of ONNX Runtime.
let fusedDropouts: [any Operator] = [
  FusedDropout(
    name: OperatorName("BiasDropout", domain: "com.microsoft", versions: 1), hasBias: true, packsMask: false),
  FusedDropout(
    name: OperatorName("BitmaskBiasDropout", domain: "com.microsoft", versions: 1), hasBias: true, packsMask: true),
  FusedDropout(
    name: OperatorName("BitmaskDropout", domain: "com.microsoft", versions: 1), hasBias: false, packsMask: true),
]
