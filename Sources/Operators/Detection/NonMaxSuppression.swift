import Support
import TensorIR

/// The boxes that remain, class by class, when those are dropped that overlap a box of a higher score too much.
struct NonMaxSuppression: Operator {
  let name = OperatorName("NonMaxSuppression", versions: 10, 11)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let boxes = try node.input(0)
    let scores = try node.input(1)
    let shape = b.shape(of: scores)
    guard shape.count == 3 else { throw .invalid("the scores have shape \(shape), not rank 3") }
    try b.requireShape(boxes, [shape[0], shape[2], 4], "the boxes")
    try b.require(boxes, "the boxes", isOneOf: .f32)
    try b.require(scores, "the scores", isOneOf: .f32)
    let limit = try self.limit(node, boxes: shape[2], &b)
    let overlap = try scalar(node, 3, otherwise: 0, &b)
    let least = try scalar(node, 4, otherwise: -.infinity, &b)
    let isCentered = try node.flag("center_point_box")
    let corners = b.corners(of: boxes, isCentered: isCentered)
    let sorted = b.add(.sort(Sort(axis: 2, descending: true, limit: shape[2])), [scores])
    let selection = Selection(shape: shape, limit: limit, sorted: sorted, corners: corners, overlap: overlap, least: least)
    let (chosen, counts) = try selection.run(&b)
    let slots = [shape[0], shape[1], limit]
    let (positions, count) = b.positions(in: slots, "selected", [counts]) { graph in
      let place = [graph.axis(0), graph.axis(1)]
      return graph.compare(.less, graph.axis(2), graph.read(0, place, type: .i64))
    }
    var body = ScalarGraph()
    let flat = body.read(0, [body.axis(0)], type: .i64)
    let place = (0..<3).map { body.coordinate($0, of: flat, in: slots) }
    let box = body.read(1, place, type: .i64)
    let isBatch = body.compare(.equal, body.axis(1), body.integer(0))
    let isClass = body.compare(.equal, body.axis(1), body.integer(1))
    body.results = [body.select(isBatch, place[0], body.select(isClass, place[1], box))]
    return [b.map([count, 3], body, [positions, chosen])]
  }

  /// The most boxes of one class.
  private func limit(_ node: OperatorNode, boxes: Dim, _ b: inout GraphBuilder) throws(ModelError) -> Dim {
    guard let argument = node.optionalInput(2) else { return 0 }
    if let known = b.knownIntegers(argument), known.count == 1 { return .maximum(.minimum(known[0], boxes), 0) }
    let vector = try b.integerVector(argument, "the number of boxes")
    guard b.shape(of: vector) == [1] else { throw .invalid("the number of boxes must be one number") }
    let limit = b.computedExtents("limit", [vector]) { graph in
      let given = graph.read(0, [graph.integer(0)], type: .i64)
      return [graph.binary(.max, graph.binary(.min, given, graph.dim(boxes)), graph.integer(0))]
    }[0]
    b.assume([DimFact(limit, .atMost, boxes)])
    return limit
  }

  private func scalar(_ node: OperatorNode, _ position: Int, otherwise value: Double, _ b: inout GraphBuilder)
    throws(ModelError) -> ValueID
  {
    guard let argument = node.optionalInput(position) else { return b.scalar(value, .f32) }
    guard b.type(of: argument).element == .f32, b.shape(of: argument).product == 1 else {
      throw .invalid("argument \(position) must be one f32 number")
    }
    return b.reshape(argument, [])
  }
}

/// The choice of boxes: a scan over the candidates of all classes from the best to the worst, until no class takes another.
private struct Selection {
  /// Batches, classes, boxes.
  var shape: [Dim]
  var limit: Dim
  /// Scores from the best to the worst, and the boxes that they belong to.
  var sorted: [ValueID]
  var corners: ValueID
  var overlap: ValueID
  var least: ValueID

  /// The chosen boxes of every batch and class, and how many they are; there is one more slot than boxes.
  func run(_ b: inout GraphBuilder) throws(ModelError) -> (chosen: ValueID, counts: ValueID) {
    let rows = Array(shape.prefix(2))
    // Each kind of number begins with a line of the cache.
    let line = Dim(16)
    let (slots, edgeSlots) = (rows + [limit + 1], rows + [5, (limit + line).floorDivided(by: line) * line])
    var inner = GraphBuilder(inside: b)
    _ = inner.input(TensorType(.i64, []))
    _ = inner.input(TensorType(.bool, []))
    let counts = inner.input(TensorType(.i64, rows))
    let chosen = inner.input(TensorType(.i64, slots))
    let chosenEdges = inner.input(TensorType(.f32, edgeSlots))
    let score = inner.input(TensorType(.f32, rows))
    let box = inner.input(TensorType(.i64, rows))
    let captured = [corners, overlap, least]
    let inside = captured.map { inner.input(b.type(of: $0)) }
    let isOpen = try inner.elementwise([score, inside[2], counts]) { graph, values in
      graph.all([
        graph.compare(.greater, values[0], values[1]), graph.compare(.less, values[2], graph.dim(limit)),
      ])
    }
    var anyRow = ScalarGraph()
    anyRow.results = [anyRow.read(0, [anyRow.axis(0), anyRow.axis(1)], type: .bool)]
    let goesOn = inner.reduce(.sum, shape: [], reduced: rows, operands: [isOpen], body: anyRow)[0]
    let edges = edges(of: box, inside[0], &inner)
    let overlaps = overlapping(chosenEdges, mostChosen(counts, &inner), counts, edges, inside[1], &inner)
    let keeps = try inner.elementwise([isOpen, overlaps]) { graph, values in
      graph.all([values[0], graph.compare(.equal, values[1], graph.integer(0, .i32))])
    }
    let nextCounts = try inner.elementwise([counts, keeps]) { $0.plus($1[0], $0.cast($1[1], to: .i64)) }
    // The slot after the chosen boxes is free for any candidate: it counts once the candidate is kept.
    let nextChosen = inner.storing(box, in: chosen, atSlots: counts)
    let nextEdges = inner.storing(edges, in: chosenEdges, atSlots: counts)
    let scan = Scan(
      length: shape[2], carried: 4, scanned: 2, reversedInputs: [false, false], reversedOutputs: [], stopsEarly: true,
      body: inner.finish(outputs: [goesOn, nextCounts, nextChosen, nextEdges]))
    let zero = b.scalar(0, .i64)
    let initial = [
      b.scalar(1, .bool), try b.broadcast(zero, to: rows), try b.broadcast(zero, to: slots),
      try b.broadcast(b.scalar(0, .f32), to: edgeSlots),
    ]
    let candidates = sorted.map { b.transpose($0, [2, 0, 1]) }
    let results = b.add(.scan(scan), initial + candidates + captured)
    return (results[2], results[1])
  }

