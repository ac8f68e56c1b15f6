import Support
import TensorIR

/// Normalization to mean 0 and variance 1 over given axes; before version 9 to mean 0 alone on request.
struct MeanVarianceNormalization: Operator {
  let name = OperatorName("MeanVarianceNormalization", versions: 1, 9, 13)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    try b.requireFloat(x)
    var axes: [Int] = []
    for axis in try givenAxes(node) {
      axes.append(try normalizedAxis(axis, rank: b.shape(of: x).count, name: "axes:"))
    }
    let mean = b.reduceAxes(x, axes, keepsAxes: true, .sum, finish: { $0.mean($1, over: $2) })
    let centered = try b.elementwise([x, mean]) { $0.minus($1[0], $1[1]) }
    if node.version < 9, try !node.flag("normalize_variance", default: true) { return [centered] }
    let deviation = b.reduceAxes(
      centered, axes, keepsAxes: true, .sum, prepare: { $0.times($1, $1) },
      finish: { graph, sum, count in
        graph.affineNumber(graph.unary(.sqrt, graph.mean(sum, over: count)), 1, 1e-9)
      })
    return [try b.elementwise([centered, deviation]) { $0.over($1[0], $1[1]) }]
  }

  private func givenAxes(_ node: OperatorNode) throws(ModelError) -> [Int] {
    guard node.version < 9 else { return try node.ints("axes") ?? [0, 2, 3] }
    return try node.flag("across_channels") ? [0, 1, 2, 3] : [0, 2, 3]
  }
}
