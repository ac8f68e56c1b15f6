import ONNXReader
import Support
import TensorIR

/// Numbers or strings looked up by numbers or strings.
struct LabelEncoder: ContainerOperator {
  let name = OperatorName("LabelEncoder", domain: "ai.onnx.ml", versions: 1, 2, 4)

  func buildValues(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ImportedValue] {
    if node.version == 1 { return [try b.byClass(node)] }
    let keys = try table(node, "keys")
    let values = try table(node, "values")
    guard keys.count == values.count else { throw .invalid("there are \(keys.count) keys, but \(values.count) values") }
    // Of equal keys the last one counts, which version 2 leaves open: there it is the first, as in ONNX Runtime.
    let position = try b.positions(of: try node.value(0), among: keys, takesLast: node.version >= 4)
    return [try b.elements(of: values, at: position, otherwise: try fallback(node, values.element))]
  }

  private func table(_ node: OperatorNode, _ name: String) throws(ModelError) -> TensorData {
    if let strings = try node.byteStrings("\(name)_strings"), !strings.isEmpty {
      return TensorData(dims: [strings.count], strings: strings)
    }
    if let integers = try node.ints("\(name)_int64s"), !integers.isEmpty { return TensorData(.integers(integers)) }
    if let floats = try node.floats("\(name)_floats"), !floats.isEmpty {
      return TensorData(ConstantTensor(.f32, dims: [floats.count], doubles: floats))
    }
    guard var tensor = try node.tensor("\(name)_tensor"), tensor.count > 0 else {
      throw .invalid("there are no \(name): attributes '\(name)_tensor', '\(name)_strings' and so on are missing")
    }
    tensor.dims = [tensor.count]
    return tensor
  }

  private func fallback(_ node: OperatorNode, _ element: ElementType) throws(ModelError) -> TensorData {
    if var tensor = try node.tensor("default_tensor") {
      guard tensor.element == element, tensor.count == 1 else { throw .invalid("attribute 'default_tensor' is no \(element)") }
      tensor.dims = [1]
      return tensor
    }
    if element == .string {
      return TensorData(dims: [1], strings: [Array(try node.string("default_string", default: "_Unused").utf8)])
    }
    if element.isFloat {
      return TensorData(ConstantTensor(element, dims: [1], doubles: [try node.float("default_float", default: -0.0)]))
    }
    return TensorData(ConstantTensor(element, dims: [1], integers: [try node.int("default_int64", default: -1)]))
  }
}

/// Strings as integers or integers as strings, by lists of both.
struct CategoryMapper: ContainerOperator {
  let name = OperatorName("CategoryMapper", domain: "ai.onnx.ml", versions: 1)

  func buildValues(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ImportedValue] {
    guard let strings = try node.byteStrings("cats_strings"), let integers = try node.ints("cats_int64s"),
      strings.count == integers.count
    else { throw .invalid("attributes 'cats_strings' and 'cats_int64s' must be lists of one length") }
    let (names, numbers) = (TensorData(dims: [strings.count], strings: strings), TensorData(.integers(integers)))
    if case .strings = try node.value(0) {
      let otherwise = TensorData(.integers([try node.int("default_int64", default: -1)]))
      let position = try b.positions(of: try node.value(0), among: names, takesLast: true)
      return [try b.elements(of: numbers, at: position, otherwise: otherwise)]
    }
    let otherwise = TensorData(dims: [1], strings: [Array(try node.string("default_string", default: "_Unused").utf8)])
    let position = try b.positions(of: try node.value(0), among: numbers, takesLast: true)
    return [try b.elements(of: names, at: position, otherwise: otherwise)]
  }
}

extension TensorData {
  /// A constant of numbers.
  init(_ constant: ConstantTensor) {
    self.init(element: constant.type.element, dims: constant.dims, bytes: constant.bytes)
  }
}

extension GraphBuilder {
  /// Version 1: the position of a string among the classes, or the class at a position.
  fileprivate mutating func byClass(_ node: OperatorNode) throws(ModelError) -> ImportedValue {
    guard let classes = try node.byteStrings("classes_strings"), !classes.isEmpty else {
      throw .invalid("attribute 'classes_strings' is missing")
    }
    if case .strings(let strings) = try node.value(0) {
      let position = try positions(of: strings, among: classes, takesLast: true)
      let fallback = try node.int("default_int64", default: -1)
      return .tensor(
        try elementwise([position]) { graph, values in
          graph.select(graph.compare(.less, values[0], graph.integer(0)), graph.integer(fallback), values[0])
        })
    }
    let number = try cast(try node.input(0), to: .i64)
    let position = try elementwise([number]) { graph, values in
      let isInside = graph.all([
        graph.compare(.greaterOrEqual, values[0], graph.integer(0)),
        graph.compare(.less, values[0], graph.integer(classes.count)),
      ])
      return graph.select(isInside, values[0], graph.integer(-1))
    }
    let fallback = Array(try node.string("default_string", default: "_Unused").utf8)
    return try elements(
      of: TensorData(dims: [classes.count], strings: classes), at: position,
      otherwise: TensorData(dims: [1], strings: [fallback]))
  }

  /// The positions of numbers or strings among keys of their type as `i64`, -1 for those that are not among them.
  mutating func positions(of x: ImportedValue, among keys: TensorData, takesLast: Bool) throws(ModelError) -> ValueID {
    if case .strings(let strings) = x {
      guard keys.element == .string else { throw .invalid("the data are strings, but the keys are \(keys.element.rawValue)") }
      return try positions(of: strings, among: keys.strings, takesLast: takesLast)
    }
    let x = try x.tensor("the data")
    let type = type(of: x)
    guard type.element == keys.element else {
      throw .invalid("the data is \(type.element.rawValue), but the keys are \(keys.element.rawValue)")
    }
    var body = ScalarGraph()
    let value = body.read(0, type.shape.indices.map { body.axis($0) }, type: type.element)
    let key = body.read(1, [body.axis(type.rank)], type: type.element)
    var isEqual = body.compare(.equal, value, key)
    if type.element.isFloat {
      let areNaN = [body.compare(.notEqual, value, value), body.compare(.notEqual, key, key)]
      isEqual = body.binary(.or, isEqual, body.all(areNaN))
    }
    body.results = [body.select(isEqual, body.axis(type.rank), body.integer(takesLast ? -1 : keys.count))]
    let found = reduce(
      takesLast ? .max : .min, shape: type.shape, reduced: [Dim(keys.count)], operands: [x, constant(ConstantTensor(keys))],
      body: body)[0]
    return try elementwise([found]) { graph, values in
      graph.select(graph.compare(.equal, values[0], graph.integer(keys.count)), graph.integer(-1), values[0])
    }
  }

  /// The numbers or strings of a table at positions, and another one where the position is -1.
  mutating func elements(of table: TensorData, at positions: ValueID, otherwise: TensorData) throws(ModelError) -> ImportedValue {
    let place = try elementwise([positions]) { graph, values in
      graph.select(graph.compare(.less, values[0], graph.integer(0)), graph.integer(table.count), values[0])
    }
    if table.element == .string { return .strings(strings(table.strings + otherwise.strings, at: place)) }
    let numbers = ConstantTensor(
      table.element, dims: [table.count + 1], bytes: table.bytes.array + otherwise.bytes.array)
    return .tensor(gathered(numbers, place))
  }
}
