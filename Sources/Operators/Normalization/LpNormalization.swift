import Support
import TensorIR

/// Division by the 1-norm or 2-norm along an axis; a zero vector stays zero.
struct LpNormalization: Operator {
  let name = OperatorName("LpNormalization", versions: 1, 22)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    try b.requireFloat(x)
    let axis = try normalizedAxis(try node.int("axis", default: -1), rank: b.shape(of: x).count)
    let power = try node.int("p", default: 2)
    guard power == 1 || power == 2 else { throw .invalid("attribute 'p' is \(power), not 1 or 2") }
    let norm = b.reduceAxes(
      x, [axis], keepsAxes: true, .sum, prepare: { power == 1 ? $0.unary(.abs, $1) : $0.times($1, $1) },
      finish: { graph, sum, _ in power == 1 ? sum : graph.unary(.sqrt, sum) })
    return [
      try b.elementwise([x, norm]) { graph, values in
        let zero = graph.number(0, graph.type(of: values[0]))
        return graph.select(graph.compare(.equal, values[1], zero), zero, graph.over(values[0], values[1]))
      }
    ]
  }
}
