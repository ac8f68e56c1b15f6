import Support
import TensorIR

/// The cheapest way through a matrix of costs from its first to its last corner, by steps along one axis or both.
struct DynamicTimeWarping: Operator {
  let name = OperatorName("DynamicTimeWarping", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    var costs = try node.input(0)
    try b.require(costs, "the costs", isOneOf: .f32)
    if b.shape(of: costs).count == 3 {
      try b.requireEqual(b.shape(of: costs)[0], 1, "the costs of several matrices")
      costs = b.reshape(costs, Array(b.shape(of: costs).dropFirst()))
    }
    guard b.shape(of: costs).count == 2 else {
      throw .invalid("the costs have shape \(b.shape(of: costs)), not rank 2")
    }
    return [b.warpingPath(back: try b.warpingSteps(costs), in: b.shape(of: costs))]
  }
}

/// How a way reaches a place.
private enum WarpingStep: Int {
  case both, row, column
}

extension GraphBuilder {
  /// The last step of the cheapest way to every place, by diagonal and row, both counted from 1 ahead of the matrix.
  fileprivate mutating func warpingSteps(_ costs: ValueID) throws(ModelError) -> ValueID {
    let shape = shape(of: costs)
    let rows = shape[0] + 1
    let infinity = try broadcast(scalar(.infinity, .f32), to: [rows])
    var corner = ScalarGraph()
    let isFirst = corner.compare(.equal, corner.axis(0), corner.integer(0))
    corner.results = [corner.select(isFirst, corner.number(0, .f32), corner.number(.infinity, .f32))]
    let start = map([rows], corner, [])
    // Places of a diagonal depend on the two diagonals before alone.
    var inner = GraphBuilder(inside: self)
    let diagonal = inner.input(TensorType(.i64, []))
    let before = (0..<2).map { _ in inner.input(TensorType(.f32, [rows])) }
    let own = inner.input(self.type(of: costs))
    let operands = before + [own, diagonal]
    func place(_ give: (inout ScalarGraph, _ cost: ScalarID, _ step: ScalarID) -> ScalarID) -> ValueID {
      var body = ScalarGraph()
      let row = body.axis(0)
      let above = body.affine(row, scale: 1, offset: -1)
      let column = body.minus(body.plus(body.read(3, [], type: .i64), body.integer(1)), row)
      let infinity = body.number(.infinity, .f32)
      let both = body.read(1, [above], outside: infinity, type: .f32)
      let rowStep = body.read(0, [above], outside: infinity, type: .f32)
      let columnStep = body.read(0, [row], type: .f32)
      func isLess(_ a: ScalarID, _ b: ScalarID, _ c: ScalarID) -> ScalarID {
        body.all([body.compare(.less, a, b), body.compare(.less, a, c)])
      }
      let (isBoth, isRow) = (isLess(both, rowStep, columnStep), isLess(rowStep, both, columnStep))
      let least = body.select(isBoth, both, body.select(isRow, rowStep, columnStep))
      func number(_ step: WarpingStep) -> ScalarID { body.integer(step.rawValue, .i8) }
      let step = body.select(isBoth, number(.both), body.select(isRow, number(.row), number(.column)))
      // Places outside of the matrix are never reached.
      let cost = body.plus(body.read(2, [above, column], outside: infinity, type: .f32), least)
      let isInside = body.all([
        body.compare(.greaterOrEqual, above, body.integer(0)), body.compare(.greaterOrEqual, column, body.integer(0)),
        body.compare(.less, column, body.dim(shape[1])),
      ])
      body.results = [give(&body, body.select(isInside, cost, infinity), step)]
      return inner.map([rows], body, operands)
    }
    let (next, steps) = (place { _, cost, _ in cost }, place { _, _, step in step })
    let scan = Scan(
      length: .maximum(shape[0] + shape[1] - 1, 0), carried: 2, scanned: 0, reversedInputs: [],
      reversedOutputs: [false],
      body: inner.finish(outputs: [next, before[0], steps]))
    return add(.scan(scan), [infinity, start, costs])[2]
  }

  /// The rows and columns of the way that ends in the last corner.
  fileprivate mutating func warpingPath(back steps: ValueID, in shape: [Dim]) -> ValueID {
    var inner = GraphBuilder(inside: self)
    _ = inner.input(TensorType(.i64, []))
    let place = inner.input(TensorType(.i64, [2]))
    let all = inner.input(type(of: steps))
    var body = ScalarGraph()
    let axis = body.axis(0)
    func coordinate(_ number: Int) -> ScalarID { body.read(0, [body.integer(number)], type: .i64) }
    let (row, column) = (coordinate(0), coordinate(1))
    let diagonal = body.plus(row, column)
    let step = body.read(
      1, [diagonal, body.plus(row, body.integer(1))], outside: body.integer(0, .i8), type: .i8)
    let stays = body.select(
      body.compare(.equal, axis, body.integer(0)), body.integer(WarpingStep.column.rawValue, .i8),
      body.integer(WarpingStep.row.rawValue, .i8))
    let isOver = body.any([row, column].map { body.compare(.less, $0, body.integer(0)) })
    let isKept = body.any([isOver, body.compare(.equal, step, stays)])
    let own = body.read(0, [axis], type: .i64)
    body.results = [body.select(isKept, own, body.plus(own, body.integer(-1)))]
    let next = inner.map([2], body, [place, all])
    let limit = self.shape(of: steps)[0]
    let scan = Scan(
      length: limit, carried: 1, scanned: 0, reversedInputs: [], reversedOutputs: [false],
      body: inner.finish(outputs: [next, place]))
    let places = add(.scan(scan), [integers(shape.map { $0 - 1 }), steps])[1]
    let (_, count) = positions(in: [limit], "path", [places]) { graph in
      let turn = graph.axis(0)
      let isInside = (0..<2).map { axis in
        graph.compare(.greaterOrEqual, graph.read(0, [turn, graph.integer(axis)], type: .i64), graph.integer(0))
      }
      return graph.all(isInside)
    }
    var path = ScalarGraph()
    let turn = path.minus(path.dim(count - 1), path.axis(1))
    path.results = [path.cast(path.read(0, [turn, path.axis(0)], type: .i64), to: .i32)]
    return map([2, count], path, [places])
  }
}
