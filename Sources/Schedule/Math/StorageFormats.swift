import Support
import TensorIR

extension ElementType {
  /// The Loop IR type that values of this type are computed in.
  var computed: ElementType {
    switch self {
    case .bool, .i8, .i16, .i32, .i64, .u8, .u16, .u32, .u64, .f32, .f64, .c64, .c128, .string: self
    case .f16, .bf16, .f4e2m1, .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .f8e8m0: .f32
    case .i4, .i2: .i8
    case .u4, .u2: .u8
    }
  }
}

extension Term {
  /// The value that storage bits of a type stand for.
  func decoded(_ element: ElementType) -> Term {
    switch element {
    case .bool, .i8, .i16, .i32, .i64, .u8, .u16, .u32, .u64, .f32, .f64, .i2, .i4, .u2, .u4, .c64, .c128, .string: self
    case .f16: decodedHalf
    case .bf16: decodedBrain
    case .f4e2m1: decodedSmall(.f4e2m1)
    case .f8e4m3fn: decodedSmall(.f8e4m3fn)
    case .f8e4m3fnuz: decodedSmall(.f8e4m3fnuz)
    case .f8e5m2: decodedSmall(.f8e5m2)
    case .f8e5m2fnuz: decodedSmall(.f8e5m2fnuz)
    case .f8e8m0: decodedScale
    }
  }

  /// The storage bits of a value of a type.
  func encoded(_ element: ElementType) -> Term {
    switch element {
    case .bool, .i8, .i16, .i32, .i64, .u8, .u16, .u32, .u64, .f32, .f64, .i2, .i4, .u2, .u4, .c64, .c128, .string: self
    case .f16: encodedHalf
    case .bf16: encodedBrain
    case .f4e2m1: encodedSmall(.f4e2m1)
    case .f8e4m3fn: encodedSmall(.f8e4m3fn)
    case .f8e4m3fnuz: encodedSmall(.f8e4m3fnuz)
    case .f8e5m2: encodedSmall(.f8e5m2)
    case .f8e5m2fnuz: encodedSmall(.f8e5m2fnuz)
    case .f8e8m0: encodedScale
    }
  }

  /// The nearest value of a storage format, or the value wrapped to its width.
  func rounded(to element: ElementType) -> Term {
    switch element {
    case .bool, .i8, .i16, .i32, .i64, .u8, .u16, .u32, .u64, .f32, .f64, .c64, .c128, .string: self
    case .f16 where builder.convertsHalves: cast(.f16).cast(.f32)
    case .f16, .bf16, .f4e2m1, .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .f8e8m0: encoded(element).decoded(element)
    case .i4, .i2: shiftedLeft(8 - element.bits).shiftedRight(8 - element.bits)
    case .u4, .u2: self & constant(1 << element.bits - 1)
    }
  }
}
