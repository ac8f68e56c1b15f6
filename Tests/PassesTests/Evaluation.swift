import Support
import TensorIR
import Testing

/// Runs a graph of constant inputs through the evaluator; symbols get the values that they are given or measured with.
func evaluate(_ graph: Graph, _ inputs: [ConstantTensor], symbols: [String: Dim] = [:]) throws -> [ConstantTensor] {
  var values: [ValueID: ConstantTensor] = [:]
  var symbols = symbols
  for (input, tensor) in zip(graph.inputs, inputs) { values[input] = tensor }
  for node in graph.nodes {
    let operands = node.operands.compactMap { values[$0] }
    let results: [ConstantTensor]
    switch node.primitive {
    case .measure(let names):
      for (name, element) in zip(names, operands[0].integers) { symbols[name] = Dim(element) }
      results = []
    case .scan(let scan): results = [try evaluate(scan, operands, symbols)]
    case .scatter(let scatter): results = [try evaluate(scatter, operands)]
    default: results = try #require(Evaluator.evaluate(node.primitive.substituting(symbols), operands))
    }
    for (value, result) in zip(node.results, results) { values[value] = result }
  }
  return graph.outputs.compactMap { values[$0] }
}

/// The collected results of a scan without states, whose steps all read the same operands.
private func evaluate(_ scan: Scan, _ operands: [ConstantTensor], _ symbols: [String: Dim]) throws -> ConstantTensor {
  try #require(scan.carried == 0 && scan.scanned == 0 && scan.body.outputs.count == 1)
  let length = try #require(scan.length.constant)
  let steps = try (0..<length).map { step in
    try evaluate(scan.body, [ConstantTensor(.i64, dims: [], integers: [step])] + operands, symbols: symbols)[0]
  }
  let first = try #require(steps.first)
  return ConstantTensor(first.type.element, dims: [length] + first.dims, doubles: steps.flatMap(\.doubles))
}

/// A scatter that assigns floats: its target is evaluated as maps, one for each of its results.
private func evaluate(_ scatter: Scatter, _ operands: [ConstantTensor]) throws -> ConstantTensor {
  try #require(scatter.combiner == .assign)
  let results = try scatter.target.results.map { result in
    var body = scatter.target
    body.results = [result]
    let map = Primitive.map(Map(shape: scatter.updates, body: body.pruned()))
    return try #require(Evaluator.evaluate(map, operands)?.first)
  }
  let dims = operands[0].dims
  var elements = operands[0].doubles
  for update in results[0].integers.indices {
    let place = zip(results, dims).reduce(0) { $0 * $1.1 + $1.0.integers[update] }
    elements[place] = results[dims.count].doubles[update]
  }
  return ConstantTensor(operands[0].type.element, dims: dims, doubles: elements)
}

extension Primitive {
  fileprivate func substituting(_ symbols: [String: Dim]) -> Primitive {
    switch self {
    case .map(var map):
      map.shape = map.shape.map { $0.substituting(symbols) }
      map.body = map.body.substituting(symbols)
      return .map(map)
    case .reduce(var reduce):
      reduce.shape = reduce.shape.map { $0.substituting(symbols) }
      reduce.body = reduce.body.substituting(symbols)
      return .reduce(reduce)
    case .reshape(let shape): return .reshape(shape.map { $0.substituting(symbols) })
    case .contract(var contract):
      func known(_ index: AffineIndex) -> AffineIndex {
        AffineIndex(index.coefficients, offset: index.offset.substituting(symbols))
      }
      contract.shape = contract.shape.map { $0.substituting(symbols) }
      contract.lhs = contract.lhs.map(known)
      contract.rhs = contract.rhs.map(known)
      contract.epilogue = contract.epilogue.substituting(symbols)
      return .contract(contract)
    default: return self
    }
  }
}

extension ScalarGraph {
  fileprivate func substituting(_ symbols: [String: Dim]) -> ScalarGraph {
    var copy = ScalarGraph()
    copy.results = copy.insert(self) { copy, node, _ in
      if case .dim(let dim) = node { copy.dim(dim.substituting(symbols)) } else { nil }
    }
    return copy
  }
}

/// A tensor of small whole numbers, on which all orders of summation agree.
func numbers(_ dims: [Int], seed: Int, _ element: ElementType = .f32) -> ConstantTensor {
  let values = (0..<dims.reduce(1, *)).map { ($0 &* 7 &+ seed &* 13) % 11 - 5 }
  return element.isFloat
    ? ConstantTensor(element, dims: dims, doubles: values.map { Double($0) })
    : ConstantTensor(element, dims: dims, integers: values)
}
