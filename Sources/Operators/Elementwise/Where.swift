import Support
import TensorIR

/// Elements of one tensor where a condition holds, of another elsewhere.
struct Where: Operator {
  let name = OperatorName("Where", versions: 9, 16)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let operands = [try node.input(0), try node.input(1), try node.input(2)]
    try b.require(operands[0], "the condition", isOneOf: .bool)
    try b.requireSameType(Array(operands.dropFirst()))
    return [try b.elementwise(operands) { $0.select($1[0], $1[1], $1[2]) }]
  }
}
