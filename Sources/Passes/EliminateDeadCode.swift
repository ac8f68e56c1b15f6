import TensorIR

/// Removes nodes whose results nobody uses, and their values.
func eliminateDeadCode(_ graph: Graph) -> Graph {
  var live = Set(graph.outputs)
  var kept: [Node] = []
  for node in graph.nodes.reversed() where node.results.contains(where: live.contains) {
    live.formUnion(node.operands)
    kept.append(node)
  }
  kept.reverse()
  return renumbered(graph, kept)
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
