import Support

extension ElementType {
  /// The type that ONNX files give as `number`, or a diagnostic about `culprit`.
  static func decode(_ number: Int32, of culprit: String) throws(ModelError) -> ElementType {
    if let type = ElementType(onnxNumber: Int(number)) { return type }
    if number == 27 || number == 28 { throw .unsupported("\(culprit) has a 6-bit float type") }
    throw .invalid("\(culprit) has an unknown element type (\(number))")
  }
}
