import Support
import TensorIR

/// A tensor cut into parts along one axis.
struct Split: Operator {
  let name = OperatorName("Split", versions: 1, 2, 11, 13, 18)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let shape = b.shape(of: x)
    let axis = try normalizedAxis(try node.int("axis", default: 0), rank: shape.count)
    let sizes = try sizes(node, extent: shape[axis], &b)
    var results: [ValueID] = []
    var start: Dim = 0
    for size in sizes {
      results.append(b.slice(x, axis: axis, from: start, count: size))
      start = start + size
    }
    return results
  }

  private func sizes(_ node: OperatorNode, extent: Dim, _ b: inout GraphBuilder) throws(ModelError) -> [Dim] {
    var given = try node.ints("split")?.map { Dim($0) }
    if node.version == 1 || node.version >= 13, let argument = node.optionalInput(1) {
      // Version 1 gives the parts in the type of the data.
      let isFloat = node.version == 1 && b.type(of: argument).element.isFloat
      given = try b.extents(isFloat ? try b.cast(argument, to: .i64) : argument, "the split", as: "part")
    }
    if let given {
      let total = given.reduce(Dim(0), +)
      let what = "the parts \(given) do not sum to \(extent)"
      try b.requireEqual(total, extent, what)
      for part in given {
        try b.requireAtMost(0, part, what)
        try b.requireAtMost(part, extent, what)
      }
      guard given.count >= node.resultCount else {
        throw .invalid("\(node.resultCount) results, but \(given.count) parts")
      }
      return given
    }
    let count = try node.int("num_outputs") ?? node.resultCount
    guard count > 0 else { throw .invalid("attribute 'num_outputs' is \(count)") }
    let what = "extent \(extent) does not divide into \(count) parts"
    if node.version < 18 { try b.requireEqual(extent.remainder(by: Dim(count)), 0, what) }
    // The last part is smaller where the extent does not divide.
    let size = (extent + (count - 1)).floorDivided(by: Dim(count))
    let last = extent - size * (count - 1)
    try b.requireAtMost(0, last, what)
    return [Dim](repeating: size, count: count - 1) + [last]
  }
}

extension GraphBuilder {
  /// The part of a value from a position on along one axis.
  mutating func slice(_ x: ValueID, axis: Int, from start: Dim, count: Dim) -> ValueID {
    let type = type(of: x)
    if start == 0, count == type.shape[axis] { return x }
    var shape = type.shape
    shape[axis] = count
    var body = ScalarGraph()
    var indices = shape.indices.map { body.axis($0) }
    indices[axis] = body.affine(indices[axis], scale: 1, offset: start)
    body.results = [body.read(0, indices, type: type.element)]
    return map(shape, body, [x])
  }
}
