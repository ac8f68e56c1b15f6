import Support
import TensorIR
import Testing

private let golden = String(#filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }) + "/Golden"

private let goldenTexts = ["attention", "classifier", "residual_block"].flatMap { model in
  [
    "00-import", "01-widen-sums", "02-narrow-factors", "03-fold-constants", "04-widen-halves", "05-trim-sums",
    "06-read-through", "07-sink-transpositions", "08-sink-reshapes", "09-split-sums", "10-share-factors",
    "11-read-through-again", "12-hoist-divisors", "13-inline-maps", "14-fuse-epilogues", "15-tabulate-bytes",
    "16-flush-weights", "17-materialize-padding", "18-block-rows", "19-eliminate-dead-code",
  ].map { "\(golden)/\(model)/\($0).txt" }
}

/// The graph without what its text leaves out: names, origins, nodes that nothing uses and the order of leaves.
private func essence(_ graph: Graph) -> Graph {
  var result = graph
  for index in result.values.indices { result.values[index].name = "" }
  for index in result.nodes.indices {
    result.nodes[index].origin = ""
    switch result.nodes[index].primitive {
    case .map(var map):
      map.body = essence(map.body)
      result.nodes[index].primitive = .map(map)
    case .reduce(var reduce):
      reduce.body = essence(reduce.body)
      reduce.epilogue = essence(reduce.epilogue)
      result.nodes[index].primitive = .reduce(reduce)
    case .contract(var contract):
      contract.epilogue = essence(contract.epilogue)
      result.nodes[index].primitive = .contract(contract)
    case .scatter(var scatter):
      scatter.target = essence(scatter.target)
      result.nodes[index].primitive = .scatter(scatter)
    case .scan(var scan):
      scan.body = essence(scan.body)
      result.nodes[index].primitive = .scan(scan)
    case .branch(var branch):
      branch.then = essence(branch.then)
      branch.otherwise = essence(branch.otherwise)
      result.nodes[index].primitive = .branch(branch)
    case .compact(var compact):
      compact.condition = essence(compact.condition)
      result.nodes[index].primitive = .compact(compact)
    case .constant, .reshape, .sort, .external, .measure, .assume: break
    }
  }
  return result
}

private func essence(_ graph: ScalarGraph) -> ScalarGraph {
  var copy = ScalarGraph()
  var copies: [ScalarID: ScalarID] = [:]
  func isLeaf(_ id: ScalarID) -> Bool { ScalarGraph.operands(of: graph[id]).isEmpty && !isRead(graph[id]) }
  func isRead(_ node: ScalarNode) -> Bool { if case .read = node { true } else { false } }
  func leaf(_ id: ScalarID) { if isLeaf(id) { copies[id] = copy.add(graph[id], type: graph.type(of: id)) } }
  func mapped(_ id: ScalarID) -> ScalarID { copies[id] ?? id }
  for id in graph.reachable where !isLeaf(id) {
    for operand in ScalarGraph.operands(of: graph[id]) { leaf(operand) }
    let node: ScalarNode =
      switch graph[id] {
      case .literal, .dim, .axis, .accumulator: graph[id]
      case .read(let operand, let indices, let outside):
        .read(operand: operand, indices: indices.map(mapped), outside: outside.map(mapped))
      case .unary(let op, let a): .unary(op, mapped(a))
      case .binary(let op, let a, let b): .binary(op, mapped(a), mapped(b))
      case .compare(let op, let a, let b): .compare(op, mapped(a), mapped(b))
      case .select(let c, let a, let b): .select(mapped(c), mapped(a), mapped(b))
      case .multiplyAdd(let a, let b, let c): .multiplyAdd(mapped(a), mapped(b), mapped(c))
      case .cast(let type, let a): .cast(type, mapped(a))
      case .bitcast(let type, let a): .bitcast(type, mapped(a))
      }
    copies[id] = copy.add(node, type: graph.type(of: id))
  }
  for result in graph.results { leaf(result) }
  copy.results = graph.results.map(mapped)
  return copy
}

@Suite("Text of Tensor IR")
struct RoundTripTests {
  @Test("golden texts print as they were", arguments: goldenTexts)
  func goldenText(_ path: String) throws {
    let text = try InputFile.text(path: path)
    let graph = try Graph(parsing: text) { _, type in
      type.shape.constants.map {
        ConstantTensor(type.element, dims: $0, doubles: Array(repeating: 0.5, count: $0.reduce(1, *)))
      }
    }
    try verify(graph)
    // Half everywhere: a constant of few elements would appear in full, but those are in the text already.
    #expect(graph.description + "\n" == text)
  }

  @Test("graphs parse to themselves", arguments: sampleGraphs)
  func graph(_ sample: SampleGraph) throws {
    try verify(sample.graph)
    let text = sample.graph.description
    let parsed = try Graph(parsing: text, constants: sample.graph.referencedConstants)
    #expect(parsed.description == text)
    #expect(parsed == essence(sample.graph), "\(text)")
  }
}
