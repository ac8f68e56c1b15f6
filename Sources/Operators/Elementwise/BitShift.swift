import Support
import TensorIR

/// Integers shifted by numbers of bits; a negative number, or one not below the width, shifts everything out.
struct BitShift: Operator {
  let name = OperatorName("BitShift", versions: 11, 28)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let operands = [try node.input(0), try node.input(1)]
    try b.requireSameType(operands)
    guard b.type(of: operands[0]).element.isInteger else { throw .invalid("the arguments must be integers") }
    let direction = try node.string("direction", default: "")
    guard direction == "LEFT" || direction == "RIGHT" else { throw .invalid("attribute 'direction' is '\(direction)'") }
    return [
      try b.elementwise(operands) { graph, values in
        let element = graph.type(of: values[0])
        let zero = graph.integer(0, element)
        var inRange = graph.compare(.less, values[1], graph.integer(element.bits, element))
        if element.isSignedInteger {
          inRange = graph.binary(.and, inRange, graph.compare(.greaterOrEqual, values[1], zero))
        }
        let amount = graph.select(inRange, values[1], zero)
        if direction == "LEFT" {
          return graph.select(inRange, graph.binary(.shiftLeft, values[0], amount), zero)
        }
        var gone = zero
        if element.isSignedInteger {
          gone = graph.select(graph.compare(.less, values[0], zero), graph.integer(-1, element), zero)
        }
        return graph.select(inRange, graph.binary(.shiftRight, values[0], amount), gone)
      }
    ]
  }
}
