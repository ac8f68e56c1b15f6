import Support

/// The layout of a floating-point format below 16 bits; finite values beyond the greatest number become that number.
public struct SmallFloatLayout: Hashable, Sendable {
  /// What stands for NaN, and whether there are infinities.
  public enum Specials: Hashable, Sendable {
    /// The largest exponent holds infinities and NaN.
    case ieee
    /// All bits set is NaN.
    case allOnes
    /// The negative zero is NaN.
    case negativeZero
    /// Every bit pattern is a number.
    case none
  }

  public let mantissaBits: Int
  public let exponentBits: Int
  public let bias: Int
  public let specials: Specials

  private init(_ exponentBits: Int, _ mantissaBits: Int, bias: Int, _ specials: Specials) {
    self.mantissaBits = mantissaBits
    self.exponentBits = exponentBits
    self.bias = bias
    self.specials = specials
  }

  public static let f4e2m1 = SmallFloatLayout(2, 1, bias: 1, .none)
  public static let f8e4m3fn = SmallFloatLayout(4, 3, bias: 7, .allOnes)
  public static let f8e4m3fnuz = SmallFloatLayout(4, 3, bias: 8, .negativeZero)
  public static let f8e5m2 = SmallFloatLayout(5, 2, bias: 15, .ieee)
  public static let f8e5m2fnuz = SmallFloatLayout(5, 2, bias: 16, .negativeZero)

  /// The layout of a type with sign, exponent and mantissa; nil for other types.
  public init?(_ element: ElementType) {
    switch element {
    case .f4e2m1: self = .f4e2m1
    case .f8e4m3fn: self = .f8e4m3fn
    case .f8e4m3fnuz: self = .f8e4m3fnuz
    case .f8e5m2: self = .f8e5m2
    case .f8e5m2fnuz: self = .f8e5m2fnuz
    case .bool, .i2, .i4, .i8, .i16, .i32, .i64, .u2, .u4, .u8, .u16, .u32, .u64, .f16, .bf16, .f32, .f64, .f8e8m0,
      .c64, .c128, .string:
      return nil
    }
  }

  /// The bit of the sign.
  public var sign: Int { 1 << (exponentBits + mantissaBits) }

  /// The bits of the greatest number.
  public var greatest: Int {
    switch specials {
    case .ieee: (1 << exponentBits - 1) << mantissaBits - 1
    case .allOnes: sign - 2
    case .negativeZero, .none: sign - 1
    }
  }

  /// The bits of infinity, if there is one.
  public var infinity: Int? { specials == .ieee ? greatest + 1 : nil }

  /// The greatest number.
  public var greatestNumber: Double { SmallFloat.number(self, greatest) }

  /// The bits that stand for NaN; where there is no NaN, the greatest number.
  public var nan: Int {
    switch specials {
    case .ieee, .allOnes: sign - 1
    case .negativeZero, .none: sign
    }
  }
}

extension Float {
  /// The bits of the nearest `bf16` number, ties to even.
  public var brainBits: UInt16 {
    if isNaN { return UInt16(bitPattern >> 16) | 0x40 }
    return UInt16((bitPattern &+ 0x7fff &+ (bitPattern >> 16 & 1)) >> 16)
  }
}

/// Conversions of floats below 32 bits at compile time.
enum SmallFloat {
  /// The value of a bit pattern.
  static func decode(_ element: ElementType, _ bits: Int) -> Double {
    switch element {
    case .f16: Double(Float16(bitPattern: UInt16(truncatingIfNeeded: bits)))
    case .bf16: Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits) << 16))
    case .f4e2m1: number(.f4e2m1, bits)
    case .f8e4m3fn: number(.f8e4m3fn, bits)
    case .f8e4m3fnuz: number(.f8e4m3fnuz, bits)
    case .f8e5m2: number(.f8e5m2, bits)
    case .f8e5m2fnuz: number(.f8e5m2fnuz, bits)
    case .f8e8m0: bits & 0xff == 0xff ? .nan : power(bits & 0xff - 127)
    case .bool, .i2, .i4, .i8, .i16, .i32, .i64, .u2, .u4, .u8, .u16, .u32, .u64, .f32, .f64, .c64, .c128, .string:
      fatalError("\(element) is not a small float type")
    }
  }

  /// The bit pattern nearest to a value, ties to even; `f8e8m0` rounds up.
  ///
  /// Infinity stays infinity where there is one.
  static func encode(_ element: ElementType, _ value: Double) -> Int {
    switch element {
    case .f16: return Int(Float16(value).bitPattern)
    case .bf16: return Int(Float(value).brainBits)
    case .f4e2m1: return code(.f4e2m1, value)
    case .f8e4m3fn: return code(.f8e4m3fn, value)
    case .f8e4m3fnuz: return code(.f8e4m3fnuz, value)
    case .f8e5m2: return code(.f8e5m2, value)
    case .f8e5m2fnuz: return code(.f8e5m2fnuz, value)
    case .f8e8m0:
      if value.isNaN || value < 0 { return 0xff }
      if value <= power(-127) { return 0 }
      if value >= power(127) { return 0xfe }
      return Int(value.exponent) + (value.significand > 1 ? 1 : 0) + 127
    case .bool, .i2, .i4, .i8, .i16, .i32, .i64, .u2, .u4, .u8, .u16, .u32, .u64, .f32, .f64, .c64, .c128, .string:
      fatalError("\(element) is not a small float type")
    }
  }

  private static func power(_ exponent: Int) -> Double { Double(sign: .plus, exponent: exponent, significand: 1) }

  fileprivate static func number(_ layout: SmallFloatLayout, _ bits: Int) -> Double {
    let magnitude = bits & (layout.sign - 1)
    let isNegative = bits & layout.sign != 0
    switch layout.specials {
    case .ieee where magnitude > layout.greatest:
      return magnitude > layout.greatest + 1 ? .nan : isNegative ? -.infinity : .infinity
    case .allOnes where magnitude > layout.greatest: return .nan
    case .negativeZero where bits & 0xff == layout.sign: return .nan
    case .ieee, .allOnes, .negativeZero, .none: break
    }
    let exponent = magnitude >> layout.mantissaBits
    let fraction = magnitude & (1 << layout.mantissaBits - 1)
    let significand = exponent == 0 ? fraction : fraction + 1 << layout.mantissaBits
    let value = Double(significand) * power(max(exponent, 1) - layout.bias - layout.mantissaBits)
    return isNegative ? -value : value
  }

  private static func code(_ layout: SmallFloatLayout, _ value: Double) -> Int {
    if value.isNaN { return layout.nan }
    let magnitude = Swift.abs(value)
    var code = magnitude.isInfinite ? layout.infinity ?? layout.greatest : layout.greatest
    if magnitude < number(layout, layout.greatest) {
      let exponent = magnitude == 0 ? 1 - layout.bias : max(Int(magnitude.exponent), 1 - layout.bias)
      let units = (magnitude / power(exponent - layout.mantissaBits)).rounded(.toNearestOrEven)
      code = Int(units) + (exponent + layout.bias - 1) << layout.mantissaBits
    }
    if layout.specials == .negativeZero && code == 0 { return 0 }
    return value.sign == .minus ? code | layout.sign : code
  }
}
