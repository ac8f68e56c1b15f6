import Support
import TensorIR

/// The identity: nothing is dropped at inference.
struct Dropout: Operator {
  let name = OperatorName("Dropout", versions: 1, 6, 7, 10, 12, 13, 22)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    if try isTraining(node, b) {
      throw .unsupported("training mode is not supported", hint: "export the model for inference")
    }
    guard node.uses(result: 1) else { return [x] }
    let mask = b.scalar(1, node.version < 10 ? b.type(of: x).element : .bool)
    return [x, try b.broadcast(mask, to: b.shape(of: x))]
  }

  private func isTraining(_ node: OperatorNode, _ b: GraphBuilder) throws(ModelError) -> Bool {
    if node.version < 7 { return try !node.flag("is_test") }
    guard node.version >= 12, let mode = node.optionalInput(2) else { return false }
    if let ratio = node.optionalInput(1), b.constantValue(ratio)?.doubles.first == 0 { return false }
    return try b.requireNumbers(mode, "the training mode").first != 0
  }
}
