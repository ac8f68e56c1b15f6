import Support
import TensorIR

/// The remainder with the divisor's sign, or with `fmod` the dividend's.
struct Mod: Operator {
  let name = OperatorName("Mod", versions: 10, 13, 28)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let operands = [try node.input(0), try node.input(1)]
    try b.requireSameType(operands)
    let followsDividend = try node.flag("fmod")
    return [
      try b.elementwise(operands) { graph, values in
        let element = graph.type(of: values[1])
        let divisor = element.isInteger ? graph.nonZeroDivisor(values[1]) : values[1]
        if !followsDividend, let known = graph.integerValue(divisor), known > 0 {
          return graph.binary(.floorRemainder, values[0], divisor)
        }
        let rest = graph.binary(.remainder, values[0], divisor)
        if followsDividend || element.isUnsignedInteger { return rest }
        // A rest with the wrong sign moves by one divisor.
        let zero = graph.number(0, element)
        let signsDiffer = graph.binary(.xor, graph.compare(.less, rest, zero), graph.compare(.less, divisor, zero))
        let isZero = graph.compare(.equal, rest, zero)
        let moved = graph.select(signsDiffer, graph.plus(rest, divisor), rest)
        guard element.isFloat else { return graph.select(isZero, rest, moved) }
        // A zero has the divisor's sign too.
        let signedZero = graph.select(graph.compare(.less, divisor, zero), graph.number(-0.0, element), zero)
        return graph.select(isZero, signedZero, moved)
      }
    ]
  }
}
