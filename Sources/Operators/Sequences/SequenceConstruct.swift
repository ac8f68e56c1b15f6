import ONNXReader
import Support
import TensorIR

/// A sequence of the arguments.
struct SequenceConstruct: ContainerOperator {
  let name = OperatorName("SequenceConstruct", versions: 11)

  func buildValues(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ImportedValue] {
    let items = node.values.compactMap { $0 }
    guard items.count == node.values.count, !items.isEmpty else { throw .invalid("an argument is missing") }
    if items.contains(where: { !$0.strings.isEmpty }) {
      guard items.allSatisfy({ $0.form == items[0].form }) else { throw .invalid("strings and numbers are mixed") }
    } else {
      try b.requireSameType(try node.inputs())
    }
    return [.sequence(ImportedSequence(items))]
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
