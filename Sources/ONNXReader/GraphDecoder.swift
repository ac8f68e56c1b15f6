import CONNXProto
import Support

/// Turns serialized graphs into values, collecting faults instead of stopping at the first.
struct GraphDecoder {
  var tensors: TensorDecoder
  /// The imported operator sets, for diagnostics.
  var opsets: [String: Int]
  var diagnostics: [Diagnostic] = []

  /// Runs `body` and collects what it throws, at `location`.
  private mutating func collect<Result>(
    at location: String, _ body: (inout TensorDecoder) throws(ModelError) -> Result?
  ) -> Result? {
    do {
      return try body(&tensors)
    } catch {
      diagnostics += error.located(at: location).diagnostics
      return nil
    }
  }

  /// The graph that `proto` holds, which loses its tensors; `location` is the node around it.
  mutating func graph(_ proto: UnsafeMutablePointer<Onnx__GraphProto>, location: String = "") -> GraphDef {
    let fields = proto.pointee
    return GraphDef(
      name: text(fields.name), doc: text(fields.doc_string),
      nodes: nodes(messages(fields.n_node, fields.node)),
      inputs: messages(fields.n_input, fields.input).map { valueInfo($0, "input", location) },
      outputs: messages(fields.n_output, fields.output).map { valueInfo($0, "output", location) },
      valueInfos: messages(fields.n_value_info, fields.value_info).map { valueInfo($0, "value", location) },
      initializers: messages(fields.n_initializer, fields.initializer).compactMap { tensor in
        collect(at: location) { (decoder) throws(ModelError) in
          try decoder.tensor(tensor, culprit: "initializer '\(text(tensor.pointee.name))'")
        }
      },
      sparseInitializers: messages(fields.n_sparse_initializer, fields.sparse_initializer).compactMap { tensor in
        collect(at: location) { (decoder) throws(ModelError) in
          let name = text(tensor.pointee.values?.pointee.name)
          return try decoder.sparse(tensor, culprit: "sparse initializer '\(name)'")
        }
      })
  }

  /// The nodes that `protos` hold.
  mutating func nodes(_ protos: [UnsafeMutablePointer<Onnx__NodeProto>]) -> [NodeDef] { protos.map { node($0) } }

  /// A value's name and declared type; `role` names it in diagnostics.
  mutating func valueInfo(
    _ proto: UnsafeMutablePointer<Onnx__ValueInfoProto>, _ role: String, _ location: String
  ) -> ValueInfo {
    let name = text(proto.pointee.name)
    let type = collect(at: location) { (_) throws(ModelError) in
      guard !name.isEmpty else { throw .invalid("a graph \(role) has no name") }
      return try TypeDef.decode(proto.pointee.type, of: "\(role) '\(name)'")
    }
    return ValueInfo(name: name, type: type, doc: text(proto.pointee.doc_string))
  }

  private mutating func node(_ proto: UnsafeMutablePointer<Onnx__NodeProto>) -> NodeDef {
    let fields = proto.pointee
    var node = NodeDef(
      name: text(fields.name), opType: text(fields.op_type), domain: domainName(fields.domain),
      overload: text(fields.overload), inputs: texts(fields.n_input, fields.input),
      outputs: texts(fields.n_output, fields.output), attributes: [:])
    let location = node.location(version: opsets[node.domain])
    if node.opType.isEmpty { diagnostics.append(Diagnostic(.invalid, "the node has no operator", location: location)) }
    node.attributes = attributes(messages(fields.n_attribute, fields.attribute), location: location)
    return node
  }

  /// The attributes that `protos` hold, by name.
  mutating func attributes(
    _ protos: [UnsafeMutablePointer<Onnx__AttributeProto>], location: String
  ) -> [String: AttributeValue] {
    var result: [String: AttributeValue] = [:]
    for proto in protos {
      let name = text(proto.pointee.name)
      guard !name.isEmpty, result[name] == nil else {
        let message = name.isEmpty ? "an attribute has no name" : "attribute '\(name)' is given twice"
        diagnostics.append(Diagnostic(.invalid, message, location: location))
        continue
      }
      result[name] = attribute(proto, name, location)
    }
    return result
  }

  private mutating func attribute(
    _ proto: UnsafeMutablePointer<Onnx__AttributeProto>, _ name: String, _ location: String
  ) -> AttributeValue? {
    let fields = proto.pointee
    let reference = text(fields.ref_attr_name)
    if !reference.isEmpty { return .reference(reference) }
    let culprit = "attribute '\(name)'"
    guard let kind = AttributeKind(of: fields) else {
      let message = "\(culprit) has an unknown type (\(fields.type))"
      diagnostics.append(Diagnostic(.invalid, message, location: location))
      return nil
    }
    switch kind {
    case .graph:
      if let graph = fields.g { return .graph(self.graph(graph, location: location)) }
      diagnostics.append(Diagnostic(.invalid, "\(culprit) has no value", location: location))
      return nil
    case .graphs:
      return .graphs(messages(fields.n_graphs, fields.graphs).map { graph($0, location: location) })
    case .float, .int, .string, .tensor, .floats, .ints, .strings, .tensors, .sparse, .sparses, .type, .types:
      return collect(at: location) { (decoder) throws(ModelError) in
        try kind.value(fields, &decoder, culprit: culprit)
      }
    }
  }
}
