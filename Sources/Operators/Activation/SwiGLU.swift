import Support
import TensorIR

/// `a * sigmoid(alpha * a) * b`.
struct SwiGLU: Operator {
  let name = OperatorName("SwiGLU", versions: 28)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let operands = [try node.input(0), try node.input(1)]
    try b.requireFloat(operands[0])
    try b.requireSameType(operands)
    try b.requireShape(operands[1], b.shape(of: operands[0]), "the second argument")
    let alpha = try node.float("alpha", default: 1)
    return [
      try b.elementwise(operands) { graph, values in
        let gate = graph.times(values[0], graph.unary(.sigmoid, graph.affineNumber(values[0], alpha, 0)))
        return graph.times(gate, values[1])
      }
    ]
  }
}
