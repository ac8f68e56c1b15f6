import Support
import TensorIR

/// Whether elements are infinite, of either sign or of one.
struct IsInf: Operator {
  let name = OperatorName("IsInf", versions: 10, 20)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    try b.requireFloat(x)
    let positive = try node.flag("detect_positive", default: true)
    let negative = try node.flag("detect_negative", default: true)
    return [
      try b.elementwise([x]) { graph, values in
        let infinity = graph.number(.infinity, graph.type(of: values[0]))
        switch (positive, negative) {
        case (true, true): return graph.compare(.equal, graph.unary(.abs, values[0]), infinity)
        case (true, false): return graph.compare(.equal, values[0], infinity)
        case (false, true): return graph.compare(.equal, values[0], graph.negate(infinity))
        case (false, false): return graph.integer(0, .bool)
        }
      }
    ]
  }
}
