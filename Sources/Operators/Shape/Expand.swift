import Support
import TensorIR

/// A tensor broadcast with a shape.
struct Expand: Operator {
  let name = OperatorName("Expand", versions: 8, 13)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let shape = try b.extents(try node.input(1), "the shape", as: "expand")
    return [try b.broadcast(try node.input(0), to: shape)]
  }
}
