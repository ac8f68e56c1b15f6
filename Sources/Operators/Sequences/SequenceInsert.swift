import Support
import TensorIR

/// A sequence with one more element.
struct SequenceInsert: ContainerOperator {
  let name = OperatorName("SequenceInsert", versions: 11)

  func buildValues(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ImportedValue] {
    let sequence = try node.sequence(0)
    let added = try node.input(1)
    try b.requireFixedLength(sequence)
    let items = sequence.items
    guard let argument = node.optionalInput(2) else { return [.sequence(ImportedSequence(items + [.tensor(added)]))] }
    switch try b.position(argument, in: sequence, limit: items.count + 1) {
    case .known(let position):
      return [.sequence(ImportedSequence(items[..<position] + [.tensor(added)] + items[position...]))]
    case .open(let position):
      let results = try b.changed(items, adding: [added], at: position, cases: items.count + 1) { values, index in
        values.dropLast()[..<index] + values.suffix(1) + values.dropLast()[index...]
      }
      return [.sequence(ImportedSequence(results))]
    }
  }
}

/// A sequence with one element less.
struct SequenceErase: ContainerOperator {
  let name = OperatorName("SequenceErase", versions: 11)

  func buildValues(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ImportedValue] {
    let sequence = try node.sequence(0)
    try b.requireFixedLength(sequence)
    let items = sequence.items
    guard !items.isEmpty else { throw .invalid("the sequence is empty") }
    guard let argument = node.optionalInput(1) else { return [.sequence(ImportedSequence(items.dropLast()))] }
    switch try b.position(argument, in: sequence, limit: items.count) {
    case .known(let position):
      return [.sequence(ImportedSequence(Array(items[..<position] + items[(position + 1)...])))]
    case .open(let position):
      let results = try b.changed(items, adding: [], at: position, cases: items.count) { values, index in
        values[..<index] + values[(index + 1)...]
      }
      return [.sequence(ImportedSequence(results))]
    }
  }
}

extension GraphBuilder {
  /// - Throws: `ModelError.unsupported` if only a call knows how long a sequence is.
  func requireFixedLength(_ sequence: ImportedSequence) throws(ModelError) {
    guard sequence.length == nil else {
      throw .unsupported("the length of the sequence is known at run time only", hint: "split into a fixed number of parts")
    }
  }

  /// The elements that `change` makes of the given ones for the position that a call finds.
  fileprivate mutating func changed(
    _ items: [ImportedValue], adding more: [ValueID], at position: ValueID, cases: Int,
    _ change: (ArraySlice<ValueID>, Int) -> ArraySlice<ValueID>
  ) throws(ModelError) -> [ImportedValue] {
    var tensors: [ValueID] = []
    for item in items { tensors.append(try item.tensor("an element")) }
    return try choose(position, among: Array(0..<cases)[...], tensors + more) { (index, values, _) in
      Array(change(values[...], index))
    }.map { .tensor($0) }
  }
}
