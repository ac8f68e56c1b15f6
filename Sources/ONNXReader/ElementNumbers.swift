import Support

extension ElementType {
  /// The element types by their number in ONNX files; 0 and numbers without a type of ours are `nil`.
  private static let byNumber: [ElementType?] = [
    nil, .f32, .u8, .i8, .u16, .i16, .i32, .i64, .string, .bool, .f16, .f64, .u32, .u64, .c64, .c128, .bf16,
    .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .u4, .i4, .f4e2m1, .f8e8m0, .u2, .i2,
  ]

  /// The type that ONNX files give as `number`, if there is one.
  public init?(onnxNumber number: Int) {
    guard Self.byNumber.indices.contains(number), let type = Self.byNumber[number] else { return nil }
    self = type
  }

  /// The number of this type in ONNX files.
  public var onnxNumber: Int {
    guard let number = Self.byNumber.firstIndex(of: self) else { preconditionFailure("\(self) has no ONNX number") }
    return number
  }

  /// The type that ONNX files give as `number`, or a diagnostic about `culprit`.
  static func decode(_ number: Int32, of culprit: String) throws(ModelError) -> ElementType {
    if let type = ElementType(onnxNumber: Int(number)) { return type }
    if number == 27 || number == 28 { throw .unsupported("\(culprit) has a 6-bit float type") }
    throw .invalid("\(culprit) has an unknown element type (\(number))")
  }
}
