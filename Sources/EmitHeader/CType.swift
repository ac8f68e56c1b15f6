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
    case .string: preconditionFailure("strings have no element type in C")
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
}
