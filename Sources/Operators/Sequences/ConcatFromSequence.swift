import Support
import TensorIR

/// The elements of a sequence joined along an axis, which may be a new one.
struct ConcatFromSequence: ContainerOperator {
  let name = OperatorName("ConcatFromSequence", versions: 11)

  func buildValues(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ImportedValue] {
    let sequence = try node.sequence(0)
    let isNew = try node.flag("new_axis")
    guard let attribute = try node.int("axis") else { throw .invalid("attribute 'axis' is missing") }
    if isNew { try b.requireFixedLength(sequence) }
    var parts: [ValueID] = []
    for item in sequence.items { parts.append(try item.tensor("an element")) }
    guard let first = parts.first else { throw .invalid("the sequence is empty") }
    try b.requireSameType(parts)
    let rank = b.shape(of: first).count
    let axis = try normalizedAxis(attribute, rank: isNew ? rank + 1 : rank)
    for (index, part) in parts.enumerated() {
      let shape = b.shape(of: part)
      guard shape.count == rank else { throw .invalid("the elements have ranks \(rank) and \(shape.count)") }
      for other in shape.indices where isNew || other != axis {
        try b.requireEqual(shape[other], b.shape(of: first)[other], "extents of elements 0 and \(index)")
      }
      guard isNew else { continue }
      var extended = b.shape(of: first)
      extended.insert(1, at: axis)
      parts[index] = b.reshape(part, extended)
    }
    return [.tensor(b.concatenate(parts, axis: axis))]
  }
}
