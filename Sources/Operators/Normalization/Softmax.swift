import Support
import TensorIR

/// Softmax and its relatives along one axis, or, before operator set 13, over all axes from one on.
struct SoftmaxOperator: Operator {
  let name: OperatorName
  /// The result from the argument and the axes.
  let result: @Sendable (ValueID, [Int], inout GraphBuilder) throws(ModelError) -> ValueID

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    try b.requireFloat(x)
    let rank = b.shape(of: x).count
    let axis = try normalizedAxis(try node.int("axis", default: node.version < 13 ? 1 : -1), rank: max(rank, 1))
    let axes = rank == 0 ? [] : node.version < 13 ? Array(axis..<rank) : [axis]
    return [try result(x, axes, &b)]
  }
}

/// Softmax and LogSoftmax.
let softmaxOperators: [any Operator] = [
  SoftmaxOperator(name: OperatorName("Softmax", versions: 1, 11, 13)) { (x, axes, b) throws(ModelError) in
    try b.softmax(x, axes)
  },
  SoftmaxOperator(name: OperatorName("LogSoftmax", versions: 1, 11, 13)) { (x, axes, b) throws(ModelError) in
    try b.logSoftmax(x, axes)
  },
]

extension GraphBuilder {
  /// `exp(x - max) / sum(exp(x - max))` with maximum and sum over the given axes.
  mutating func softmax(_ x: ValueID, _ axes: [Int]) throws(ModelError) -> ValueID {
    let (_, exponentials, sum) = try exponentials(x, axes)
    return try elementwise([exponentials, sum]) { $0.over($1[0], $1[1]) }
  }

  /// `x - max - log(sum(exp(x - max)))` with maximum and sum over the given axes.
  mutating func logSoftmax(_ x: ValueID, _ axes: [Int]) throws(ModelError) -> ValueID {
    let (greatest, _, sum) = try exponentials(x, axes)
    return try elementwise([x, greatest, sum]) { graph, values in
      graph.minus(graph.minus(values[0], values[1]), graph.unary(.log, values[2]))
    }
  }

  private mutating func exponentials(
    _ x: ValueID, _ axes: [Int]
  ) throws(ModelError) -> (greatest: ValueID, exponentials: ValueID, sum: ValueID) {
    let greatest = reduceAxes(x, axes, keepsAxes: true, .max)
    let exponentials = try elementwise([x, greatest]) { graph, values in
      graph.unary(.decay, graph.minus(values[0], values[1]))
    }
    return (greatest, exponentials, reduceAxes(exponentials, axes, keepsAxes: true, .sum))
  }
}
