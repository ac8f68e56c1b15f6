import Support
import TensorIR

/// A scaled matrix product of factors that may be transposed, with an optional activation.
struct FusedMatMul: Operator {
  let name: OperatorName

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let lhs = try factor(try node.input(0), node, "A", &b)
    let rhs = try factor(try node.input(1), node, "B", &b)
    try b.requireSameType([lhs, rhs])
    // ONNX Runtime scales no integers.
    let alpha = b.type(of: lhs).element.isFloat ? try node.float("alpha", default: 1) : 1
    let activation = try FusedActivation(ofProduct: node)
    return [
      try b.matrixProduct(lhs, rhs, accumulator: b.type(of: lhs).element) {
        activation.apply(&$0, $0.affineNumber($1, alpha, 0))
      }
    ]
  }

  private func factor(_ value: ValueID, _ node: OperatorNode, _ letter: String, _ b: inout GraphBuilder)
    throws(ModelError) -> ValueID
  {
    let rank = b.shape(of: value).count
    var order = Array(0..<rank)
    // The batch axes move behind the rows before the last two axes swap.
    if try node.flag("transBatch\(letter)"), rank >= 3 { order.insert(order.remove(at: 0), at: rank - 2) }
    if try node.flag("trans\(letter)"), rank >= 2 { order.swapAt(rank - 2, rank - 1) }
    return b.transpose(value, order)
  }
}

/// A general matrix product with an activation.
struct FusedGemm: Operator {
  let name = OperatorName("FusedGemm", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let activation = try FusedActivation(ofProduct: node)
    return [try b.generalProduct(node) { activation.apply(&$0, $1) }]
  }
}

/// Matrix products of ONNX Runtime.
let fusedProducts: [any Operator] = [
  FusedGemm(),
  FusedMatMul(name: OperatorName("FusedMatMul", domain: "com.microsoft", versions: 1)),
  FusedMatMul(name: OperatorName("FusedMatMulActivation", domain: "com.microsoft", versions: 1)),
  FusedMatMul(name: OperatorName("SparseToDenseMatMul", domain: "com.microsoft", versions: 1)),
  FusedMatMul(name: OperatorName("TransposeMatMul", domain: "com.microsoft", versions: 1)),
]
