import Support
import TensorIR

/// A tensor of a given shape with one value everywhere, 0 by default.
struct ConstantOfShape: Operator {
  let name = OperatorName("ConstantOfShape", versions: 9, 20, 21, 23, 24, 25)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let shape = try b.extents(try node.input(0), "the shape", as: "extent")
    guard shape.allSatisfy({ $0.constant ?? 0 >= 0 }) else {
      throw .invalid("the shape \(shape) has a negative extent")
    }
    var value = b.scalar(0, .f32)
    if let tensor = try node.tensor("value") {
      guard tensor.element != .string else { throw .unsupported("string constants are not supported") }
      guard tensor.dims.reduce(1, *) == 1 else { throw .invalid("attribute 'value' must have one element") }
      value = b.constant(ConstantTensor(tensor).reshaped([]))
    }
    return [try b.broadcast(value, to: shape)]
  }
}

extension GraphBuilder {
  /// The value repeated along axes of extent 1 and new leading axes.
  mutating func broadcast(_ value: ValueID, to shape: [Dim]) throws(ModelError) -> ValueID {
    repeated(value, in: try broadcast([self.shape(of: value), shape]))
  }

  /// The value repeated in what its shape and others broadcast to, of which nothing is measured again.
  mutating func repeated(_ value: ValueID, in shape: [Dim]) -> ValueID {
    if shape == self.shape(of: value) { return value }
    var body = ScalarGraph()
    body.results = [literal(value, in: &body) ?? body.broadcastRead(0, type(of: value), in: shape)]
    return map(shape, body, [value])
  }
}
