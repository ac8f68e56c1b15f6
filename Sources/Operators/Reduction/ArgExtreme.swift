import Support
import TensorIR

/// Positions of extreme values along an axis.
struct ArgExtreme: Operator {
  let name: OperatorName
  let first: Combiner
  let last: Combiner

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let axis = try normalizedAxis(try node.int("axis", default: 0), rank: b.shape(of: x).count)
    let combiner = try node.flag("select_last_index") ? last : first
    return [b.reduceAxes(x, [axis], keepsAxes: try node.flag("keepdims", default: true), combiner)]
  }
}

/// ArgMax and ArgMin.
let argExtremeOperators: [any Operator] = [
  ArgExtreme(name: OperatorName("ArgMax", versions: 1, 11, 12, 13), first: .argMaxFirst, last: .argMaxLast),
  ArgExtreme(name: OperatorName("ArgMin", versions: 1, 11, 12, 13), first: .argMinFirst, last: .argMinLast),
]
