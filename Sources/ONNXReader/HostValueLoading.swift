import CONNXProto
import Support

extension HostValue {
  /// Reads a serialized value of the declared type from the file at `path`, with the name stored in it.
  public static func load(path: String, type: TypeDef) throws(ModelError) -> (name: String, value: HostValue) {
    let bytes: Bytes
    do { bytes = try InputFile.bytes(path: path) } catch { throw .invalid(error.description) }
    do { return try decode(bytes, type: type, path: path) } catch { throw error.prefixed(path) }
  }

  /// Decodes a serialized value of the declared type; external data are found beside `path`.
  public static func decode(
    _ bytes: Bytes, type: TypeDef, path: String = "-"
  ) throws(ModelError) -> (name: String, value: HostValue) {
    var decoder = HostValueDecoder(tensors: TensorDecoder(files: ExternalFiles(modelPath: path)))
    switch type {
    case .tensor:
      let message = try unpacked(bytes, onnx__tensor_proto__descriptor, onnx__tensor_proto__unpack)
      defer { onnx__tensor_proto__free_unpacked(message, nil) }
      return (text(message.pointee.name), .tensor(try decoder.tensors.tensor(message, culprit: "tensor")))
    case .sparse:
      let message = try unpacked(bytes, onnx__sparse_tensor_proto__descriptor, onnx__sparse_tensor_proto__unpack)
      defer { onnx__sparse_tensor_proto__free_unpacked(message, nil) }
      return (text(message.pointee.values?.pointee.name), try decoder.sparse(message))
    case .sequence:
      let message = try unpacked(bytes, onnx__sequence_proto__descriptor, onnx__sequence_proto__unpack)
      defer { onnx__sequence_proto__free_unpacked(message, nil) }
      return (text(message.pointee.name), try decoder.sequence(message))
    case .optional:
      let message = try unpacked(bytes, onnx__optional_proto__descriptor, onnx__optional_proto__unpack)
      defer { onnx__optional_proto__free_unpacked(message, nil) }
      return (text(message.pointee.name), try decoder.optional(message))
    case .map:
      let message = try unpacked(bytes, onnx__map_proto__descriptor, onnx__map_proto__unpack)
      defer { onnx__map_proto__free_unpacked(message, nil) }
      return (text(message.pointee.name), try decoder.map(message))
    case .opaque:
      throw .unsupported("values of type \(type) have no file format")
    }
  }
}

/// Turns serialized containers into values.
private struct HostValueDecoder {
  /// The kinds of elements, with their numbers in ONNX files.
  enum Kind: Int32 { case undefined, tensor, sparse, sequence, map, optional }

  var tensors: TensorDecoder

  mutating func sparse(_ proto: UnsafeMutablePointer<Onnx__SparseTensorProto>) throws(ModelError) -> HostValue {
    guard let dense = try tensors.sparse(proto, culprit: "sparse tensor").dense() else {
      throw .invalid("sparse tensor cannot be made dense")
    }
    return .tensor(dense)
  }

  mutating func sequence(_ proto: UnsafeMutablePointer<Onnx__SequenceProto>) throws(ModelError) -> HostValue {
    let fields = proto.pointee
    var items: [HostValue] = []
    switch Kind(rawValue: fields.elem_type) {
    case .tensor:
      for tensor in messages(fields.n_tensor_values, fields.tensor_values) {
        items.append(.tensor(try tensors.tensor(tensor, culprit: "element \(items.count)")))
      }
    case .sparse:
      for tensor in messages(fields.n_sparse_tensor_values, fields.sparse_tensor_values) {
        items.append(try sparse(tensor))
      }
    case .sequence:
      for item in messages(fields.n_sequence_values, fields.sequence_values) { items.append(try sequence(item)) }
    case .map:
      for item in messages(fields.n_map_values, fields.map_values) { items.append(try map(item)) }
    case .optional:
      for item in messages(fields.n_optional_values, fields.optional_values) { items.append(try optional(item)) }
    case .undefined, nil:
      throw .invalid("sequence has an unknown kind of elements (\(fields.elem_type))")
    }
    return .sequence(items)
  }

  mutating func optional(_ proto: UnsafeMutablePointer<Onnx__OptionalProto>) throws(ModelError) -> HostValue {
    let fields = proto.pointee
    switch Kind(rawValue: fields.elem_type) {
    case .undefined: return .optional(nil)
    case .tensor:
      guard let value = fields.tensor_value else { return .optional(nil) }
      return .optional(.tensor(try tensors.tensor(value, culprit: "optional")))
    case .sparse: return .optional(try fields.sparse_tensor_value.map { (p) throws(ModelError) in try sparse(p) })
    case .sequence: return .optional(try fields.sequence_value.map { (p) throws(ModelError) in try sequence(p) })
    case .map: return .optional(try fields.map_value.map { (p) throws(ModelError) in try map(p) })
    case .optional: return .optional(try fields.optional_value.map { (p) throws(ModelError) in try optional(p) })
    case nil: throw .invalid("optional has an unknown kind of element (\(fields.elem_type))")
    }
  }

  mutating func map(_ proto: UnsafeMutablePointer<Onnx__MapProto>) throws(ModelError) -> HostValue {
    let fields = proto.pointee
    let type = try ElementType.decode(fields.key_type, of: "map key")
    guard let valuesProto = fields.values, case .sequence(let values) = try sequence(valuesProto) else {
      throw .invalid("map has no values")
    }
    let keys: TensorData
    if type == .string {
      let strings = byteStrings(fields.n_string_keys, fields.string_keys)
      keys = TensorData(dims: [strings.count], strings: strings)
    } else {
      guard type.isInteger, type.bits >= 8 else { throw .invalid("map has keys of type \(type.rawValue)") }
      let source = numbers(fields.n_keys, fields.keys)
      let bytes = Bytes(count: source.count * type.bytes) { target in
        for (index, key) in source.enumerated() {
          withUnsafeBytes(of: key.littleEndian) { raw in
            for byte in 0..<type.bytes { target[index * type.bytes + byte] = raw[byte] }
          }
        }
      }
      keys = TensorData(element: type, dims: [source.count], bytes: bytes)
    }
    guard keys.count == values.count else {
      throw .invalid("map has \(keys.count) keys and \(values.count) values")
    }
    return .map(HostMap(keys: keys, values: values))
  }
}
