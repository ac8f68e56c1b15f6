import ONNXReader
import Support
import TensorIR

/// A literal from one of the value attributes.
struct Constant: ContainerOperator {
  let name = OperatorName("Constant", versions: 1, 9, 11, 12, 13, 19, 21, 23, 24, 25)

  func buildValues(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ImportedValue] {
    if let tensor = try node.tensor("value") { return [b.literal(tensor)] }
    if case .string(let bytes)? = node.definition.attributes["value_string"] {
      return [b.literal(TensorData(dims: [], strings: [Array(bytes)]))]
    }
    if let strings = try node.byteStrings("value_strings") { return [.strings(b.strings(strings))] }
    return [.tensor(try number(node, in: &b))]
  }

  private func number(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> ValueID {
    if let value = try node.float("value_float") { return b.scalar(value, .f32) }
    if let value = try node.int("value_int") { return b.constant(ConstantTensor(.i64, dims: [], integers: [value])) }
    if let values = try node.floats("value_floats") {
      return b.constant(ConstantTensor(.f32, dims: [values.count], doubles: values))
    }
    if let values = try node.ints("value_ints") { return b.constant(.integers(values)) }
    if case .sparse(let sparse)? = node.definition.attributes["sparse_value"] {
      guard let dense = sparse.dense() else { throw .invalid("attribute 'sparse_value' has indices out of range") }
      return b.constant(ConstantTensor(dense))
    }
    throw .invalid("there is no value attribute")
  }
}
