import Support
import TensorIR

/// The softmax over all axes from one on, after a bias is added.
struct BiasSoftmax: Operator {
  let name = OperatorName("BiasSoftmax", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let operands = [try node.input(0), try node.input(1)]
    try b.requireFloat(operands[0])
    try b.requireSameType(operands)
    let sum = try b.elementwise(operands) { $0.plus($1[0], $1[1]) }
    let rank = b.shape(of: sum).count
    let axis = try normalizedAxis(try node.int("axis", default: 1), rank: max(rank, 1))
    return [try b.softmax(sum, Array(axis..<max(rank, axis)))]
  }
}
