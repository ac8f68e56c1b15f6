import CONNXProto
import Support

extension Model {
  /// Reads and checks the model at `path`, or standard input when `path` is `-`.
  public static func load(path: String) throws(ModelError) -> Model {
    let bytes: Bytes
    do { bytes = try InputFile.bytes(path: path) } catch { throw .invalid(error.description) }
    return try decode(bytes, path: path)
  }

  /// Decodes and checks a serialized model; external data are found beside `path`.
  public static func decode(_ bytes: Bytes, path: String = "-") throws(ModelError) -> Model {
    guard bytes.count > 0 else { throw .invalid("the file is empty") }
    var runs: [Range<Int>] = []
    let message = try unpacked(bytes, onnx__model_proto__descriptor, onnx__model_proto__unpack) { runs.append($0) }
    defer { onnx__model_proto__free_unpacked(message, onnx_allocator()) }
    return try Model(message.pointee, path: path, FilePieces(bytes, runs: runs))
  }

  private init(_ fields: Onnx__ModelProto, path: String, _ pieces: FilePieces) throws(ModelError) {
    guard let graphProto = fields.graph else {
      throw .invalid("the model has no graph", hint: "check that the file is an ONNX model")
    }
    var faults: [Diagnostic] = []
    let opsets = Self.opsets(
      messages(fields.n_opset_import, fields.opset_import), irVersion: fields.ir_version, &faults)
    var decoder = GraphDecoder(
      tensors: TensorDecoder(files: ExternalFiles(modelPath: path), pieces: pieces), opsets: opsets, diagnostics: faults)
    irVersion = Int(fields.ir_version)
    self.opsets = opsets
    producerName = text(fields.producer_name)
    producerVersion = text(fields.producer_version)
    domain = text(fields.domain)
    version = Int(fields.model_version)
    doc = text(fields.doc_string)
    metadata = messages(fields.n_metadata_props, fields.metadata_props).map {
      MetadataEntry(key: text($0.pointee.key), value: text($0.pointee.value))
    }
    graph = decoder.graph(graphProto)
    functions = messages(fields.n_functions, fields.functions).map { decoder.function($0.pointee) }
    guard decoder.diagnostics.isEmpty else { throw ModelError(decoder.diagnostics) }

    var names = NameCheck(opsets: opsets)
    names.checkOutermost(&graph)
    for index in functions.indices { names.check(&functions[index]) }
    guard names.diagnostics.isEmpty else { throw ModelError(names.diagnostics) }
    try FunctionCheck.check(self)
  }

  /// The imported operator sets; models older than imports use version 1 of the standard ones.
  static func opsets(
    _ protos: [UnsafeMutablePointer<Onnx__OperatorSetIdProto>], irVersion: Int64, _ faults: inout [Diagnostic]
  ) -> [String: Int] {
    var result: [String: Int] = [:]
    for proto in protos {
      let domain = domainName(proto.pointee.domain)
      let version = Int(proto.pointee.version)
      if version < 1 || version > 1_000_000 {
        faults.append(Diagnostic(.invalid, "operator set '\(domain)' has version \(version)"))
      }
      if let other = result.updateValue(version, forKey: domain), other != version {
        faults.append(Diagnostic(.invalid, "operator set '\(domain)' is imported as versions \(other) and \(version)"))
      }
    }
    if result.isEmpty, irVersion >= 3 { faults.append(Diagnostic(.invalid, "the model imports no operator set")) }
    return result.isEmpty ? ["": 1] : result
  }
}

extension GraphDecoder {
  /// The function that `fields` describe.
  fileprivate mutating func function(_ fields: Onnx__FunctionProto) -> FunctionDef {
    let outer = opsets
    defer { opsets = outer }
    let imports = messages(fields.n_opset_import, fields.opset_import)
    opsets = imports.isEmpty ? outer : Model.opsets(imports, irVersion: 8, &diagnostics)
    let name = text(fields.name)
    return FunctionDef(
      name: name, domain: domainName(fields.domain), overload: text(fields.overload), doc: text(fields.doc_string),
      opsets: opsets, inputs: texts(fields.n_input, fields.input), outputs: texts(fields.n_output, fields.output),
      requiredAttributes: texts(fields.n_attribute, fields.attribute),
      defaultAttributes: attributes(
        messages(fields.n_attribute_proto, fields.attribute_proto), location: "function '\(name)'"),
      nodes: nodes(messages(fields.n_node, fields.node)),
      valueInfos: messages(fields.n_value_info, fields.value_info).map { valueInfo($0, "value", "function '\(name)'") })
  }
}

/// Checks and unpacks a message with the generated function `unpack`; the caller frees it. `found` is given the place of every
/// run of bytes in it.
func unpacked<Message>(
  _ bytes: Bytes, _ descriptor: ProtobufCMessageDescriptor,
  _ unpack: (UnsafeMutablePointer<ProtobufCAllocator>?, Int, UnsafePointer<UInt8>?) -> UnsafeMutablePointer<Message>?,
  found: (Range<Int>) -> Void = { _ in }
) throws(ModelError) -> UnsafeMutablePointer<Message> {
  try withUnsafePointer(to: descriptor) { (pointer) throws(ModelError) in
    try WireCheck.check(bytes, as: pointer, found: found)
  }
  let message = bytes.withUnsafeBytes { buffer in
    unpack(onnx_allocator(), buffer.count, buffer.baseAddress?.assumingMemoryBound(to: UInt8.self))
  }
  guard let message else {
    throw .invalid("not an ONNX file: the data are malformed", hint: "the file may be truncated")
  }
  return message
}
