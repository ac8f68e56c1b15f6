import TensorIR

extension Graph {
  /// Appends a node with one result and gives that.
  mutating func add(_ primitive: Primitive, _ operands: [ValueID], origin: String) -> ValueID {
    values.append(Value(type: primitive.resultTypes(operands.map { type(of: $0) })[0]))
    let value = ValueID(values.count - 1)
    nodes.append(Node(primitive, operands: operands, results: [value], origin: origin))
    return value
  }
}
