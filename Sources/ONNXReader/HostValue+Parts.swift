import Support

extension HostValue {
  /// The tensors inside with their names: elements of sequences are numbered behind the name of the sequence.
  ///
  /// - Throws: `ModelError.unsupported` for maps to anything but scalars.
  public func parts(_ name: String) throws(ModelError) -> [(name: String, value: HostValue)] {
    switch self {
    case .tensor: return [(name, self)]
    case .sequence(let items):
      var parts: [(name: String, value: HostValue)] = []
      for (index, item) in items.enumerated() { parts += try item.parts("\(name).\(index)") }
      return parts
    case .optional(let value): return try value?.parts(name) ?? []
    case .map(let map):
      return try [("\(name).keys", .tensor(map.keys)), ("\(name).values", try map.tensor(of: name))]
    }
  }

  /// The lengths of sequences and presences of optional values inside, as `name.length` and `name.present`.
  public func sizes(_ name: String) -> [String: Int] {
    switch self {
    case .tensor, .map: return [:]
    case .sequence(let items):
      return items.enumerated().reduce(into: ["\(name).length": items.count]) { sizes, item in
        sizes.merge(item.element.sizes("\(name).\(item.offset)")) { first, _ in first }
      }
    case .optional(let value):
      return (value?.sizes(name) ?? [:]).merging(["\(name).present": value == nil ? 0 : 1]) { first, _ in first }
    }
  }

  /// The value called `name` of a declared type from the outputs that a compiled model gives for it.
  public init?(_ name: String, _ type: TypeDef?, from outputs: [String: HostValue]) {
    switch type {
    case .sequence(.map):
      guard case .tensor(let keys)? = HostValue("\(name).keys", nil, from: outputs), case .tensor(let values)? = outputs["\(name).values"],
        values.dims.count == 2, values.dims[1] == keys.dims.first
      else { return nil }
      self = .sequence((0..<values.dims[0]).map { .map(HostMap(keys: keys, values: values.elements(ofRow: $0))) })
    case .sequence(let element):
      guard let length = outputs["\(name).length"]?.number else { return nil }
      let items = (0..<max(0, length)).compactMap { HostValue("\(name).\($0)", element, from: outputs) }
      guard items.count == length else { return nil }
      self = .sequence(items)
    case .optional(let element):
      guard let isPresent = outputs["\(name).present"]?.number else { return nil }
      if isPresent == 0 {
        self = .optional(nil)
      } else {
        guard let value = HostValue(name, element, from: outputs) else { return nil }
        self = .optional(value)
      }
    case .tensor, .sparse, .map, .opaque, nil:
      guard let value = outputs[name] else { return nil }
      if case .tensor(let bytes)? = outputs["\(name).bytes"], case .tensor(let spans) = value {
        guard let strings = TensorData(spans: spans, bytes: bytes) else { return nil }
        self = .tensor(strings)
      } else {
        self = value
      }
    }
  }

  /// The only element of an integer or boolean tensor.
  private var number: Int? {
    guard case .tensor(let tensor) = self, let value = tensor.doubles()?.first else { return nil }
    return Int(value)
  }
}

extension HostMap {
  /// The values as a vector.
  fileprivate func tensor(of name: String) throws(ModelError) -> HostValue {
    var bytes: [UInt8] = []
    var strings: [[UInt8]] = []
    for value in values {
      guard case .tensor(let scalar) = value, scalar.count == 1 else {
        throw .unsupported("'\(name)' is a map to values that are no scalars")
      }
      bytes += scalar.bytes.array
      strings += scalar.strings
    }
    guard case .tensor(let first)? = values.first else {
      return .tensor(TensorData(element: .f32, dims: [0], bytes: Bytes()))
    }
    if first.element == .string { return .tensor(TensorData(dims: [strings.count], strings: strings)) }
    guard bytes.count == values.count * first.element.bytes else {
      throw .invalid("'\(name)' is a map to values of several types")
    }
    return .tensor(TensorData(element: first.element, dims: [values.count], bytes: Bytes(bytes)))
  }
}

extension TensorData {
  /// The elements of a row of a matrix as scalars.
  fileprivate func elements(ofRow row: Int) -> [HostValue] {
    let (count, size) = (dims[1], element.bytes)
    return (row * count..<(row + 1) * count).map { index in
      let scalar = (index * size..<(index + 1) * size).map { bytes[$0] }
      return .tensor(TensorData(element: element, dims: [], bytes: Bytes(scalar)))
    }
  }
}
