import ONNXReader
import Support
import TensorIR

/// A loop written out as one condition inside the other, so that shapes and lengths may change from turn to turn.
///
/// A call that needs more turns than the limit fails.
struct GuardedTurns {
  var body: GraphDef
  var trips: Dim
  var limit: Int

  /// The carried values, then the stacked results.
  func results(
    _ node: OperatorNode, _ states: [ImportedValue], _ condition: ValueID, _ b: inout GraphBuilder
  ) throws(ModelError) -> [ImportedValue] {
    let stacked = [[ValueID]](repeating: [], count: body.outputs.count - 1 - states.count)
    return try results(Progress(turn: 0, states: states, stacked: stacked), node, condition, &b)
  }

  /// What is there after some turns.
  private struct Progress {
    var turn: Int
    var states: [ImportedValue]
    var stacked: [[ValueID]]
  }

  private func results(
    _ progress: Progress, _ node: OperatorNode, _ condition: ValueID, _ b: inout GraphBuilder
  ) throws(ModelError) -> [ImportedValue] {
    let goesOn = try b.elementwise([condition]) { graph, values in
      graph.all([values[0], graph.compare(.less, graph.integer(progress.turn), graph.dim(trips))])
    }
    if progress.turn == limit {
      let more = b.measured(b.reshape(try b.cast(goesOn, to: .i64), [1]), as: "turns")[0]
      b.assume([DimFact(more, .equal, 0)], isRequired: true)
      return try finished(progress, &b)
    }
    if let known = b.knownIntegers(goesOn)?.first?.constant {
      return known == 0 ? try finished(progress, &b) : try turn(progress, node, &b)
    }
    let then = try side("turn", progress, node, b) { (inside, node, inner) throws(ModelError) in
      try turn(inside, node, &inner)
    }
    let otherwise = try side("end", progress, node, b) { (inside, _, inner) throws(ModelError) in
      try finished(inside, &inner)
    }
    return try b.choose(goesOn, then, otherwise)
  }

  private func turn(_ progress: Progress, _ node: OperatorNode, _ b: inout GraphBuilder) throws(ModelError)
    -> [ImportedValue]
  {
    let number = b.constant(ConstantTensor(.i64, dims: [], integers: [progress.turn]))
    let outputs = try node.inline(body, values: [.tensor(number), .tensor(b.scalar(1, .bool))] + progress.states, in: &b)
    var next = progress
    next.turn += 1
    next.states = Array(outputs[1..<1 + progress.states.count])
    for position in next.stacked.indices {
      next.stacked[position].append(try outputs[1 + next.states.count + position].tensor("a stacked result"))
    }
    return try results(next, node, b.reshape(try outputs[0].tensor("the condition"), []), &b)
  }

  private func finished(_ progress: Progress, _ b: inout GraphBuilder) throws(ModelError) -> [ImportedValue] {
    var results = progress.states
    for parts in progress.stacked {
      guard !parts.isEmpty else {
        throw .unsupported("a loop that may have no turns has stacked results of open shapes", hint: "keep the shapes of its values")
      }
      results.append(.tensor(b.concatenate(parts.map { b.reshape($0, [1] + b.shape(of: $0)) }, axis: 0)))
    }
    return results
  }

  private func side(
    _ name: String, _ progress: Progress, _ node: OperatorNode, _ b: GraphBuilder,
    _ build: (Progress, OperatorNode, inout GraphBuilder) throws(ModelError) -> [ImportedValue]
  ) throws(ModelError) -> ImportedSide {
    var inner = GraphBuilder(inside: b, as: "\(name)\(progress.turn)")
    var captured: [ValueID] = []
    let inside = node.inside(&inner, outer: b, captured: &captured, for: body)
    var copy = progress
    copy.states = progress.states.map { inner.captured($0, from: b, &captured) }
    copy.stacked = progress.stacked.map { parts in
      parts.flatMap { inner.captured(.tensor($0), from: b, &captured).values }
    }
    let results = try build(copy, inside, &inner)
    return ImportedSide(builder: inner, captured: captured, results: results)
  }
}
