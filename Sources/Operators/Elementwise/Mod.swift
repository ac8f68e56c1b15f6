import Support
import TensorIR

/// The remainder with the divisor's sign, or with `fmod` the dividend's.
struct Mod: Operator {
  let name = OperatorName("Mod", versions: 10, 13)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let operands = [try node.input(0), try node.input(1)]
    try b.requireSameType(operands)
    let followsDividend = try node.flag("fmod")
    return [
      try b.elementwise(operands) { graph, values in
        let isInteger = graph.type(of: values[1]).isInteger
        let divisor = isInteger ? graph.nonZeroDivisor(values[1]) : values[1]
        return graph.binary(followsDividend ? .remainder : .floorRemainder, values[0], divisor)
      }
    ]
  }
}
