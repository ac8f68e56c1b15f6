import Support
import TensorIR

/// The same elements under another shape; 0 copies a dimension and one -1 is inferred.
struct Reshape: Operator {
  let name = OperatorName("Reshape", versions: 1, 5, 13, 14, 19, 21, 23, 24, 25)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let source = b.shape(of: x)
    var shape: [Dim]
    if node.version < 5 {
      shape = try (node.ints("shape") ?? []).map { Dim($0) }
    } else {
      shape = try b.requireIntegers(try node.input(1), "the shape")
    }
    if try !node.flag("allowzero") {
      for axis in shape.indices where shape[axis] == 0 {
        guard axis < source.count else {
          throw .invalid("dimension \(axis) of the shape is 0, but the data has rank \(source.count)")
        }
        shape[axis] = source[axis]
      }
    }
    let unknown = shape.indices.filter { shape[$0] == -1 }
    guard unknown.count <= 1 else { throw .invalid("the shape \(shape) has more than one -1") }
    if let axis = unknown.first {
      shape[axis] = 1
      let rest = shape.product
      guard rest != 0 else { throw .invalid("the shape has a -1 beside a 0") }
      guard source.product.remainder(by: rest).constant ?? 0 == 0 else {
        throw .invalid("\(source.product) elements do not divide into \(rest)")
      }
      shape[axis] = source.product.floorDivided(by: rest)
    }
    guard (source.product - shape.product).constant ?? 0 == 0, shape.allSatisfy({ $0.constant ?? 0 >= 0 }) else {
      throw .invalid("shape \(source) does not reshape to \(shape)")
    }
    return [b.reshape(x, shape)]
  }
}
