import CONNXProto
import Support

/// The kinds of attribute values, with their numbers in ONNX files.
enum AttributeKind: Int32 {
  case float = 1
  case int, string, tensor, graph, floats, ints, strings, tensors, graphs, sparse, sparses, type, types

  /// The kind that the file states or, in files of the first version, the only field present.
  init?(of fields: Onnx__AttributeProto) {
    if fields.has_type != 0, fields.type != 0 {
      self.init(rawValue: fields.type)
      return
    }
    let present: [(Bool, AttributeKind)] = [
      (fields.has_f != 0, .float), (fields.has_i != 0, .int), (fields.has_s != 0, .string), (fields.t != nil, .tensor),
      (fields.g != nil, .graph), (fields.n_floats > 0, .floats), (fields.n_ints > 0, .ints),
      (fields.n_strings > 0, .strings), (fields.n_tensors > 0, .tensors), (fields.n_graphs > 0, .graphs),
    ]
    guard let kind = present.first(where: \.0)?.1 else { return nil }
    self = kind
  }

  /// The value of an attribute of this kind, which is not a graph.
  func value(
    _ fields: Onnx__AttributeProto, _ decoder: inout TensorDecoder, culprit: String
  ) throws(ModelError) -> AttributeValue {
    switch self {
    case .float: return .float(fields.f)
    case .int: return .int(Int(fields.i))
    case .string: return .string(byteString(fields.s))
    case .floats: return .floats(Array(numbers(fields.n_floats, fields.floats)))
    case .ints: return .ints(numbers(fields.n_ints, fields.ints).map { Int($0) })
    case .strings: return .strings(byteStrings(fields.n_strings, fields.strings))
    case .tensor:
      guard let tensor = fields.t else { throw .invalid("\(culprit) has no value") }
      return .tensor(try decoder.tensor(tensor, culprit: culprit))
    case .tensors:
      var result: [TensorData] = []
      for tensor in messages(fields.n_tensors, fields.tensors) {
        result.append(try decoder.tensor(tensor, culprit: culprit))
      }
      return .tensors(result)
    case .sparse:
      guard let tensor = fields.sparse_tensor else { throw .invalid("\(culprit) has no value") }
      return .sparse(try decoder.sparse(tensor, culprit: culprit))
    case .sparses:
      var result: [SparseTensorData] = []
      for tensor in messages(fields.n_sparse_tensors, fields.sparse_tensors) {
        result.append(try decoder.sparse(tensor, culprit: culprit))
      }
      return .sparses(result)
    case .type:
      guard let type = try TypeDef.decode(fields.tp, of: culprit) else { throw .invalid("\(culprit) has no value") }
      return .type(type)
    case .types:
      var result: [TypeDef] = []
      for proto in messages(fields.n_type_protos, fields.type_protos) {
        guard let type = try TypeDef.decode(proto, of: culprit) else { throw .invalid("\(culprit) has no value") }
        result.append(type)
      }
      return .types(result)
    case .graph, .graphs: fatalError("graphs are decoded by GraphDecoder")
    }
  }
}
