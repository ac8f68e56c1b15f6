import Support
import TensorIR

/// An element of a sequence.
struct SequenceAt: ContainerOperator {
  let name = OperatorName("SequenceAt", versions: 11)

  func buildValues(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ImportedValue] {
    let sequence = try node.sequence(0)
    let items = sequence.items
    switch try b.position(try node.input(1), in: sequence, limit: items.count) {
    case .known(let position): return [items[position]]
    case .open(let position):
      var tensors: [ValueID] = []
      for item in items { tensors.append(try item.tensor("an element")) }
      return try b.choose(position, among: Array(items.indices)[...], tensors) { (index, values, _) in [values[index]] }
        .map { .tensor($0) }
    }
  }
}
