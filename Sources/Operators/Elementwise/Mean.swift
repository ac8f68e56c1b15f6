import Support
import TensorIR

/// The mean of tensors, element by element.
struct Mean: Operator {
  let name = OperatorName("Mean", versions: 1, 6, 8, 13)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let operands = try node.inputs()
    try b.requireSameType(operands)
    return [
      try b.elementwise(operands) { graph, values in
        let sum = values.dropFirst().reduce(values[0]) { graph.plus($0, $1) }
        return graph.over(sum, graph.number(Double(values.count), graph.type(of: sum)))
      }
    ]
  }
}
