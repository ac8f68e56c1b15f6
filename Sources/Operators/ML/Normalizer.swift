import Support
import TensorIR

/// Rows divided by a norm; a zero row stays zero.
struct Normalizer: Operator {
  let name = OperatorName("Normalizer", domain: "ai.onnx.ml", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try b.cast(try node.input(0), to: .f32)
    let rank = b.shape(of: x).count
    guard rank >= 1 else { throw .invalid("the data is a scalar") }
    let norm: ValueID
    switch try node.string("norm", default: "MAX") {
    case "MAX": norm = b.reduceAxes(x, [rank - 1], keepsAxes: true, .max)
    case "L1": norm = b.reduceAxes(x, [rank - 1], keepsAxes: true, .sum, prepare: { $0.unary(.abs, $1) })
    case "L2":
      norm = b.reduceAxes(
        x, [rank - 1], keepsAxes: true, .sum, prepare: { $0.times($1, $1) },
        finish: { graph, sum, _ in graph.unary(.sqrt, sum) })
    case let other: throw .invalid("attribute 'norm' is '\(other)'")
    }
    return [
      try b.elementwise([x, norm]) { graph, values in
        let isZero = graph.compare(.equal, values[1], graph.number(0, .f32))
        return graph.select(isZero, values[0], graph.over(values[0], values[1]))
      }
    ]
  }
}
