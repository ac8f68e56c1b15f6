import Support

extension TensorData {
  /// The elements as numbers, with real and imaginary parts of complex types in turn; `nil` for strings.
  ///
  /// 64-bit integers lose digits beyond 2^53.
  public func doubles() -> [Double]? {
    switch element {
    case .string: nil
    case .bool, .u8, .u4, .u2: loaded(UInt8.self)
    case .i8, .i4, .i2: loaded(Int8.self)
    case .u16: loaded(UInt16.self)
    case .i16: loaded(Int16.self)
    case .u32: loaded(UInt32.self)
    case .i32: loaded(Int32.self)
    case .u64: loaded(UInt64.self)
    case .i64: loaded(Int64.self)
    case .f32, .c64: floats(Float.self)
    case .f64, .c128: floats(Double.self)
    case .f16, .bf16:
      (0..<count).map { SmallFloat(element).double(bits: UInt32(bytes.load($0, as: UInt16.self))) }
    case .f4e2m1, .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .f8e8m0:
      (0..<count).map { SmallFloat(element).double(bits: UInt32(bytes[$0])) }
    }
  }

  private func loaded<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) -> [Double] {
    (0..<bytes.count / MemoryLayout<T>.size).map { Double(bytes.load($0, as: type)) }
  }

  private func floats<T: BinaryFloatingPoint & BitwiseCopyable>(_ type: T.Type) -> [Double] {
    (0..<bytes.count / MemoryLayout<T>.size).map { Double(bytes.load($0, as: type)) }
  }
}

/// The layout of a floating-point type of at most 16 bits.
struct SmallFloat {
  /// What the largest exponents and the negative zero mean.
  private enum Specials {
    /// The largest exponent holds infinities and NaNs.
    case ieee
    /// Only all bits set is NaN; no infinities.
    case allOnes
    /// Only the negative zero is NaN; no infinities.
    case negativeZero
    /// All bit patterns are finite.
    case none
  }

  private let exponentBits: UInt32
  private let mantissaBits: UInt32
  private let bias: Int
  private let specials: Specials
  private let signed: Bool

  /// The layout of `element`, which must be a float type of at most 16 bits.
  init(_ element: ElementType) {
    signed = element != .f8e8m0
    switch element {
    case .f16: (exponentBits, mantissaBits, bias, specials) = (5, 10, 15, .ieee)
    case .bf16: (exponentBits, mantissaBits, bias, specials) = (8, 7, 127, .ieee)
    case .f8e5m2: (exponentBits, mantissaBits, bias, specials) = (5, 2, 15, .ieee)
    case .f8e5m2fnuz: (exponentBits, mantissaBits, bias, specials) = (5, 2, 16, .negativeZero)
    case .f8e4m3fn: (exponentBits, mantissaBits, bias, specials) = (4, 3, 7, .allOnes)
    case .f8e4m3fnuz: (exponentBits, mantissaBits, bias, specials) = (4, 3, 8, .negativeZero)
    case .f8e8m0: (exponentBits, mantissaBits, bias, specials) = (8, 0, 127, .allOnes)
    case .f4e2m1: (exponentBits, mantissaBits, bias, specials) = (2, 1, 1, .none)
    case .bool, .i2, .i4, .i8, .i16, .i32, .i64, .u2, .u4, .u8, .u16, .u32, .u64, .f32, .f64, .c64, .c128, .string:
      fatalError("\(element) is not a small float type")
    }
  }

  /// The value of a bit pattern.
  func double(bits: UInt32) -> Double {
    let mantissa = bits & (1 << mantissaBits - 1)
    let exponent = bits >> mantissaBits & (1 << exponentBits - 1)
    let negative = signed && bits >> (exponentBits + mantissaBits) & 1 == 1
    let largest = exponent == 1 << exponentBits - 1
    switch specials {
    case .ieee where largest: return mantissa != 0 ? .nan : negative ? -.infinity : .infinity
    case .allOnes where largest && mantissa == 1 << mantissaBits - 1: return .nan
    case .negativeZero where negative && exponent == 0 && mantissa == 0: return .nan
    case .ieee, .allOnes, .negativeZero, .none: break
    }
    let subnormal = exponent == 0 && signed
    let fraction = Double(mantissa) / Double(UInt32(1) << mantissaBits) + (subnormal ? 0 : 1)
    let scale = Double(sign: .plus, exponent: (subnormal ? 1 : Int(exponent)) - bias, significand: 1)
    return negative ? -fraction * scale : fraction * scale
  }
}
