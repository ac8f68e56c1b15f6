import Support
import TensorIR

/// Tensors joined along one axis.
struct Concat: Operator {
  let name = OperatorName("Concat", versions: 1, 4, 11, 13)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let parts = try node.inputs()
    try b.requireSameType(parts)
    let rank = b.shape(of: parts[0]).count
    let given = try node.int("axis") ?? (node.version < 4 ? 1 : nil)
    guard let given else { throw .invalid("attribute 'axis' is missing") }
    let axis = try normalizedAxis(given, rank: rank)
    try b.requireJoinable(parts, axis: axis)
    return [b.concatenate(parts, axis: axis)]
  }
}

extension GraphBuilder {
  /// Checks that values can be joined along an axis.
  mutating func requireJoinable(_ parts: [ValueID], axis: Int) throws(ModelError) {
    let first = shape(of: parts[0])
    for part in parts {
      let shape = shape(of: part)
      guard shape.count == first.count else {
        throw .invalid("the arguments have ranks \(first.count) and \(shape.count)")
      }
      for other in shape.indices where other != axis {
        try requireEqual(shape[other], first[other], "shapes \(first) and \(shape) differ in dimension \(other)")
      }
    }
  }

  /// The values one after the other along an axis; their other extents are equal.
  mutating func concatenate(_ values: [ValueID], axis: Int) -> ValueID {
    let parts = values.filter { self.shape(of: $0)[axis] != 0 }
    guard parts.count > 1 else { return parts.first ?? values[0] }
    let element = type(of: parts[0]).element
    var shape = self.shape(of: parts[0])
    var body = ScalarGraph()
    let axes = shape.indices.map { body.axis($0) }
    // Positions beyond a part fall through to the next one.
    let extents = parts.map { self.shape(of: $0)[axis] }
    let ends = extents.count(where: { $0.constant == nil }) > 8
      ? namedEnds(of: extents) : extents.indices.map { extents[...$0].reduce(0, +) }
    shape[axis] = ends[ends.count - 1]
    var value = element.isFloat || element.isInteger || element == .bool ? body.number(0, element) : nil
    for position in parts.indices.reversed() {
      var indices = axes
      indices[axis] = body.affine(axes[axis], scale: 1, offset: position == 0 ? 0 : -ends[position - 1])
      // Types without literals have no value for positions that no part has.
      if value == nil { indices[axis] = body.clamped(indices[axis], extent: extents[position]) }
      value = body.read(position, indices, outside: value, type: element)
    }
    if let value { body.results = [value] }
    return map(shape, body, parts)
  }
}
