import Support
import TensorIR

/// The extents of a tensor, or of a range of its axes.
struct ShapeOperator: Operator {
  let name = OperatorName("Shape", versions: 1, 13, 15, 19, 21, 23, 24, 25)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let shape = b.shape(of: try node.input(0))
    func bound(_ value: Int) -> Int { min(max(value < 0 ? value + shape.count : value, 0), shape.count) }
    let start = bound(try node.int("start", default: 0))
    let end = bound(try node.int("end", default: shape.count))
    return [b.integers(start < end ? Array(shape[start..<end]) : [])]
  }
}

/// The number of elements of a tensor.
struct SizeOperator: Operator {
  let name = OperatorName("Size", versions: 1, 13, 19, 21, 23, 24, 25)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    [b.reshape(b.integers([b.shape(of: try node.input(0)).product]), [])]
  }
}
