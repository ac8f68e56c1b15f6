extension ElementType {
  /// The number of the type in ONNX `TensorProto.DataType`.
  public var onnxNumber: Int {
    switch self {
    case .f32: 1
    case .u8: 2
    case .i8: 3
    case .u16: 4
    case .i16: 5
    case .i32: 6
    case .i64: 7
    case .string: 8
    case .bool: 9
    case .f16: 10
    case .f64: 11
    case .u32: 12
    case .u64: 13
    case .c64: 14
    case .c128: 15
    case .bf16: 16
    case .f8e4m3fn: 17
    case .f8e4m3fnuz: 18
    case .f8e5m2: 19
    case .f8e5m2fnuz: 20
    case .u4: 21
    case .i4: 22
    case .f4e2m1: 23
    case .f8e8m0: 24
    case .u2: 25
    case .i2: 26
    }
  }

  /// The type that ONNX files give as `number`, if there is one.
  public init?(onnxNumber number: Int) {
    guard let type = ElementType.allCases.first(where: { $0.onnxNumber == number }) else { return nil }
    self = type
  }
}
