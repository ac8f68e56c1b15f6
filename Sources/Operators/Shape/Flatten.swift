import Support
import TensorIR

/// Two dimensions: the axes before one, and the rest.
struct Flatten: Operator {
  let name = OperatorName("Flatten", versions: 1, 9, 11, 13, 21, 23, 24, 25)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let shape = b.shape(of: x)
    let given = try node.int("axis", default: 1)
    guard given >= -shape.count, given <= shape.count else {
      throw .invalid("axis \(given) is out of range for rank \(shape.count)")
    }
    let axis = given < 0 ? given + shape.count : given
    return [b.reshape(x, [Array(shape[..<axis]).product, Array(shape[axis...]).product])]
  }
}
