import ONNXReader
import Support
import TensorIR

/// A body graph repeated while a condition holds, up to a number of times.
///
/// Short loops whose condition is known are unrolled, so that shapes may change from turn to turn; others become scans.
/// Where shapes do change, longer ones are unrolled too.
struct Loop: ContainerOperator {
  let name = OperatorName("Loop", versions: 1, 11, 13, 16, 19, 21, 23, 24, 25)
  private let unrollLimit = 16
  private let longUnrollLimit = 1024

  func buildValues(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ImportedValue] {
    let body = try node.graph("body")
    var states: [ImportedValue] = []
    for position in node.values.indices.dropFirst(2) { states.append(try node.value(position)) }
    let condition = node.optionalInput(1).map { b.reshape($0, []) } ?? b.scalar(1, .bool)
    guard body.outputs.count >= states.count + 1 else {
      throw .invalid("the body graph has \(body.outputs.count) outputs for \(states.count) carried values")
    }
    let trips = try self.trips(node, &b)
    if let count = trips.constant, count <= unrollLimit {
      var aside = b
      if let results = try unroll(node, body, max(count, 0), condition, states, &aside) {
        b = aside
        return results
      }
    }
    let isCertain = b.knownIntegers(condition)?.first?.constant == 1
    var aside = b
    do throws(ModelError) {
      var results = try scan(node, body, trips, condition, states, isOpen: !isCertain, &aside)[...]
      b = aside
      var carried = results.prefix(states.flatMap(\.values).count)
      results = results.dropFirst(carried.count)
      return states.map { $0.replacing(&carried) } + results.map { .tensor($0) }
    } catch {
      guard error.diagnostics.allSatisfy({ $0.kind == .unsupported }) else { throw error }
      // What changes its shape from turn to turn is no state of a scan.
      var aside = b
      if let count = trips.constant, count > unrollLimit, count <= longUnrollLimit,
        let results = try unroll(node, body, count, condition, states, &aside)
      {
        b = aside
        return results
      }
      aside = b
      let turns = GuardedTurns(body: body, trips: trips, limit: unrollLimit)
      let results = try turns.results(node, states, condition, &aside)
      b = aside
      return results
    }
  }

  /// The greatest number of turns.
  private func trips(_ node: OperatorNode, _ b: inout GraphBuilder) throws(ModelError) -> Dim {
    guard let argument = node.optionalInput(0) else {
      guard try node.graph("body").outputs.count == node.arguments.count - 1 else {
        throw .unsupported(
          "a loop without a trip count has stacked results, for which no room can be made",
          hint: "give the loop a maximum trip count")
      }
      return Dim(.max)
    }
    if let known = b.knownIntegers(argument), known.count == 1 { return .maximum(known[0], 0) }
    let vector = try b.integerVector(argument, "the trip count")
    guard b.shape(of: vector) == [1] else { throw .invalid("the trip count must be one number") }
    return b.computedExtents("trips", [vector]) { graph in
      let count = graph.read(0, [graph.integer(0)], type: .i64)
      return [graph.binary(.max, count, graph.integer(0))]
    }[0]
  }

  /// The turns one after the other; nil if only a call knows how many there are.
  private func unroll(
    _ node: OperatorNode, _ body: GraphDef, _ count: Int, _ first: ValueID, _ initial: [ImportedValue],
    _ b: inout GraphBuilder
  ) throws(ModelError) -> [ImportedValue]? {
    var condition = first
    var states = initial
    let stackedCount = body.outputs.count - 1 - states.count
    var stacked = [[ValueID]](repeating: [], count: stackedCount)
    for turn in 0..<count {
      guard let goesOn = b.knownIntegers(condition)?.first?.constant else { return nil }
      if goesOn == 0 { break }
      let number = b.constant(ConstantTensor(.i64, dims: [], integers: [turn]))
      let outputs = try node.inline(body, values: [.tensor(number), .tensor(condition)] + states, in: &b)
      states = Array(outputs[1..<1 + states.count])
      condition = b.reshape(try outputs[0].tensor("the condition"), [])
      for position in 0..<stackedCount {
        stacked[position].append(try outputs[1 + states.count + position].tensor("a stacked result"))
      }
    }
    if stackedCount > 0, stacked[0].isEmpty { return states + (try emptyResults(node, body, first, initial, &b)) }
    var results = states
    for parts in stacked {
      results.append(.tensor(b.concatenate(parts.map { b.reshape($0, [1] + b.shape(of: $0)) }, axis: 0)))
    }
    return results
  }

