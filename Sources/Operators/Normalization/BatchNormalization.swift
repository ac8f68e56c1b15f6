import Support
import TensorIR

/// Normalization by running statistics per channel.
struct BatchNormalization: Operator {
  let name = OperatorName("BatchNormalization", versions: 1, 6, 7, 9, 14, 15)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let isTraining = try node.flag("training_mode")
    guard !isTraining, node.uses(result: 0), !(1..<node.resultCount).contains(where: { node.uses(result: $0) }) else {
      throw .unsupported("training mode is not supported", hint: "export the model for inference")
    }
    let x = try node.input(0)
    try b.requireFloat(x)
    let rank = b.shape(of: x).count
    let epsilon = try node.float("epsilon", default: 1e-5)
    let element = b.type(of: x).element
    var parameters: [ValueID] = []
    for position in 1...4 {
      let parameter = try node.input(position)
      guard b.shape(of: parameter).count == 1 else { throw .invalid("argument \(position) must have rank 1") }
      parameters.append(parameter)
    }
    // Scale and shift per channel are constants when the parameters are.
    let scale = try b.elementwise([parameters[0], parameters[3]]) { graph, values in
      let variance = graph.plus(values[1], graph.number(epsilon, graph.type(of: values[1])))
      return graph.over(graph.cast(values[0], to: graph.type(of: values[1])), graph.unary(.sqrt, variance))
    }
    let shift = try b.elementwise([parameters[1], parameters[2], scale]) { graph, values in
      let type = graph.type(of: values[2])
      let product = graph.times(graph.cast(values[1], to: type), values[2])
      return graph.minus(graph.cast(values[0], to: type), product)
    }
    let trailing = [Dim](repeating: 1, count: max(0, rank - 2))
    let channels = b.shape(of: scale) + trailing
    let columns = [b.reshape(scale, channels), b.reshape(shift, channels)]
    return [
      try b.elementwise([x] + columns) { graph, values in
        let type = graph.type(of: values[1])
        let scaled = graph.times(graph.cast(values[0], to: type), values[1])
        return graph.cast(graph.plus(scaled, values[2]), to: element)
      }
    ]
  }
}
