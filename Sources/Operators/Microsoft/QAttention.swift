import Support
import TensorIR

/// Attention of one sequence to itself with a quantized projection to query, key and value.
struct QAttention: Operator {
  let name = OperatorName("QAttention", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let product = QuantizedProduct(
      lhs: try node.input(0), rhs: try node.input(1), lhsScale: try node.input(3), rhsScale: try node.input(4),
      lhsZeroPoint: node.optionalInput(6), rhsZeroPoint: node.optionalInput(7))
    return try SelfAttention(
      projected: try product.build(&b), bias: try node.input(2), mask: node.optionalInput(5),
      past: node.optionalInput(8), pastLength: node.optionalInput(9)
    ).build(node, in: &b)
  }
}
