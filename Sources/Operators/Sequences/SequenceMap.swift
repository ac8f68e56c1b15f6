import Support
import TensorIR

/// A body graph applied to the elements of sequences.
struct SequenceMap: ContainerOperator {
  let name = OperatorName("SequenceMap", versions: 17)

  func buildValues(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ImportedValue] {
    let body = try node.graph("body")
    let first = try node.sequence(0)
    try b.requireFixedLength(first)
    var results = [[ImportedValue]](repeating: [], count: body.outputs.count)
    for index in first.items.indices {
      var arguments: [ImportedValue] = []
      for position in node.values.indices {
        guard case .sequence(let sequence) = try node.value(position) else {
          arguments.append(try node.value(position))
          continue
        }
        guard sequence.items.count == first.items.count, sequence.length == nil else {
          throw .invalid("the sequences have lengths \(first.items.count) and \(sequence.items.count)")
        }
        arguments.append(sequence.items[index])
      }
      for (position, value) in try node.inline(body, values: arguments, in: &b).enumerated() {
        results[position].append(value)
      }
    }
    return results.map { .sequence(ImportedSequence($0)) }
  }
}
