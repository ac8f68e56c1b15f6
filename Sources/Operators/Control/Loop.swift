import ONNXReader
import Support
import TensorIR

/// A body graph repeated a number of times that is known at compile time, at most.
///
/// Short loops are unrolled, so that shapes may change from turn to turn; long ones become scans.
struct Loop: Operator {
  let name = OperatorName("Loop", versions: 1, 11, 13, 16, 19, 21, 23, 24, 25)
  private let unrollLimit = 16

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let body = try node.graph("body")
    guard let argument = node.optionalInput(0) else {
      throw .unsupported("a loop without a trip count is not supported", hint: "give the loop a maximum trip count")
    }
    let trips = try b.requireScalarExtent(argument, "the trip count")
    var states: [ValueID] = []
    for position in node.arguments.indices.dropFirst(2) { states.append(try node.input(position)) }
    let condition = node.optionalInput(1).map { b.reshape($0, []) } ?? b.scalar(1, .bool)
    guard body.outputs.count >= states.count + 1 else {
      throw .invalid("the body graph has \(body.outputs.count) outputs for \(states.count) carried values")
    }
    if let count = trips.constant, count <= unrollLimit {
      return try unroll(node, body, max(count, 0), condition, states, &b)
    }
    let isCertain = b.knownIntegers(condition)?.first?.constant == 1
    return try scan(node, body, trips, condition, states, isOpen: !isCertain, &b)
  }

  private func unroll(
    _ node: OperatorNode, _ body: GraphDef, _ count: Int, _ first: ValueID, _ initial: [ValueID],
    _ b: inout GraphBuilder
  ) throws(ModelError) -> [ValueID] {
    var condition = first
    var states = initial
    let stackedCount = body.outputs.count - 1 - states.count
    var stacked = [[ValueID]](repeating: [], count: stackedCount)
    for turn in 0..<count {
      let known = b.knownIntegers(condition)?.first?.constant
      if known == 0 { break }
      let number = b.constant(ConstantTensor(.i64, dims: [], integers: [turn]))
      let outputs = try node.inline(body, [number, condition] + states, in: &b)
      let next = Array(outputs[1..<1 + states.count])
      let goesOn = b.reshape(outputs[0], [])
      if known != nil {
        states = next
        condition = goesOn
      } else {
        guard stackedCount == 0 else { throw Loop.openLength }
        for position in states.indices {
          states[position] = try frozen(condition, next[position], states[position], &b)
        }
        condition = try b.elementwise([condition, goesOn]) { $0.binary(.and, $1[0], $1[1]) }
      }
      for position in 0..<stackedCount { stacked[position].append(outputs[1 + next.count + position]) }
    }
    if stackedCount > 0, stacked[0].isEmpty { return states + (try emptyResults(node, body, first, initial, &b)) }
    var results = states
    for parts in stacked {
      results.append(b.concatenate(parts.map { b.reshape($0, [1] + b.shape(of: $0)) }, axis: 0))
    }
    return results
  }

  /// Stacked results of no turns: their types come from a turn that is thrown away.
  private func emptyResults(
    _ node: OperatorNode, _ body: GraphDef, _ condition: ValueID, _ states: [ValueID], _ b: inout GraphBuilder
  ) throws(ModelError) -> [ValueID] {
    var aside = b
    let number = aside.constant(ConstantTensor(.i64, dims: [], integers: [0]))
    let outputs = try node.inline(body, [number, condition] + states, in: &aside)
    var results: [ValueID] = []
    for output in outputs.dropFirst(1 + states.count) {
      let type = aside.type(of: output)
      results.append(try b.broadcast(b.scalar(0, type.element), to: [0] + type.shape))
    }
    return results
  }

  private func frozen(
    _ condition: ValueID, _ next: ValueID, _ state: ValueID, _ b: inout GraphBuilder
  ) throws(ModelError) -> ValueID {
    guard b.type(of: next) == b.type(of: state) else {
      throw .unsupported(
        "a carried value changes from \(b.type(of: state)) to \(b.type(of: next)) in a loop that may end early",
        hint: "keep its shape")
    }
    return try b.elementwise([condition, next, state]) { $0.select($1[0], $1[1], $1[2]) }
  }

  private func scan(
    _ node: OperatorNode, _ body: GraphDef, _ trips: Dim, _ condition: ValueID, _ states: [ValueID], isOpen: Bool,
    _ b: inout GraphBuilder
  ) throws(ModelError) -> [ValueID] {
    var inner = GraphBuilder()
    inner.origin = b.origin
    let number = inner.input(TensorType(.i64, []))
    let goesOn = isOpen ? inner.input(TensorType(.bool, [])) : inner.scalar(1, .bool)
    let inside = states.map { inner.input(b.type(of: $0)) }
    var captured: [ValueID] = []
    let outputs = try node.importApart(body, [number, goesOn] + inside, outer: b, captured: &captured, in: &inner)
    let next = Array(outputs[1..<1 + states.count])
    let stacked = Array(outputs.dropFirst(1 + states.count))
    guard isOpen || inner.knownIntegers(outputs[0])?.first?.constant == 1 else {
      // The condition is computed by the body: carry it.
      return try scan(node, body, trips, condition, states, isOpen: true, &b)
    }
    for (value, state) in zip(next, inside) where inner.type(of: value) != inner.type(of: state) {
      throw .unsupported(
        "a carried value changes from \(inner.type(of: state)) to \(inner.type(of: value)) in a long loop",
        hint: "keep its shape")
    }
    var results = next
    if isOpen {
      guard stacked.isEmpty else { throw Loop.openLength }
      for position in next.indices { results[position] = try frozen(goesOn, next[position], inside[position], &inner) }
      results.insert(
        try inner.elementwise([goesOn, inner.reshape(outputs[0], [])]) { $0.binary(.and, $1[0], $1[1]) }, at: 0)
    }
    let scan = Scan(
      length: .maximum(trips, 0), carried: results.count, scanned: 0, reversedInputs: [],
      reversedOutputs: stacked.map { _ in false }, body: inner.finish(outputs: results + stacked))
    let all = b.add(.scan(scan), (isOpen ? [condition] : []) + states + captured)
    return isOpen ? Array(all.dropFirst()) : all
  }

  private static var openLength: ModelError {
    .unsupported(
      "a loop that may end early has stacked results, whose length is known at run time only",
      hint: "make the condition a constant")
  }
}
