/// The type of one tensor element or scalar value.
public enum ElementType: String, Hashable, Sendable, CaseIterable {
  case bool, i8, i16, i32, i64, u8, u16, u32, u64, f16, bf16, f32, f64
  case i2, i4, u2, u4
  case f4e2m1, f8e4m3fn, f8e4m3fnuz, f8e5m2, f8e5m2fnuz, f8e8m0
  case c64, c128, string

  /// Bits of one element as ONNX stores it; 0 for strings.
  public var bits: Int {
    switch self {
    case .i2, .u2: 2
    case .i4, .u4, .f4e2m1: 4
    case .bool, .i8, .u8, .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .f8e8m0: 8
    case .i16, .u16, .f16, .bf16: 16
    case .i32, .u32, .f32: 32
    case .i64, .u64, .f64, .c64: 64
    case .c128: 128
    case .string: 0
    }
  }

  /// Bytes that one element takes in an unpacked buffer; 0 for strings.
  public var bytes: Int { (bits + 7) / 8 }

  public var isFloat: Bool {
    switch self {
    case .f16, .bf16, .f32, .f64, .f4e2m1, .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .f8e8m0: true
    case .bool, .i8, .i16, .i32, .i64, .u8, .u16, .u32, .u64, .i2, .i4, .u2, .u4, .c64, .c128, .string: false
    }
  }

  /// Whether this is a signed or unsigned integer type (`bool` is not one).
  public var isInteger: Bool { isSignedInteger || isUnsignedInteger }

  public var isSignedInteger: Bool {
    switch self {
    case .i2, .i4, .i8, .i16, .i32, .i64: true
    case .bool, .u8, .u16, .u32, .u64, .u2, .u4, .f16, .bf16, .f32, .f64, .f4e2m1, .f8e4m3fn, .f8e4m3fnuz, .f8e5m2,
      .f8e5m2fnuz, .f8e8m0, .c64, .c128, .string:
      false
    }
  }

  public var isUnsignedInteger: Bool {
    switch self {
    case .u2, .u4, .u8, .u16, .u32, .u64: true
    case .bool, .i8, .i16, .i32, .i64, .i2, .i4, .f16, .bf16, .f32, .f64, .f4e2m1, .f8e4m3fn, .f8e4m3fnuz, .f8e5m2,
      .f8e5m2fnuz, .f8e8m0, .c64, .c128, .string:
      false
    }
  }
}
