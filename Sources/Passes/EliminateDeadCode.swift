import TensorIR

/// Removes nodes whose results nobody uses, and their values.
///
/// Extents are measured while something depends on them. Facts stay while the extents that they speak of are known.
func eliminateDeadCode(_ graph: Graph) -> Graph {
  var live = Set(graph.outputs)
  var symbols = Set(graph.outputs.flatMap { graph.shape(of: $0) }.symbols)
  let measured = graph.measuredSymbols
  var kept: [Node] = []
  for node in graph.nodes.reversed() where isLive(node, live, symbols, measured) {
    live.formUnion(node.operands)
    if case .assume(let assumption) = node.primitive, !assumption.isRequired {} else if !measured.isEmpty { symbols.formUnion(node.primitive.symbols) }
    kept.append(node)
  }
  kept.reverse()
  return renumbered(graph, kept)
}

private func isLive(_ node: Node, _ live: Set<ValueID>, _ symbols: Set<String>, _ measured: Set<String>) -> Bool {
  switch node.primitive {
  case .measure(let own): own.contains(where: symbols.contains)
  case .assume(let assumption):
    assumption.isRequired || node.primitive.symbols.allSatisfy { symbols.contains($0) || !measured.contains($0) }
  case .constant, .map, .reduce, .contract, .reshape, .scan, .branch, .scatter, .sort, .compact, .external:
    node.results.contains(where: live.contains) || node.primitive.measuredSymbols.contains(where: symbols.contains)
  }
}

/// The graph of the given nodes with values numbered densely in order of definition.
private func renumbered(_ graph: Graph, _ nodes: [Node]) -> Graph {
  var result = Graph()
  var numbers: [ValueID: ValueID] = [:]
  func define(_ value: ValueID) -> ValueID {
    result.values.append(graph.values[value.index])
    let number = ValueID(result.values.count - 1)
    numbers[value] = number
    return number
  }
  func use(_ value: ValueID) -> ValueID {
    guard let number = numbers[value] else { fatalError("value \(value.index) is used before its definition") }
    return number
  }
  result.inputs = graph.inputs.map(define)
  for node in nodes {
    var copy = node
    copy.operands = node.operands.map(use)
    copy.results = node.results.map(define)
    result.nodes.append(copy)
  }
  result.outputs = graph.outputs.map(use)
  return result
}
