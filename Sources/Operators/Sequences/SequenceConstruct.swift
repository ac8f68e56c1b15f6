import ONNXReader
import Support
import TensorIR

/// A sequence of the arguments.
struct SequenceConstruct: ContainerOperator {
  let name = OperatorName("SequenceConstruct", versions: 11)

  func buildValues(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ImportedValue] {
    let items = try node.inputs()
    try b.requireSameType(items)
    return [.sequence(ImportedSequence(items.map { .tensor($0) }))]
  }
}

/// A sequence without elements.
struct SequenceEmpty: ContainerOperator {
  let name = OperatorName("SequenceEmpty", versions: 11)

  func buildValues(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ImportedValue] {
    _ = try node.elementType("dtype")
    return [.sequence(ImportedSequence([]))]
  }
}
