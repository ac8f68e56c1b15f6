import Support
import TensorIR

/// The greatest or least elements along an axis with their positions.
struct TopK: Operator {
  let name = OperatorName("TopK", versions: 1, 10, 11, 24)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let shape = b.shape(of: x)
    let axis = try normalizedAxis(try node.int("axis", default: -1), rank: shape.count)
    let count: Dim
    if node.version < 10 {
      guard let k = try node.int("k") else { throw .invalid("attribute 'k' is missing") }
      count = Dim(k)
    } else {
      count = try b.scalarExtent(try node.input(1), "k", as: "k")
    }
    try b.requireAtMost(0, count, "k is negative")
    try b.requireAtMost(count, shape[axis], "k is larger than dimension \(axis)")
    let isDescending = try node.flag("largest", default: true)
    return b.add(.sort(Sort(axis: axis, descending: isDescending, limit: count)), [x])
  }
}
