import Support
import TensorIR

/// Unsigned integers shifted by numbers of bits.
struct BitShift: Operator {
  let name = OperatorName("BitShift", versions: 11)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let operands = [try node.input(0), try node.input(1)]
    try b.requireSameType(operands)
    guard b.type(of: operands[0]).element.isUnsignedInteger else { throw .invalid("the arguments must be unsigned integers") }
    let direction = try node.string("direction", default: "")
    guard direction == "LEFT" || direction == "RIGHT" else { throw .invalid("attribute 'direction' is '\(direction)'") }
    let op: ScalarBinary = direction == "LEFT" ? .shiftLeft : .shiftRight
    return [
      try b.elementwise(operands) { graph, values in
        // A shift by the width or more leaves nothing.
        let element = graph.type(of: values[0])
        let width = graph.integer(element.bits, element)
        let inRange = graph.compare(.less, values[1], width)
        let amount = graph.select(inRange, values[1], graph.integer(0, element))
        return graph.select(inRange, graph.binary(op, values[0], amount), graph.integer(0, element))
      }
    ]
  }
}
