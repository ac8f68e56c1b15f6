import ONNXReader
import Support
import TensorIR

/// Numbers looked up by numbers.
struct LabelEncoder: Operator {
  let name = OperatorName("LabelEncoder", domain: "ai.onnx.ml", versions: 2, 4)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let keys = try table(node, "keys")
    let values = try table(node, "values")
    guard keys.count == values.count else { throw .invalid("there are \(keys.count) keys, but \(values.count) values") }
    let type = b.type(of: x)
    guard type.element == keys.type.element else {
      throw .invalid("the data is \(type.element.rawValue), but the keys are \(keys.type.element.rawValue)")
    }
    let fallback = try fallback(node, values.type.element)
    let shape = type.shape
    var body = ScalarGraph()
    let value = body.read(0, shape.indices.map { body.axis($0) }, type: type.element)
    let key = body.read(1, [body.axis(type.rank)], type: type.element)
    var isEqual = body.compare(.equal, value, key)
    if type.element.isFloat {
      let areNaN = [body.compare(.notEqual, value, value), body.compare(.notEqual, key, key)]
      isEqual = body.binary(.or, isEqual, body.all(areNaN))
    }
    // Of equal keys the last one counts, which version 2 leaves open: there it is the first, as in ONNX Runtime.
    let takesLast = node.version >= 4
    body.results = [body.select(isEqual, body.axis(type.rank), body.integer(takesLast ? -1 : keys.count))]
    let position = b.reduce(
      takesLast ? .max : .min, shape: shape, reduced: [Dim(keys.count)], operands: [x, b.constant(keys)], body: body)[0]
    var lookup = ScalarGraph()
    let index = lookup.read(0, shape.indices.map { lookup.axis($0) }, type: .i64)
    let found = lookup.read(1, [lookup.clamped(index, extent: Dim(keys.count))], type: values.type.element)
    let isKnown = lookup.compare(.notEqual, index, lookup.integer(takesLast ? -1 : keys.count))
    let otherwise = lookup.read(2, [lookup.integer(0)], type: values.type.element)
    lookup.results = [lookup.select(isKnown, found, otherwise)]
    return [b.map(shape, lookup, [position, b.constant(values), b.constant(fallback)])]
  }

  private func table(_ node: OperatorNode, _ name: String) throws(ModelError) -> ConstantTensor {
    if node.has("\(name)_strings") { throw .unsupported("\(name) are strings", hint: "encode numbers") }
    if let integers = try node.ints("\(name)_int64s"), !integers.isEmpty { return .integers(integers) }
    if let floats = try node.floats("\(name)_floats"), !floats.isEmpty {
      return ConstantTensor(.f32, dims: [floats.count], doubles: floats)
    }
    guard let tensor = try node.tensor("\(name)_tensor"), tensor.count > 0 else {
      throw .invalid("attribute '\(name)_int64s' or '\(name)_floats' is missing")
    }
    guard tensor.element != .string else { throw .unsupported("\(name) are strings", hint: "encode numbers") }
    return ConstantTensor(tensor).reshaped([tensor.count])
  }

  private func fallback(_ node: OperatorNode, _ element: ElementType) throws(ModelError) -> ConstantTensor {
    if let tensor = try node.tensor("default_tensor") {
      guard tensor.element == element, tensor.count == 1 else { throw .invalid("attribute 'default_tensor' is no \(element)") }
      return ConstantTensor(tensor).reshaped([1])
    }
    if element.isFloat {
      return ConstantTensor(element, dims: [1], doubles: [try node.float("default_float", default: -0.0)])
    }
    return ConstantTensor(element, dims: [1], integers: [try node.int("default_int64", default: -1)])
  }
}