  /// The number of boxes chosen in the class that has most.
  private func mostChosen(_ counts: ValueID, _ b: inout GraphBuilder) -> Dim {
    var body = ScalarGraph()
    body.results = [body.read(0, [body.axis(1), body.axis(2)], type: .i64)]
    let most = b.reduce(.max, shape: [1], reduced: Array(shape.prefix(2)), operands: [counts], body: body) {
      [$0.binary(.max, $1[0], $0.integer(0))]
    }
    let extent = b.measured(most[0], as: "chosen")[0]
    b.assume([DimFact(extent, .atMost, limit)])
    return extent
  }

  /// The least and greatest coordinates of the candidates, and their areas.
  private func edges(of box: ValueID, _ corners: ValueID, _ b: inout GraphBuilder) -> ValueID {
    var body = ScalarGraph()
    let place = body.clamped(body.read(0, [body.axis(0), body.axis(1)], type: .i64), extent: shape[2])
    body.results = [body.read(1, [body.axis(0), place, body.axis(2)], type: .f32)]
    return b.map(Array(shape.prefix(2)) + [5], body, [box, corners])
  }

  /// 1 where the candidate overlaps a chosen box of its class by more than the threshold.
  private func overlapping(
    _ chosenEdges: ValueID, _ most: Dim, _ counts: ValueID, _ edges: ValueID, _ threshold: ValueID,
    _ b: inout GraphBuilder
  ) -> ValueID {
    var body = ScalarGraph()
    let row = [body.axis(0), body.axis(1)]
    let first = (0..<5).map { body.read(2, row + [body.integer($0)], type: .f32) }
    let second = (0..<5).map { body.read(0, row + [body.integer($0), body.axis(2)], type: .f32) }
    let zero = body.number(0, .f32)
    func length(_ axis: Int) -> ScalarID {
      let low = body.binary(.max, first[axis], second[axis])
      return body.binary(.max, body.minus(body.binary(.min, first[2 + axis], second[2 + axis]), low), zero)
    }
    let common = body.times(length(0), length(1))
    let areas = [first[4], second[4]]
    let union = body.minus(body.plus(areas[0], areas[1]), common)
    // A union of areas above zero is above zero, or no number.
    var conditions = areas.map { body.compare(.greater, $0, zero) }
    conditions.append(body.compare(.greater, body.over(common, union), body.read(3, [], type: .f32)))
    if shape.prefix(2).contains(where: { $0 != 1 }) {
      conditions.append(body.compare(.less, body.axis(2), body.read(1, row, type: .i64)))
    }
    body.results = [body.cast(body.all(conditions), to: .i32)]
    return b.reduce(
      .max, shape: Array(shape.prefix(2)), reduced: [most], operands: [chosenEdges, counts, edges, threshold],
      body: body,
      epilogue: { graph, values in [graph.binary(.max, values[0], graph.integer(0, .i32))] })[0]
  }
}

extension GraphBuilder {
  /// `data` with values of every batch and class at a slot along the last axis.
  fileprivate mutating func storing(_ values: ValueID, in data: ValueID, atSlots slots: ValueID) -> ValueID {
    let type = type(of: values)
    var target = ScalarGraph()
    let axes = type.shape.indices.map { target.axis($0) }
    let slot = target.read(2, Array(axes.prefix(2)), type: .i64)
    target.results = axes + [slot, target.read(1, axes, type: type.element)]
    let scatter = Scatter(updates: type.shape, combiner: .assign, target: target)
    return add(.scatter(scatter), [data, values, slots])[0]
  }

  /// Boxes as least and greatest coordinates and areas, from two opposite corners or from centre and size.
  fileprivate mutating func corners(of boxes: ValueID, isCentered: Bool) -> ValueID {
    let shape = shape(of: boxes)
    var body = ScalarGraph()
    func edge(_ number: Int) -> ScalarID {
      func read(_ index: Int) -> ScalarID { body.read(0, [body.axis(0), body.axis(1), body.integer(index)], type: .f32) }
      let (first, second) = (read(number % 2), read(number % 2 + 2))
      let isLow = number < 2
      if isCentered {
        let half = body.times(second, body.number(0.5, .f32))
        return isLow ? body.minus(first, half) : body.plus(first, half)
      }
      return body.binary(isLow ? .min : .max, first, second)
    }
    let edges = (0..<4).map(edge)
    let area = body.times(body.minus(edges[2], edges[0]), body.minus(edges[3], edges[1]))
    body.results = [
      edges.indices.reduce(area) { body.select(body.compare(.equal, body.axis(2), body.integer($1)), edges[$1], $0) }
    ]
    return map([shape[0], shape[1], 5], body, [boxes])
  }
}
