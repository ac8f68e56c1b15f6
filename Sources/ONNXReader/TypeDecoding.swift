import CONNXProto
import Support

extension TypeDef {
  /// The declared type of `culprit`; `nil` when the file leaves it open.
  static func decode(
    _ proto: UnsafeMutablePointer<Onnx__TypeProto>?, of culprit: String
  ) throws(ModelError) -> TypeDef? {
    guard let type = proto?.pointee else { return nil }
    if let tensor = type.tensor_type {
      guard tensor.pointee.elem_type != 0 else { return nil }
      let element = try ElementType.decode(tensor.pointee.elem_type, of: culprit)
      return .tensor(element, try decodeShape(tensor.pointee.shape, of: culprit))
    }
    if let tensor = type.sparse_tensor_type {
      let element = try ElementType.decode(tensor.pointee.elem_type, of: culprit)
      return .sparse(element, try decodeShape(tensor.pointee.shape, of: culprit))
    }
    if let sequence = type.sequence_type {
      return .sequence(try decodeInner(sequence.pointee.elem_type, of: culprit))
    }
    if let optional = type.optional_type {
      return .optional(try decodeInner(optional.pointee.elem_type, of: culprit))
    }
    if let map = type.map_type {
      let key = try ElementType.decode(map.pointee.key_type, of: culprit)
      guard key.isInteger || key == .string else {
        throw .invalid("\(culprit) is a map with keys of type \(key.rawValue)")
      }
      return .map(key: key, value: try decodeInner(map.pointee.value_type, of: culprit))
    }
    if let opaque = type.opaque_type {
      return .opaque(domain: text(opaque.pointee.domain), name: text(opaque.pointee.name))
    }
    return nil
  }

  private static func decodeInner(
    _ proto: UnsafeMutablePointer<Onnx__TypeProto>?, of culprit: String
  ) throws(ModelError) -> TypeDef {
    guard let type = try decode(proto, of: culprit) else { throw .invalid("\(culprit) has an incomplete type") }
    return type
  }

  private static func decodeShape(
    _ proto: UnsafeMutablePointer<Onnx__TensorShapeProto>?, of culprit: String
  ) throws(ModelError) -> [DimDef]? {
    guard let shape = proto?.pointee else { return nil }
    var dims: [DimDef] = []
    for dim in messages(shape.n_dim, shape.dim) {
      if dim.pointee.has_dim_value != 0 {
        let value = Int(dim.pointee.dim_value)
        guard value < 1 << 60 else { throw .invalid("\(culprit) has dimension \(value)") }
        // Some exporters write -1 for a size that they do not know.
        dims.append(value < 0 ? .unknown : .value(value))
      } else {
        let name = text(dim.pointee.dim_param)
        dims.append(name.isEmpty ? .unknown : .param(name))
      }
    }
    return dims
  }
}
