import Support
import TensorIR

/// The axes in another order, reversed by default.
struct Transpose: Operator {
  let name = OperatorName("Transpose", versions: 1, 13, 21, 23, 24, 25)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let rank = b.shape(of: x).count
    let order = try node.ints("perm") ?? Array((0..<rank).reversed())
    guard order.sorted() == Array(0..<rank) else { throw .invalid("perm \(order) does not order \(rank) axes") }
    return [b.transpose(x, order)]
  }
}
