public import Support

extension ElementType {
  /// The C type of one element in memory; types that C lacks travel as unsigned integers of their size.
  public var cType: String {
    switch self {
    case .bool, .u8, .u4, .u2, .f4e2m1, .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .f8e8m0: "uint8_t"
    case .i8, .i4, .i2: "int8_t"
    case .i16: "int16_t"
    case .u16, .f16, .bf16: "uint16_t"
    case .i32: "int32_t"
    case .u32: "uint32_t"
    case .i64: "int64_t"
    case .u64: "uint64_t"
    case .f32, .c64: "float"
    case .f64, .c128: "double"
    case .string: fatalError("strings have no element type in C")
    }
  }

  /// What a reader of the header must know about `cType`; empty for types that C has.
  public var cTypeNote: String {
    switch self {
    case .bool: "bool, one byte, 0 or 1"
    case .f16: "IEEE half floats as bits"
    case .bf16: "bfloat16 as bits"
    case .i2, .i4, .u2, .u4: "\(rawValue), one element per byte"
    case .f4e2m1: "float4e2m1 as bits, one element per byte"
    case .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .f8e8m0: "\(rawValue) as bits"
    case .c64, .c128: "complex, real and imaginary parts in turn"
    case .i8, .i16, .i32, .i64, .u8, .u16, .u32, .u64, .f32, .f64, .string: ""
    }
  }
}
