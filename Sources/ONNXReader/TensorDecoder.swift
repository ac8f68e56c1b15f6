import CONNXProto
import Support

/// Turns serialized tensors into values, taking over their memory where the layout is already right.
struct TensorDecoder {
  var files: ExternalFiles
  /// What is used where it lies in the file.
  var pieces = FilePieces()

  /// The tensor that `proto` holds, which loses its elements; `culprit` names it in diagnostics.
  mutating func tensor(
    _ proto: UnsafeMutablePointer<Onnx__TensorProto>, culprit: String
  ) throws(ModelError) -> TensorData {
    let name = text(proto.pointee.name)
    guard proto.pointee.segment == nil else { throw .unsupported("\(culprit) is stored in segments") }
    let element = try ElementType.decode(proto.pointee.data_type, of: culprit)
    let dims = try Self.dims(numbers(proto.pointee.n_dims, proto.pointee.dims), element, culprit: culprit)
    let count = dims.reduce(1, *)
    if element == .string {
      let strings = byteStrings(proto.pointee.n_string_data, proto.pointee.string_data)
      guard strings.count == count else {
        throw .invalid("\(culprit) of shape \(dims) holds \(strings.count) strings instead of \(count)")
      }
      return TensorData(name: name, dims: dims, strings: strings)
    }
    let bytes =
      if proto.pointee.data_location == 1 {
        try externalBytes(proto, count: count, element, culprit: culprit)
      } else {
        try inlineBytes(proto, count: count, element, culprit: culprit)
      }
    return TensorData(name: name, element: element, dims: dims, bytes: bytes)
  }

  /// The sparse tensor that `proto` holds.
  mutating func sparse(
    _ proto: UnsafeMutablePointer<Onnx__SparseTensorProto>, culprit: String
  ) throws(ModelError) -> SparseTensorData {
    guard let valuesProto = proto.pointee.values, let indicesProto = proto.pointee.indices else {
      throw .invalid("\(culprit) lacks its values or indices")
    }
    let values = try tensor(valuesProto, culprit: "values of \(culprit)")
    let indices = try tensor(indicesProto, culprit: "indices of \(culprit)")
    let dims = try Self.dims(numbers(proto.pointee.n_dims, proto.pointee.dims), values.element, culprit: culprit)
    guard values.dims.count == 1, indices.element == .i64,
      indices.dims == values.dims || indices.dims == [values.count, dims.count]
    else {
      throw .invalid(
        "\(culprit) has values of shape \(values.dims) and indices \(indices.element.rawValue)\(indices.dims)")
    }
    return SparseTensorData(values: values, indices: indices, dims: dims)
  }

  /// Checked dimensions, whose product in bytes fits an integer.
  private static func dims(
    _ dims: UnsafeBufferPointer<Int64>, _ element: ElementType, culprit: String
  ) throws(ModelError) -> [Int] {
    let result = dims.map { Int($0) }
    var size = max(element.bytes, 1)
    for dim in result {
      guard dim >= 0 else { throw .invalid("\(culprit) has a negative dimension in \(result)") }
      let (product, overflow) = size.multipliedReportingOverflow(by: max(dim, 1))
      guard !overflow, product < 1 << 60 else { throw .invalid("\(culprit) of shape \(result) is too large") }
      size = product
    }
    return result
  }

  private mutating func externalBytes(
    _ proto: UnsafeMutablePointer<Onnx__TensorProto>, count: Int, _ element: ElementType, culprit: String
  ) throws(ModelError) -> Bytes {
    var entries: [String: String] = [:]
    for entry in messages(proto.pointee.n_external_data, proto.pointee.external_data) {
      entries[text(entry.pointee.key)] = text(entry.pointee.value)
    }
    guard let location = entries["location"] else { throw .invalid("\(culprit) has external data without a location") }
    let file: Bytes
    do {
      file = try files.bytes(location: location)
      if let checksum = entries["checksum"] { try files.check(location: location, checksum: checksum) }
    } catch {
      throw error.prefixed(culprit)
    }
    guard let offset = Int(entries["offset"] ?? "0"), offset >= 0, offset <= file.count else {
      throw .invalid(
        "\(culprit) starts at offset \(entries["offset"] ?? "") of the \(file.count) bytes of '\(location)'")
    }
    let stored = PackedElements.storedBytes(count: count, element)
    guard let length = Int(entries["length"] ?? "\(stored)"), length >= 0, length <= file.count - offset else {
      throw .invalid("\(culprit) ends past the \(file.count) bytes of '\(location)'")
    }
    guard length == stored else {
      throw .invalid("\(culprit) has \(length) bytes of external data instead of \(stored)")
    }
    return PackedElements.unpacked(file[offset..<offset + length], count: count, element)
  }

  private func inlineBytes(
    _ proto: UnsafeMutablePointer<Onnx__TensorProto>, count: Int, _ element: ElementType, culprit: String
  ) throws(ModelError) -> Bytes {
    let typed = TypedField(proto, element)
    guard proto.pointee.has_raw_data != 0, typed.count == 0 || proto.pointee.raw_data.len > 0 else {
      return try typed.elements(of: proto, count: count, element, culprit: culprit)
    }
    let stored = PackedElements.storedBytes(count: count, element)
    let length = proto.pointee.raw_data.len
    guard length == stored else {
      throw .invalid("\(culprit) has \(length) bytes of data instead of \(stored)")
    }
    guard let data = proto.pointee.raw_data.data, length > 0 else { return Bytes() }
    proto.pointee.raw_data = ProtobufCBinaryData()
    let bytes = Bytes(takingMalloc: data, count: length)
    return PackedElements.unpacked(pieces.piece(equalTo: bytes) ?? bytes, count: count, element)
  }
}

extension ModelError {
  /// The same error with the culprit's name before each message.
  func prefixed(_ culprit: String) -> ModelError {
    ModelError(
      diagnostics.map { diagnostic in
        var result = diagnostic
        result.message = "\(culprit): \(diagnostic.message)"
        return result
      })
  }
}
