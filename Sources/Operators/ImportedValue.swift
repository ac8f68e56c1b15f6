import ONNXReader
import Support
import TensorIR

/// What a name of a model stands for while it is translated. Containers exist only then: their elements are values of their own.
public indirect enum ImportedValue: Hashable, Sendable {
  case tensor(ValueID)
  case strings(ImportedStrings)
  case sequence(ImportedSequence)
  case optional(ImportedOptional)
  /// A map: a vector of keys, and a vector of as many values.
  case map(keys: ImportedValue, values: ImportedValue)
  /// A sequence of maps that share their keys: a vector of keys, and a row of values for each map.
  case maps(keys: ImportedValue, values: ValueID)
}

/// The elements of a sequence.
public struct ImportedSequence: Hashable, Sendable {
  /// The elements, or where only a call knows how many there are, as many as there may be; those beyond the end are empty.
  public var items: [ImportedValue]
  /// The length as an `i64` scalar, where only a call knows it.
  public var length: ValueID?

  init(_ items: [ImportedValue], length: ValueID? = nil) {
    self.items = items
    self.length = length
  }
}

/// A value that may be there.
public struct ImportedOptional: Hashable, Sendable {
  /// Nil if it is certainly not there.
  public var value: ImportedValue?
  /// Whether it is there as a `bool` scalar, where only a call knows.
  public var isPresent: ValueID?

  init(_ value: ImportedValue?, isPresent: ValueID? = nil) {
    self.value = value
    self.isPresent = isPresent
  }
}

extension ImportedValue {
  /// The tensor that this is.
  ///
  /// - Throws: `ModelError.invalid` for a container.
  func tensor(_ what: String) throws(ModelError) -> ValueID {
    switch self {
    case .tensor(let value): return value
    case .strings: throw .unsupported("\(what) is a tensor of strings", hint: "pass numbers")
    case .map: throw .invalid("\(what) is a map, not a tensor")
    case .sequence: throw .invalid("\(what) is a sequence, not a tensor")
    case .optional: throw .invalid("\(what) is an optional value, not a tensor")
    case .maps: throw .invalid("\(what) is a sequence of maps, not a tensor")
    }
  }

  /// All values inside: elements, and lengths and presences that only a call knows.
  var values: [ValueID] {
    switch self {
    case .tensor(let value): [value]
    case .strings(let strings): [strings.spans, strings.bytes]
    case .sequence(let sequence): sequence.items.flatMap(\.values) + (sequence.length.map { [$0] } ?? [])
    case .optional(let optional): (optional.value?.values ?? []) + (optional.isPresent.map { [$0] } ?? [])
    case .map(let keys, let values): keys.values + values.values
    case .maps(let keys, let values): keys.values + [values]
    }
  }

  /// The same structure of other values, taken in the order of `values`.
  func replacing(_ values: inout ArraySlice<ValueID>) -> ImportedValue {
    switch self {
    case .tensor: return .tensor(values.removeFirst())
    case .strings: return .strings(ImportedStrings(spans: values.removeFirst(), bytes: values.removeFirst()))
    case .sequence(let sequence):
      let items = sequence.items.map { $0.replacing(&values) }
      return .sequence(ImportedSequence(items, length: sequence.length == nil ? nil : values.removeFirst()))
    case .optional(let optional):
      let value = optional.value.map { $0.replacing(&values) }
      return .optional(ImportedOptional(value, isPresent: optional.isPresent == nil ? nil : values.removeFirst()))
    case .map(let keys, let own): return .map(keys: keys.replacing(&values), values: own.replacing(&values))
    case .maps(let keys, _): return .maps(keys: keys.replacing(&values), values: values.removeFirst())
    }
  }

  /// The structure without the values.
  var form: String {
    switch self {
    case .tensor: "tensor"
    case .strings: "strings"
    case .sequence(let sequence): "sequence(\(sequence.items.map(\.form).joined(separator: ", "))\(sequence.length == nil ? "" : "…"))"
    case .optional(let optional): "optional(\(optional.value?.form ?? "")\(optional.isPresent == nil ? "" : "?"))"
    case .map(let keys, let values): "map(\(keys.form), \(values.form))"
    case .maps(let keys, _): "maps(\(keys.form))"
    }
  }
}

