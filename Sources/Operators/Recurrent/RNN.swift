import Support
import TensorIR

/// The simple recurrent layer.
struct RNN: Operator {
  let name = OperatorName("RNN", versions: 1, 7, 14, 22)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    try RecurrentLayer(gates: 1, stateCount: 1, defaults: ["Tanh"], ownBiasFrom: 1, cell: cell).build(node, in: &b)
  }

  private func cell(_ step: RecurrentStep, _ hidden: Dim, _ b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let product = try b.recurrentProduct(step.states[0], step.weights, rows: hidden)
    return [
      b.recurrentMap(b.shape(of: step.states[0]), [step.input, product]) { graph, read in
        step.activate(0, graph.plus(read(&graph, 0, 0), read(&graph, 1, 0)), &graph)
      }
    ]
  }
}
