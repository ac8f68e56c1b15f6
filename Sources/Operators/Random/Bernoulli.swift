import Support
import TensorIR

/// 1 with the probabilities of the argument, else 0.
struct Bernoulli: Operator {
  let name = OperatorName("Bernoulli", versions: 15, 22)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    try b.requireFloat(x)
    let type = b.type(of: x)
    let target = try node.elementType("dtype") ?? type.element
    guard target != .string else { throw .invalid("random numbers cannot be strings") }
    let numbers = try RandomNumbers(node, b)
    let wide = type.element.precise
    return [
      try b.elementwise([x]) { graph, values in
        let draw = numbers.uniform(graph.linearPosition(type.shape), wide, &graph)
        return graph.cast(graph.compare(.less, draw, graph.cast(values[0], to: wide)), to: target)
      }
    ]
  }
}
