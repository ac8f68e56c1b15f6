import Support
import TensorIR

/// A convolution with an optional addend and activation.
struct FusedConv: Operator {
  let name = OperatorName("FusedConv", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    try b.requireFloat(x)
    let sum = try b.convolution(
      x, try node.input(1), bias: node.optionalInput(2), node, accumulator: b.type(of: x).element)
    let activation = try node.string("activation", default: "")
    let numbers = try node.floats("activation_params") ?? []
    func number(_ position: Int, _ value: Double) -> Double {
      numbers.indices.contains(position) ? numbers[position] : value
    }
    let apply: (inout ScalarGraph, ScalarID) -> ScalarID
    switch activation {
    case "": apply = { $1 }
    case "Relu": apply = { $0.binary(.max, $0.number(0, $0.type(of: $1)), $1) }
    case "Tanh": apply = { $0.unary(.tanh, $1) }
    case "Sigmoid": apply = { $0.unary(.sigmoid, $1) }
    case "LeakyRelu": apply = { $0.leakyRelu($1, alpha: number(0, 0.01)) }
    case "HardSigmoid": apply = { $0.hardSigmoid($1, alpha: number(0, 0.2), beta: number(1, 0.5)) }
    case "Clip":
      apply = { graph, x in
        let type = graph.type(of: x)
        let low = graph.binary(.max, graph.number(number(0, -.infinity), type), x)
        return graph.binary(.min, graph.number(number(1, .infinity), type), low)
      }
    default: throw .unsupported("activation '\(activation)' is not supported")
    }
    return [
      try b.elementwise([sum] + (node.optionalInput(3).map { [$0] } ?? [])) { graph, values in
        apply(&graph, values.count == 2 ? graph.plus(values[0], values[1]) : values[0])
      }
    ]
  }
}
