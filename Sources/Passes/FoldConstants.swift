import TensorIR

/// Computes nodes whose operands are all constants, unless that takes too much work or memory, or the result is a
/// factor that stays narrow.
func foldConstants(_ graph: Graph, leastSaving: Int = leastSavingOfFormulas) -> Graph {
  let workLimit = 1 << 24
  let narrow = narrowValues(graph, leastSaving: leastSaving)
  var result = graph
  var constants: [ValueID: ConstantTensor] = [:]
  result.nodes = []
  for node in graph.nodes {
    if case .constant(let constant) = node.primitive { constants[node.results[0]] = constant }
    let operands = node.operands.compactMap { constants[$0] }
    guard operands.count == node.operands.count, !node.results.contains(where: narrow.contains),
      let values = Evaluator.evaluate(node.primitive, operands, workLimit: workLimit)
    else {
      result.nodes.append(node)
      continue
    }
    for (value, constant) in zip(node.results, values) {
      constants[value] = constant
      result.nodes.append(Node(.constant(constant), operands: [], results: [value], origin: node.origin))
    }
  }
  return eliminateDeadCode(result)
}
