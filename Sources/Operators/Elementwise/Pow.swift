import Support
import TensorIR

/// Powers; the result has the base's type, whatever the exponent's.
struct Pow: Operator {
  let name = OperatorName("Pow", versions: 1, 7, 12, 13, 15)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let base = try node.input(0)
    let exponent = try b.alignedLegacy([base, try node.input(1)], node)
    let element = b.type(of: base).element
    let known = b.constantValue(exponent).flatMap { $0.count == 1 ? $0.doubles[0] : nil }
    return [
      try b.elementwise([base, exponent]) { graph, values in
        if let known, let simple = simplePower(&graph, values[0], known) { return simple }
        if element.isFloat { return graph.binary(.power, values[0], graph.cast(values[1], to: element)) }
        let wide = graph.binary(.power, graph.cast(values[0], to: .f64), graph.cast(values[1], to: .f64))
        return graph.cast(wide, to: element)
      }
    ]
  }

  /// Powers that a few exact operations give.
  private func simplePower(_ graph: inout ScalarGraph, _ x: ScalarID, _ exponent: Double) -> ScalarID? {
    let element = graph.type(of: x)
    switch exponent {
    case 1: return x
    case 2: return graph.times(x, x)
    case 3: return graph.times(graph.times(x, x), x)
    case 4:
      let square = graph.times(x, x)
      return graph.times(square, square)
    case 0.5 where element.isFloat: return graph.unary(.sqrt, x)
    case -1 where element.isFloat: return graph.over(graph.number(1, element), x)
    case -0.5 where element.isFloat: return graph.over(graph.number(1, element), graph.unary(.sqrt, x))
    default: return nil
    }
  }
}
