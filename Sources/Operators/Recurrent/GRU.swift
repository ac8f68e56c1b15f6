import Support
import TensorIR

/// The gated recurrent unit; gates are update, reset and hidden.
struct GRU: Operator {
  let name = OperatorName("GRU", versions: 1, 3, 7, 14, 22)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let isLinearFirst = try node.flag("linear_before_reset")
    let layer = RecurrentLayer(
      gates: 3, stateCount: 1, defaults: ["Sigmoid", "Tanh"], ownBiasFrom: isLinearFirst ? 2 : 3,
      cell: { step, hidden, b throws(ModelError) in
        try isLinearFirst ? linearFirst(step, hidden, &b) : resetFirst(step, hidden, &b)
      })
    return try layer.build(node, in: &b)
  }

  private func linearFirst(_ step: RecurrentStep, _ hidden: Dim, _ b: inout GraphBuilder) throws(ModelError)
    -> [ValueID]
  {
    let state = step.states[0]
    let product = try b.recurrentProduct(state, step.weights, rows: hidden * 3)
    let operands = [step.input, product, state] + (step.recurrentBias.map { [$0] } ?? [])
    return [
      b.recurrentMap(b.shape(of: state), operands) { graph, read in
        let update = step.activate(0, graph.plus(read(&graph, 0, 0), read(&graph, 1, 0)), &graph)
        let reset = step.activate(0, graph.plus(read(&graph, 0, 1), read(&graph, 1, 1)), &graph)
        var linear = read(&graph, 1, 2)
        if step.recurrentBias != nil { linear = graph.plus(linear, read(&graph, 3, 2)) }
        let candidate = step.activate(1, graph.plus(read(&graph, 0, 2), graph.times(reset, linear)), &graph)
        return graph.blend(update, candidate, read(&graph, 2, 0))
      }
    ]
  }

  private func resetFirst(_ step: RecurrentStep, _ hidden: Dim, _ b: inout GraphBuilder) throws(ModelError)
    -> [ValueID]
  {
    let state = step.states[0]
    let shape = b.shape(of: state)
    let gates = try b.recurrentProduct(state, step.weights, rows: hidden * 2)
    let reset = b.recurrentMap(shape, [step.input, gates, state]) { graph, read in
      let reset = step.activate(0, graph.plus(read(&graph, 0, 1), read(&graph, 1, 1)), &graph)
      return graph.times(reset, read(&graph, 2, 0))
    }
    let linear = try b.recurrentProduct(reset, step.weights, from: hidden * 2, rows: hidden)
    return [
      b.recurrentMap(shape, [step.input, gates, state, linear]) { graph, read in
        let update = step.activate(0, graph.plus(read(&graph, 0, 0), read(&graph, 1, 0)), &graph)
        let candidate = step.activate(1, graph.plus(read(&graph, 0, 2), read(&graph, 3, 0)), &graph)
        return graph.blend(update, candidate, read(&graph, 2, 0))
      }
    ]
  }
}

extension ScalarGraph {
  /// `(1 - share) * a + share * b`.
  fileprivate mutating func blend(_ share: ScalarID, _ a: ScalarID, _ b: ScalarID) -> ScalarID {
    let rest = minus(number(1, type(of: share)), share)
    return plus(times(rest, a), times(share, b))
  }
}
