import Support
import TensorIR

/// Division by the root mean square over the axes from one on, with a scale.
struct RMSNormalization: Operator {
  let name: OperatorName

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    try b.requireFloat(x)
    let type = b.type(of: x)
    let axis = try normalizedAxis(try node.int("axis", default: -1), rank: type.rank)
    let stash = try node.stashType(type.element)
    let (value, inverse) = try b.divideByRootMeanSquare(
      x, Array(axis..<type.rank), epsilon: try node.float("epsilon", default: 1e-5), stash: stash)
    return [try b.scaleAndShift(try b.cast(value, to: type.element), try node.input(1), nil), inverse]
  }
}

/// Root mean square normalization as standardized.
let rmsNormalization = RMSNormalization(name: OperatorName("RMSNormalization", versions: 23))

extension GraphBuilder {
  /// `x / sqrt(mean(x * x) + epsilon)`, and the factor.
  mutating func divideByRootMeanSquare(
    _ x: ValueID, _ axes: [Int], epsilon: Double, stash: ElementType
  ) throws(ModelError) -> (ValueID, ValueID) {
    let inverse = reduceAxes(
      x, axes, keepsAxes: true, .sum,
      prepare: { graph, value in
        let wide = graph.cast(value, to: stash)
        return graph.times(wide, wide)
      },
      finish: { graph, sum, count in
        let mean = graph.mean(sum, over: count)
        let root = graph.unary(.sqrt, graph.affineNumber(mean, 1, epsilon))
        return graph.over(graph.number(1, graph.type(of: root)), root)
      })
    return (try elementwise([x, inverse]) { $0.times($0.cast($1[0], to: stash), $1[1]) }, inverse)
  }
}
