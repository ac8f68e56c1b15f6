import Support
import TensorIR

/// `log(sum(exp(x)))`, with the maximum taken out so that nothing overflows.
struct ReduceLogSumExp: Operator {
  let name = OperatorName("ReduceLogSumExp", versions: 1, 11, 13, 18, 28)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let given = try node.input(0)
    let element = b.type(of: given).element
    let x = try b.cast(given, to: element.isFloat ? element : .f64)
    guard let frame = try reductionFrame(node, b.shape(of: x), argumentSince: 18, &b) else { return [given] }
    let greatest = b.reduce(
      x, frame, keepsAxes: true, .max,
      finish: { graph, value, _ in
        let infinity = graph.number(.infinity, graph.type(of: value))
        let isFinite = graph.compare(.less, graph.unary(.abs, value), infinity)
        return graph.select(isFinite, value, graph.number(0, graph.type(of: value)))
      })
    let shifted = try b.elementwise([x, greatest]) { $0.minus($1[0], $1[1]) }
    let sum = b.reduce(shifted, frame, keepsAxes: true, .sum, prepare: { $0.unary(.exp, $1) })
    let result = try b.elementwise([sum, greatest]) { $0.plus($0.unary(.log, $1[0]), $1[1]) }
    let converted = try b.cast(result, to: element)
    if try node.flag("keepdims", default: true) { return [converted] }
    return [b.reshape(converted, frame.droppedShape)]
  }
}