  /// Stacked results of no turns: their types come from a turn that is thrown away.
  private func emptyResults(
    _ node: OperatorNode, _ body: GraphDef, _ condition: ValueID, _ states: [ImportedValue], _ b: inout GraphBuilder
  ) throws(ModelError) -> [ImportedValue] {
    var aside = b
    let number = aside.constant(ConstantTensor(.i64, dims: [], integers: [0]))
    let outputs = try node.inline(body, values: [.tensor(number), .tensor(condition)] + states, in: &aside)
    var results: [ImportedValue] = []
    for output in outputs.dropFirst(1 + states.count) {
      let type = aside.type(of: try output.tensor("a stacked result"))
      results.append(.tensor(try b.broadcast(b.scalar(0, type.element), to: [0] + type.shape)))
    }
    return results
  }

  private func scan(
    _ node: OperatorNode, _ body: GraphDef, _ trips: Dim, _ condition: ValueID, _ given: [ImportedValue],
    isOpen: Bool, _ b: inout GraphBuilder
  ) throws(ModelError) -> [ValueID] {
    let states = given.flatMap(\.values)
    var inner = GraphBuilder(inside: b)
    let number = inner.input(TensorType(.i64, []))
    let goesOn = isOpen ? inner.input(TensorType(.bool, [])) : inner.scalar(1, .bool)
    let counter = isOpen ? inner.input(TensorType(.i64, [1])) : nil
    let inside = states.map { inner.input(b.type(of: $0)) }
    var captured: [ValueID] = []
    var copies = inside[...]
    let arguments = [.tensor(number), .tensor(goesOn)] + given.map { $0.replacing(&copies) }
    let outputs = try node.importApart(body, values: arguments, outer: b, captured: &captured, in: &inner)
    let results = outputs[1..<1 + given.count]
    guard results.map(\.form) == given.map(\.form) else {
      throw .unsupported(
        "a loop changes the length of a sequence in a number of turns that is not known to be small",
        hint: "give the loop a constant trip count of at most \(unrollLimit)")
    }
    var stacked: [ValueID] = []
    for (output, info) in zip(outputs, body.outputs).dropFirst(1 + given.count) {
      stacked.append(inner.settled(try output.tensor("a stacked result"), declaredShape(info)) { own, _ in own.isMeasured })
    }
    let nextCondition = try outputs[0].tensor("the condition")
    guard isOpen || inner.knownIntegers(nextCondition)?.first?.constant == 1 else {
      // The condition is computed by the body: carry it.
      return try scan(node, body, trips, condition, given, isOpen: true, &b)
    }
    // Extents of the model may grow by turns.
    let next = zip(results.flatMap(\.values), inside).map { value, state in
      inner.settled(value, inner.shape(of: state)) { own, _ in own.isMeasured }
    }
    for (value, state) in zip(next, inside) where inner.type(of: value) != inner.type(of: state) {
      throw .unsupported(
        "a carried value changes from \(inner.type(of: state)) to \(inner.type(of: value)) in a long loop",
        hint: "keep its shape")
    }
    var carried = next
    var initial = states
    if let counter {
      carried = [inner.reshape(nextCondition, []), try inner.elementwise([counter]) { $0.plus($1[0], $0.integer(1)) }] + next
      initial = [condition, b.constant(.integers([0]))] + states
    }
    try inner.requireStackable(stacked)
    let scan = Scan(
      length: trips, carried: carried.count, scanned: 0, reversedInputs: [], reversedOutputs: stacked.map { _ in false },
      stopsEarly: isOpen, body: inner.finish(outputs: carried + stacked))
    let last = b.add(.scan(scan), initial + captured)
    guard isOpen else { return last }
    return try closed(Array(last.dropFirst(2)), states.count, turns: last[1], trips, &b)
  }

  /// The shape that a body graph declares for an output, if it is fixed.
  private func declaredShape(_ output: ValueInfo) -> [Dim]? {
    guard case .tensor(_, let dims?)? = output.type else { return nil }
    let known = dims.compactMap { dim -> Dim? in if case .value(let size) = dim { Dim(size) } else { nil } }
    return known.count == dims.count ? known : nil
  }

  /// The results of a loop that may have ended early: stacked results are cut to the number of turns.
  private func closed(_ results: [ValueID], _ states: Int, turns: ValueID, _ trips: Dim, _ b: inout GraphBuilder)
    throws(ModelError) -> [ValueID]
  {
    guard results.count > states else { return results }
    let count = b.measured(turns, as: "turns")[0]
    b.assume([DimFact(count, .atMost, trips)])
    return results.prefix(states) + results.dropFirst(states).map { b.slice($0, axis: 0, from: 0, count: count) }
  }
}
