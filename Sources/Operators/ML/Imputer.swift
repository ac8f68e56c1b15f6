import Support
import TensorIR

/// Numbers in place of missing ones, one for all columns or one per column.
struct Imputer: Operator {
  let name = OperatorName("Imputer", domain: "ai.onnx.ml", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let element = b.type(of: x).element
    let substitutes: ValueID
    let missing: Double
    if element.isFloat {
      guard let values = try node.floats("imputed_value_floats"), !values.isEmpty else {
        throw .invalid("attribute 'imputed_value_floats' is missing")
      }
      substitutes = b.constant(ConstantTensor(element, dims: [values.count], doubles: values))
      missing = try node.float("replaced_value_float", default: 0)
    } else {
      guard let values = try node.ints("imputed_value_int64s"), !values.isEmpty else {
        throw .invalid("attribute 'imputed_value_int64s' is missing")
      }
      substitutes = b.constant(ConstantTensor(element, dims: [values.count], integers: values))
      missing = Double(try node.int("replaced_value_int64", default: 0))
    }
    return [
      try b.elementwise([x, substitutes]) { graph, values in
        let isMissing = missing.isNaN
          ? graph.compare(.notEqual, values[0], values[0])
          : graph.compare(.equal, values[0], graph.number(missing, element))
        return graph.select(isMissing, values[1], values[0])
      }
    ]
  }
}
