import Support
import TensorIR

/// Softmax and its relatives along one axis, or, before operator set 13, over all axes from one on.
struct SoftmaxOperator: Operator {
  let name: OperatorName
  /// The result from the element minus the maximum, and the sum of exponentials of such differences.
  let finish: @Sendable (inout ScalarGraph, ScalarID, ScalarID) -> ScalarID

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    try b.requireFloat(x)
    let rank = b.shape(of: x).count
    let axis = try normalizedAxis(try node.int("axis", default: node.version < 13 ? 1 : -1), rank: max(rank, 1))
    let axes = rank == 0 ? [] : node.version < 13 ? Array(axis..<rank) : [axis]
    return [try b.softmax(x, axes, finish)]
  }
}

/// Softmax and LogSoftmax.
let softmaxOperators: [any Operator] = [
  SoftmaxOperator(name: OperatorName("Softmax", versions: 1, 11, 13)) { graph, shifted, sum in
    graph.over(graph.unary(.exp, shifted), sum)
  },
  SoftmaxOperator(name: OperatorName("LogSoftmax", versions: 1, 11, 13)) { graph, shifted, sum in
    graph.minus(shifted, graph.unary(.log, sum))
  },
]

extension GraphBuilder {
  /// `finish(x - max, sum(exp(x - max)))` with maximum and sum over the given axes.
  mutating func softmax(
    _ x: ValueID, _ axes: [Int], _ finish: (inout ScalarGraph, ScalarID, ScalarID) -> ScalarID
  ) throws(ModelError) -> ValueID {
    let greatest = reduceAxes(x, axes, keepsAxes: true, .max)
    let exponentials = try elementwise([x, greatest]) { graph, values in
      graph.unary(.exp, graph.minus(values[0], values[1]))
    }
    let sum = reduceAxes(exponentials, axes, keepsAxes: true, .sum)
    return try elementwise([x, greatest, sum]) { graph, values in
      finish(&graph, graph.minus(values[0], values[1]), values[2])
    }
  }
}
