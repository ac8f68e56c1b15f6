import Support
import TensorIR

/// Elements picked by indices along one axis, at the same position in the others.
struct GatherElements: Operator {
  let name = OperatorName("GatherElements", versions: 11, 13)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let data = try node.input(0)
    let indices = try node.input(1)
    try b.require(indices, "the indices", isOneOf: .i32, .i64)
    let type = b.type(of: data)
    let picked = b.type(of: indices)
    guard type.rank == picked.rank, type.rank > 0 else {
      throw .invalid("data and indices have ranks \(type.rank) and \(picked.rank)")
    }
    let axis = try normalizedAxis(try node.int("axis", default: 0), rank: type.rank)
    for other in type.shape.indices where other != axis {
      try b.requireAtMost(picked.shape[other], type.shape[other], "the indices are too many in dimension \(other)")
    }
    try b.checkIndices(indices, extents: [type.shape[axis]])
    var body = ScalarGraph()
    var position = type.shape.indices.map { body.axis($0) }
    position[axis] = body.wrappedIndex(body.read(1, position, type: picked.element), extent: type.shape[axis])
    body.results = [body.read(0, position, type: type.element)]
    return [b.map(picked.shape, body, [data, indices])]
  }
}
