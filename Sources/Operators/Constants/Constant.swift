import ONNXReader
import Support
import TensorIR

/// A literal from one of the value attributes.
struct Constant: Operator {
  let name = OperatorName("Constant", versions: 1, 9, 11, 12, 13, 19, 21, 23, 24, 25)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    if let tensor = try node.tensor("value") {
      guard tensor.element != .string else { throw .unsupported("string constants are not supported") }
      return [b.constant(ConstantTensor(tensor))]
    }
    if let value = try node.float("value_float") { return [b.scalar(value, .f32)] }
    if let value = try node.int("value_int") { return [b.constant(ConstantTensor(.i64, dims: [], integers: [value]))] }
    if let values = try node.floats("value_floats") {
      return [b.constant(ConstantTensor(.f32, dims: [values.count], doubles: values))]
    }
    if let values = try node.ints("value_ints") { return [b.constant(.integers(values))] }
    if case .sparse(let sparse)? = node.definition.attributes["sparse_value"] {
      guard let dense = sparse.dense() else { throw .invalid("attribute 'sparse_value' has indices out of range") }
      return [b.constant(ConstantTensor(dense))]
    }
    guard !node.has("value_string"), !node.has("value_strings") else {
      throw .unsupported("string constants are not supported")
    }
    throw .invalid("there is no value attribute")
  }
}
