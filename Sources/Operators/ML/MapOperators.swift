import ONNXReader
import Support
import TensorIR

/// The values of a map in the order of a list of keys; 0 for keys that it does not have.
struct DictVectorizer: ContainerOperator {
  let name = OperatorName("DictVectorizer", domain: "ai.onnx.ml", versions: 1)

  func buildValues(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ImportedValue] {
    let (keys, values) = try node.map(0)
    let vocabulary: TensorData
    if let strings = try node.byteStrings("string_vocabulary"), !strings.isEmpty {
      vocabulary = TensorData(dims: [strings.count], strings: strings)
    } else if let integers = try node.ints("int64_vocabulary"), !integers.isEmpty {
      vocabulary = TensorData(.integers(integers))
    } else {
      throw .invalid("attribute 'string_vocabulary' or 'int64_vocabulary' is missing")
    }
    let column = try b.positions(of: keys, among: vocabulary, takesLast: true)
    switch values {
    case .strings(let strings):
      return [.strings(ImportedStrings(spans: b.row(strings.spans, column, width: Dim(vocabulary.count)), bytes: strings.bytes))]
    case .tensor(let numbers): return [.tensor(b.row(numbers, column, width: Dim(vocabulary.count)))]
    case .sequence, .optional, .map, .maps: throw .invalid("the values of the map are no tensors")
    }
  }
}

/// A map from integers as a row, with its values in order of the keys or in the columns that the keys are.
struct CastMap: ContainerOperator {
  let name = OperatorName("CastMap", domain: "ai.onnx.ml", versions: 1)

  func buildValues(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ImportedValue] {
    let (keys, values) = try node.map(0)
    let positions = try keys.tensor("the keys of the map")
    let form = try node.string("map_form", default: "DENSE")
    let width: Dim
    let column: ValueID
    switch form {
    case "DENSE":
      width = b.shape(of: positions)[0]
      // The column is the number of lesser keys.
      var body = ScalarGraph()
      let isLess = body.compare(.less, body.read(0, [body.axis(1)], type: .i64), body.read(0, [body.axis(0)], type: .i64))
      body.results = [body.cast(isLess, to: .i64)]
      column = b.reduce(.sum, shape: [width], reduced: [width], operands: [positions], body: body)[0]
    case "SPARSE":
      width = Dim(try node.int("max_map", default: 1))
      guard width.constant ?? 0 > 0 else { throw .invalid("attribute 'max_map' is \(width)") }
      column = positions
      try b.checkIndices(column, extents: [width], allowsNegative: false)
    default: throw .invalid("attribute 'map_form' is '\(form)'")
    }
    let target = try node.string("cast_to", default: "TO_FLOAT")
    let results = values.replacingTensors { b.row($0, column, width: width) }
    switch target {
    case "TO_FLOAT": return [try b.cast(results, to: .f32)]
    case "TO_INT64": return [try b.cast(results, to: .i64)]
    case "TO_STRING": return [try b.cast(results, to: .string)]
    default: throw .invalid("attribute 'cast_to' is '\(target)'")
    }
  }
}

extension OperatorNode {
  /// A required argument that is a map.
  fileprivate func map(_ position: Int) throws(ModelError) -> (keys: ImportedValue, values: ImportedValue) {
    if case .map(let keys, let values) = try value(position) { return (keys, values) }
    throw .invalid("argument \(position) is not a map")
  }
}

extension ImportedValue {
  /// The same with another value for the tensor, or for the spans of strings.
  fileprivate func replacingTensors(_ replacement: (ValueID) -> ValueID) -> ImportedValue {
    switch self {
    case .tensor(let value): .tensor(replacement(value))
    case .strings(let strings): .strings(ImportedStrings(spans: replacement(strings.spans), bytes: strings.bytes))
    case .sequence, .optional, .map, .maps: self
    }
  }
}

extension GraphBuilder {
  /// A matrix of one row with the elements of a vector in given columns and zeros elsewhere; column -1 is nowhere.
  fileprivate mutating func row(_ values: ValueID, _ columns: ValueID, width: Dim) -> ValueID {
    let type = type(of: values)
    var body = ScalarGraph()
    let element = body.axis(2)
    let isHere = body.compare(.equal, body.read(1, [element], type: .i64), body.axis(1))
    body.results = [body.select(isHere, body.read(0, [element], type: type.element), body.integer(0, type.element))]
    if type.element.isFloat {
      body.results = [body.select(isHere, body.read(0, [element], type: type.element), body.number(0, type.element))]
    }
    return reduce(.sum, shape: [1, width], reduced: [type.shape[0]], operands: [values, columns], body: body)[0]
  }
}
