import Support
import TensorIR

/// Slices picked by tuples of indices in the last axis of a tensor.
struct GatherND: Operator {
  let name = OperatorName("GatherND", versions: 11, 12, 13)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let data = try node.input(0)
    let indices = try node.input(1)
    try b.require(indices, "the indices", isOneOf: .i32, .i64)
    let type = b.type(of: data)
    let picked = b.type(of: indices)
    guard type.rank > 0, picked.rank > 0 else { throw .invalid("data and indices must have rank 1 or more") }
    let batch = try node.int("batch_dims", default: 0)
    let tuple = try b.requireConstant(picked.shape[picked.rank - 1], "the number of indices per tuple")
    guard batch >= 0, batch < min(type.rank, picked.rank), tuple >= 1, tuple <= type.rank - batch else {
      throw .invalid("tuples of \(tuple) indices after \(batch) batch dimensions do not fit rank \(type.rank)")
    }
    for axis in 0..<batch { try b.requireEqual(picked.shape[axis], type.shape[axis], "extents of batch dimension \(axis)") }
    try b.checkIndices(indices, extents: Array(type.shape[batch..<batch + tuple]))
    let outer = picked.rank - 1
    let shape = Array(picked.shape[..<outer]) + Array(type.shape[(batch + tuple)...])
    var body = ScalarGraph()
    let axes = (0..<outer).map { body.axis($0) }
    var position = Array(axes[..<batch])
    for step in 0..<tuple {
      let index = body.read(1, axes + [body.integer(step)], type: picked.element)
      position.append(body.wrappedIndex(index, extent: type.shape[batch + step]))
    }
    position += (outer..<shape.count).map { body.axis($0) }
    body.results = [body.read(0, position, type: type.element)]
    return [b.map(shape, body, [data, indices])]
  }
}
