import Support
import TensorIR

/// Mean over all spatial positions.
struct GlobalAveragePool: Operator {
  let name = OperatorName("GlobalAveragePool", versions: 1, 22)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let axes = Array(2..<max(2, b.shape(of: x).count))
    return [b.reduceAxes(x, axes, keepsAxes: true, .sum, finish: { $0.mean($1, over: $2) })]
  }
}

/// Maximum over all spatial positions.
struct GlobalMaxPool: Operator {
  let name = OperatorName("GlobalMaxPool", versions: 1, 22)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    return [b.reduceAxes(x, Array(2..<max(2, b.shape(of: x).count)), keepsAxes: true, .max)]
  }
}
