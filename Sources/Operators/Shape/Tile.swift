import Support
import TensorIR

/// A tensor repeated along its axes.
struct Tile: Operator {
  let name = OperatorName("Tile", versions: 1, 6, 13)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let type = b.type(of: x)
    let repeats = try repeats(node, rank: type.rank, &b)
    guard repeats.count == type.rank, repeats.allSatisfy({ $0.constant ?? 0 >= 0 }) else {
      throw .invalid("repeats \(repeats) do not fit rank \(type.rank)")
    }
    var body = ScalarGraph()
    let indices = type.shape.indices.map { axis in
      if repeats[axis] == 1 { return body.axis(axis) }
      if type.shape[axis] == 1 { return body.integer(0) }
      return body.binary(.floorRemainder, body.axis(axis), body.dim(type.shape[axis]))
    }
    body.results = [body.read(0, indices, type: type.element)]
    return [b.map(zip(type.shape, repeats).map { $0 * $1 }, body, [x])]
  }

  private func repeats(_ node: OperatorNode, rank: Int, _ b: inout GraphBuilder) throws(ModelError) -> [Dim] {
    guard node.version < 6 else { return try b.extents(try node.input(1), "the repeats", as: "repeat") }
    // One number of copies along one axis, both of the type of the data.
    let copies = try b.integerVector(try b.cast(try node.input(1), to: .i64), "the number of copies")
    let axis = try b.integerVector(try b.cast(try node.input(2), to: .i64), "the axis")
    guard b.shape(of: copies) == [1], b.shape(of: axis) == [1] else {
      throw .invalid("the number of copies and the axis must be scalars")
    }
    if let known = b.constantValue(axis) { _ = try normalizedAxis(known.integers[0], rank: rank) }
    return b.computedExtents("repeat", [copies, axis]) { graph in
      let marks = graph.marks(graph.axes(1, count: 1, rank: rank), rank: rank)
      let count = graph.read(0, [graph.integer(0)], type: .i64)
      return marks.map { graph.select($0, count, graph.integer(1)) }
    }
  }
}
