import TensorIR
import Testing

/// Runs a graph of constant inputs through the evaluator.
func evaluate(_ graph: Graph, _ inputs: [ConstantTensor]) throws -> [ConstantTensor] {
  var values: [ValueID: ConstantTensor] = [:]
  for (input, tensor) in zip(graph.inputs, inputs) { values[input] = tensor }
  for node in graph.nodes {
    let operands = node.operands.compactMap { values[$0] }
    let results = try #require(Evaluator.evaluate(node.primitive, operands))
    for (value, result) in zip(node.results, results) { values[value] = result }
  }
  return graph.outputs.compactMap { values[$0] }
}

/// A tensor of small whole numbers, on which all orders of summation agree.
func numbers(_ dims: [Int], seed: Int) -> ConstantTensor {
  let count = dims.reduce(1, *)
  return ConstantTensor(.f32, dims: dims, doubles: (0..<count).map { Double(($0 &* 7 &+ seed &* 13) % 11 - 5) })
}
