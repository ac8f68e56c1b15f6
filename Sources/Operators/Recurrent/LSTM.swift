import Support
import TensorIR

/// Long short-term memory; gates are input, output, forget and cell.
struct LSTM: Operator {
  let name: OperatorName
  let isQuantized: Bool

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    var layer = try LSTM.layer(node)
    layer.isQuantized = isQuantized
    return try layer.build(node, in: &b)
  }

  /// The layer that a node describes.
  static func layer(_ node: OperatorNode) throws(ModelError) -> RecurrentLayer {
    let isCoupled = try node.flag("input_forget")
    return RecurrentLayer(
      gates: 4, stateCount: 2, defaults: ["Sigmoid", "Tanh", "Tanh"], ownBiasFrom: 4,
      cell: { step, hidden, b throws(ModelError) in try cell(step, hidden, isCoupled, &b) })
  }

  private static func cell(_ step: RecurrentStep, _ hidden: Dim, _ isCoupled: Bool, _ b: inout GraphBuilder)
    throws(ModelError) -> [ValueID]
  {
    let (state, memory) = (step.states[0], step.states[1])
    let shape = b.shape(of: memory)
    let product = try b.recurrentProduct(state, step.weights, rows: hidden * 4)
    let peepholes = step.peepholes.map { [$0] } ?? []
    func gate(
      _ number: Int, _ function: Int, peephole: Int?, _ graph: inout ScalarGraph,
      _ read: (inout ScalarGraph, Int, Int) -> ScalarID
    ) -> ScalarID {
      var sum = graph.plus(read(&graph, 0, number), read(&graph, 1, number))
      if let peephole, step.peepholes != nil {
        sum = graph.plus(sum, graph.times(read(&graph, 3, peephole), read(&graph, 2, 0)))
      }
      return step.activate(function, sum, &graph)
    }
    let nextMemory = b.recurrentMap(shape, [step.input, product, memory] + peepholes) { graph, read in
      let input = gate(0, 0, peephole: 0, &graph, read)
      let forget =
        isCoupled
        ? graph.minus(graph.number(1, graph.type(of: input)), input) : gate(2, 0, peephole: 2, &graph, read)
      let candidate = gate(3, 1, peephole: nil, &graph, read)
      return graph.plus(graph.times(forget, read(&graph, 2, 0)), graph.times(input, candidate))
    }
    let nextState = b.recurrentMap(shape, [step.input, product, nextMemory] + peepholes) { graph, read in
      let output = gate(1, 0, peephole: 1, &graph, read)
      return graph.times(output, step.activations[2].apply(read(&graph, 2, 0), &graph))
    }
    return [nextState, nextMemory]
  }
}

/// LSTM as standardized, and with weights as integers of ONNX Runtime.
let lstmOperators: [any Operator] = [
  LSTM(name: OperatorName("LSTM", versions: 1, 7, 14, 22), isQuantized: false),
  LSTM(name: OperatorName("DynamicQuantizeLSTM", domain: "com.microsoft", versions: 1), isQuantized: true),
]
