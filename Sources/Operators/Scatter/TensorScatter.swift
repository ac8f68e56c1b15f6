import Support
import TensorIR

/// A cache with an update written at a position of every batch.
struct TensorScatter: Operator {
  let name = OperatorName("TensorScatter", versions: 24)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let cache = try node.input(0)
    let update = try node.input(1)
    try b.requireSameType([cache, update])
    let type = b.type(of: cache)
    let shape = b.shape(of: update)
    guard type.rank == shape.count, type.rank >= 2 else {
      throw .invalid("cache and update have ranks \(type.rank) and \(shape.count)")
    }
    let axis = try normalizedAxis(try node.int("axis", default: -2), rank: type.rank)
    var expected = type.shape
    expected[axis] = shape[axis]
    try b.requireShape(update, expected, "the update")
    try b.requireAtMost(shape[axis], type.shape[axis], "the update is longer than the cache")
    let mode = try node.string("mode", default: "linear")
    guard mode == "linear" || mode == "circular" else { throw .invalid("attribute 'mode' is '\(mode)'") }
    if let starts = node.optionalInput(2) {
      try b.requireShape(starts, [type.shape[0]], "write_indices")
      let room = mode == "circular" ? type.shape[axis] : type.shape[axis] - shape[axis] + 1
      try b.checkIndices(starts, extents: [room], allowsNegative: false)
    }
    var target = ScalarGraph()
    var position = shape.indices.map { target.axis($0) }
    let value = target.read(1, position, type: type.element)
    if let starts = node.optionalInput(2) {
      let start = target.read(2, [position[0]], type: b.type(of: starts).element)
      position[axis] = target.plus(position[axis], target.cast(start, to: .i64))
    }
    if mode == "circular" {
      position[axis] = target.binary(.floorRemainder, position[axis], target.dim(type.shape[axis]))
    }
    target.results = position + [value]
    let operands = [cache, update] + (node.optionalInput(2).map { [$0] } ?? [])
    return b.add(.scatter(Scatter(updates: shape, combiner: .assign, target: target)), operands)
  }
}