/// The interface of containers: every element is an input or output of its own, called after the container.
extension ImportedValue {
  /// The inputs that a declaration stands for. Lengths and presences are given as `name.length` and `name.present` in `dims`.
  init(
    input info: ValueInfo, dims: [String: Int], given: [String: ValueInfo], _ used: inout [ValueInfo],
    _ b: inout GraphBuilder
  ) throws(ModelError) {
    func inner(_ name: String, _ type: TypeDef) throws(ModelError) -> ImportedValue {
      try ImportedValue(
        input: ValueInfo(name: name, type: type, doc: info.doc), dims: dims, given: given, &used, &b)
    }
    switch info.type {
    case .sequence(let element):
      guard let length = dims["\(info.name).length"] else {
        throw .unsupported(
          "the length of the sequence '\(info.name)' is open", hint: "bind it with --dim \(info.name).length=N")
      }
      guard (0...1024).contains(length) else { throw .invalid("the sequence '\(info.name)' has length \(length)") }
      var items: [ImportedValue] = []
      for index in 0..<length { items.append(try inner("\(info.name).\(index)", element)) }
      self = .sequence(ImportedSequence(items))
    case .optional(let element):
      guard let isPresent = dims["\(info.name).present"] else {
        throw .unsupported(
          "whether the optional value '\(info.name)' is there is open", hint: "bind it with --dim \(info.name).present=1 or 0")
      }
      self = .optional(ImportedOptional(isPresent == 0 ? nil : try inner(info.name, element)))
    case .map(let key, let value):
      let count = DimDef.param("\(info.name).count")
      guard case .tensor(let element, _) = value else {
        throw .unsupported("input '\(info.name)' is a map to values that are no tensors")
      }
      self = .map(
        keys: try inner("\(info.name).keys", .tensor(key, [count])),
        values: try inner("\(info.name).values", .tensor(element, [count])))
    case .tensor, .sparse, .opaque, nil:
      let info = (given[info.name] ?? info).dense
      let type = try Importer.tensorType(info, dims)
      guard type.hasValidSize else { throw .invalid("input '\(info.name)' has type \(type), which no memory holds") }
      used.append(info)
      if type.element == .string {
        used[used.count - 1] = info.documentingSpans
        let bytes = ValueInfo(
          name: "\(info.name).bytes", type: .tensor(.u8, [.param("\(info.name).size")]), doc: "the text of '\(info.name)'")
        let size = try Importer.tensorType(bytes, dims).shape[0]
        used.append(bytes)
        self = .strings(b.stringInput(type.shape, name: info.name, size: size))
      } else {
        self = .tensor(b.input(type, name: info.name))
      }
    }
  }

  /// The outputs that a value stands for: tensors, `name.length` as `i64` for sequences, and `name.present` as `bool` for optional values,
  /// `name.keys` and `name.values` for maps, and `name.bytes` for the bytes of strings.
  func outputs(_ info: ValueInfo, _ b: inout GraphBuilder) -> [(info: ValueInfo, value: ValueID)] {
    func inner(_ name: String) -> ValueInfo { ValueInfo(name: name, type: nil, doc: info.doc) }
    switch self {
    case .tensor(let value): return [(info, value)]
    case .strings(let strings):
      let bytes = ValueInfo(name: "\(info.name).bytes", type: nil, doc: "the text of '\(info.name)'")
      return [(info.documentingSpans, strings.spans), (bytes, strings.bytes)]
    case .sequence(let sequence):
      let length = sequence.length ?? b.constant(ConstantTensor(.i64, dims: [], integers: [sequence.items.count]))
      var outputs = [(info: inner("\(info.name).length"), value: length)]
      for (index, item) in sequence.items.enumerated() { outputs += item.outputs(inner("\(info.name).\(index)"), &b) }
      return outputs
    case .optional(let optional):
      let isPresent = optional.isPresent
        ?? b.constant(ConstantTensor(.bool, dims: [], integers: [optional.value == nil ? 0 : 1]))
      return [(inner("\(info.name).present"), isPresent)] + (optional.value?.outputs(info, &b) ?? [])
    case .map(let keys, let values):
      return keys.outputs(inner("\(info.name).keys"), &b) + values.outputs(inner("\(info.name).values"), &b)
    case .maps(let keys, let values):
      return keys.outputs(inner("\(info.name).keys"), &b) + [(inner("\(info.name).values"), values)]
    }
  }
}

extension ValueInfo {
  /// The declaration of a sparse tensor as one with all elements.
  fileprivate var dense: ValueInfo {
    guard case .sparse(let element, let shape)? = type else { return self }
    let word = "sparse in the model, passed with all elements"
    return ValueInfo(name: name, type: .tensor(element, shape), doc: doc + (doc.isEmpty ? "" : "; ") + word)
  }

  /// The declaration of a tensor of strings with a word about its elements.
  fileprivate var documentingSpans: ValueInfo {
    var info = self
    info.doc += (doc.isEmpty ? "" : "; ") + "strings, each as start << 32 | count of its bytes in '\(name).bytes'"
    return info
  }
}
