import Support

/// Checks a graph:
/// - every operand is an input or the result of an earlier node, and every value has one definition;
/// - the types of all results follow from the primitive and its operands;
/// - scalar graphs read existing operands with one index per axis, and use existing axes and accumulators of the right
///   types;
/// - symbols are measured once, before they are used;
/// - body graphs hold to the same rules.
public func verify(_ graph: Graph) throws(VerificationError) {
  var defined = Set(graph.inputs)
  var unmeasured = graph.measuredSymbols
  for node in graph.nodes {
    func fail(_ message: String) -> VerificationError {
      VerificationError(message: "\(node.primitive.mnemonic) from \(node.origin): \(message)")
    }
    for symbol in node.primitive.symbols where unmeasured.contains(symbol) {
      throw fail("symbol \(symbol) is not measured yet")
    }
    for symbol in node.primitive.measuredSymbols {
      guard unmeasured.remove(symbol) != nil else { throw fail("symbol \(symbol) is measured twice") }
    }
    for operand in node.operands where !defined.contains(operand) {
      throw fail("operand \(operand.index) is not defined")
    }
    for result in node.results {
      guard defined.insert(result).inserted else { throw fail("value \(result.index) has two definitions") }
    }
    let types = node.operands.map { graph.type(of: $0) }
    let derived = node.primitive.resultTypes(types)
    guard derived == node.results.map({ graph.type(of: $0) }) else {
      throw fail("results have types \(node.results.map { graph.type(of: $0) }), not \(derived)")
    }
    if let problem = problem(node.primitive, types) { throw fail(problem) }
  }
  for output in graph.outputs where !defined.contains(output) {
    throw VerificationError(message: "output \(output.index) is not defined")
  }
}

/// A broken rule: a fault of the compiler, not of the model.
public struct VerificationError: Error, CustomStringConvertible {
  public var message: String
  public var description: String { message }
}

/// What is wrong with a primitive for operands of these types.
func problem(_ primitive: Primitive, _ types: [TensorType]) -> String? {
  switch primitive {
  case .constant: return nil
  case .map(let map): return problem(map.body, axes: map.shape.count, types, results: 1)
  case .reduce(let reduce):
    if let problem = problem(reduce.body, axes: reduce.shape.count + reduce.reduced.count, types, results: 1) {
      return problem
    }
    let accumulators = [reduce.body.type(of: reduce.body.results[0])] + (reduce.combiner.hasPosition ? [.i64] : [])
    return problem(reduce.epilogue, axes: reduce.shape.count, types, results: nil, accumulators: accumulators)
  case .contract(let contract):
    if types.count < 2 { return "there are no two factors" }
    if contract.lhs.count != types[0].rank || contract.rhs.count != types[1].rank {
      return "factor indices do not match ranks"
    }
    let axes = contract.shape.count + contract.reduced.count
    for index in contract.lhs + contract.rhs where index.coefficients.keys.contains(where: { $0 >= axes }) {
      return "an index uses an axis beyond \(axes)"
    }
    return problem(
      contract.epilogue, axes: contract.shape.count, types, results: 1, accumulators: [contract.accumulator])
  case .reshape(let shape):
    return types[0].shape.product == shape.product || types[0].shape.constants == nil || shape.constants == nil
      ? nil : "\(types[0]) does not reshape to \(shape)"
  case .scan(let scan):
    do throws(VerificationError) { try verify(scan.body) } catch { return error.message }
    if scan.stopsEarly, scan.carried == 0 || types[0] != TensorType(.bool, []) { return "state 0 is no condition" }
    return nil
  case .branch(let branch): return problem(branch, types)
  case .scatter(let scatter):
    return problem(scatter.target, axes: scatter.updates.count, types, results: types[0].rank + 1)
  case .sort(let sort): return sort.axis < types[0].rank ? nil : "axis \(sort.axis) is out of range"
  case .compact(let compact): return problem(compact.condition, axes: compact.shape.count, types, results: 1)
  case .external(let external): return problem(external, types)
  case .measure(let symbols):
    return types == [TensorType(.i64, [Dim(symbols.count)])] ? nil : "\(types) are no \(symbols.count) extents"
  case .assume: return types.isEmpty ? nil : "facts have no operands"
  }
}

private func problem(_ external: External, _ types: [TensorType]) -> String? {
  let parameters = external.function.parameters
  guard parameters.count == external.arguments.count else {
    return "\(external.arguments.count) arguments for \(external.function)"
  }
  var written: [Int] = []
  for (parameter, argument) in zip(parameters, external.arguments) {
    let fits: Bool
    switch (argument, parameter.kind) {
    case (.operand(let position), .input), (.operand(let position), .text):
      fits = types.indices.contains(position) && types[position].element == parameter.element
    case (.result(let position), .output):
      fits = external.results.indices.contains(position) && external.results[position].element == parameter.element
      written.append(position)
    case (.absent, .input): fits = true
    case (.integer, .value): fits = parameter.element == .i64
    case (.float, .value): fits = parameter.element == .f32
    case (.operand, _), (.result, _), (.absent, _), (.integer, _), (.float, _): fits = false
    }
    if !fits { return "\(argument) for parameter \(parameter.name) of \(external.function)" }
  }
  return written == Array(external.results.indices) ? nil : "the results are not written once each and in order"
}

private func problem(_ branch: Branch, _ types: [TensorType]) -> String? {
  guard types.first == TensorType(.bool, []) else { return "operand 0 is no condition" }
  for graph in [branch.then, branch.otherwise] {
    do throws(VerificationError) { try verify(graph) } catch { return error.message }
    if graph.inputs.map({ graph.type(of: $0) }) != Array(types.dropFirst()) { return "a branch takes other operands" }
    let results = graph.outputs.map { graph.type(of: $0) }
    let own = branch.then.outputs.map { branch.then.type(of: $0).element }
    if results.map(\.element) != own || results.map(\.rank) != branch.shapes.map(\.count) {
      return "a branch gives other results"
    }
  }
  return nil
}

private func problem(
  _ graph: ScalarGraph, axes: Int, _ types: [TensorType], results: Int?, accumulators: [ElementType] = []
) -> String? {
  if let results, graph.results.count != results {
    return "a scalar graph has \(graph.results.count) results, not \(results)"
  }
  for id in graph.reachable {
    switch graph[id] {
    case .axis(let axis): if axis >= axes { return "axis \(axis) of \(axes)" }
    case .read(let operand, let indices, _):
      if operand >= types.count { return "read of operand \(operand) of \(types.count)" }
      if indices.count != types[operand].rank { return "read of \(types[operand]) at \(indices.count) indices" }
      if graph.type(of: id) != types[operand].element { return "read of \(types[operand]) as \(graph.type(of: id))" }
    case .accumulator(let position, let type):
      if position >= accumulators.count || accumulators[position] != type { return "acc\(position) is no \(type)" }
    case .unary(let op, let a):
      if !op.isDefined(on: graph.type(of: a)) { return "\(op) of \(graph.type(of: a))" }
    case .binary(let op, let a, _) where !op.isDefined(on: graph.type(of: a)): return "\(op) of \(graph.type(of: a))"
    case .binary(_, let a, let b), .compare(_, let a, let b), .select(_, let a, let b):
      if graph.type(of: a) != graph.type(of: b) { return "operands are \(graph.type(of: a)) and \(graph.type(of: b))" }
    case .multiplyAdd(let a, let b, let c):
      if Set([a, b, c].map { graph.type(of: $0) }).count > 1 { return "a multiply-add of different types" }
    case .literal, .dim, .cast, .bitcast: continue
    }
  }
  return nil
}
