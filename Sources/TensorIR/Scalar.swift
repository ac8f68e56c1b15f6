import Glibc
import Support

/// Arithmetic on single elements, as the evaluator and the simplifier do it.
public enum Scalar {
  /// The value rounded to the type, ties to even.
  public static func round(_ value: Double, _ element: ElementType) -> Double {
    switch element {
    case .f32: Double(Float(value))
    case .f16, .bf16, .f4e2m1, .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .f8e8m0:
      SmallFloat.decode(element, SmallFloat.encode(element, value))
    case .f64, .bool, .i2, .i4, .i8, .i16, .i32, .i64, .u2, .u4, .u8, .u16, .u32, .u64, .c64, .c128, .string: value
    }
  }

  /// Conversion of a float to another float type; infinity saturates where the type has less than 16 bits.
  static func float(_ value: Double, _ element: ElementType) -> Double {
    guard value.isInfinite, let layout = SmallFloatLayout(element) else { return round(value, element) }
    return value > 0 ? layout.greatestNumber : -layout.greatestNumber
  }

  /// The value modulo 2 to the width, as an integer of the type; `u64` keeps its bits.
  static func wrap(_ value: Int, _ element: ElementType) -> Int {
    let shift = 64 - element.bits
    if element == .bool { return value != 0 ? 1 : 0 }
    if element.isSignedInteger { return (value << shift) >> shift }
    return Int(bitPattern: (UInt(bitPattern: value) << UInt(shift)) >> UInt(shift))
  }

  static func less(_ a: Int, _ b: Int, _ element: ElementType) -> Bool {
    element == .u64 ? UInt(bitPattern: a) < UInt(bitPattern: b) : a < b
  }

  static func least(_ element: ElementType) -> Int {
    element.isSignedInteger ? Int.min >> (64 - element.bits) : 0
  }

  static func greatest(_ element: ElementType) -> Int {
    if element == .bool { return 1 }
    if element.isSignedInteger { return Int.max >> (64 - element.bits) }
    return Int(bitPattern: UInt.max >> UInt(64 - element.bits))
  }

  /// Conversion of a float to an integer type: truncates, saturates at the 64-bit range, then wraps; NaN is 0.
  static func integer(_ value: Double, _ element: ElementType) -> Int {
    if element == .bool { return value != 0 ? 1 : 0 }
    if value.isNaN { return 0 }
    if element == .u64, value >= 9.2e18 { return Int(bitPattern: value >= 1.8446744073709552e19 ? .max : UInt(value)) }
    if value >= 9.2233720368547758e18 { return wrap(.max, element) }
    if value <= -9.2233720368547758e18 { return wrap(.min, element) }
    return wrap(Int(value), element)
  }

  static func unary(_ op: ScalarUnary, _ x: Double) -> Double {
    switch op {
    case .negate: -x
    case .abs: Swift.abs(x)
    case .sqrt: x.squareRoot()
    case .floor: Glibc.floor(x)
    case .ceil: Glibc.ceil(x)
    case .trunc: Glibc.trunc(x)
    case .rint: x.rounded(.toNearestOrEven)
    case .exp, .decay: Glibc.exp(x)
    case .log: Glibc.log(x)
    case .sin: Glibc.sin(x)
    case .cos: Glibc.cos(x)
    case .tan: Glibc.tan(x)
    case .asin: Glibc.asin(x)
    case .acos: Glibc.acos(x)
    case .atan: Glibc.atan(x)
    case .sinh: Glibc.sinh(x)
    case .cosh: Glibc.cosh(x)
    case .tanh: Glibc.tanh(x)
    case .asinh: Glibc.asinh(x)
    case .acosh: Glibc.acosh(x)
    case .atanh: Glibc.atanh(x)
    case .erf: Glibc.erf(x)
    case .log1p: Glibc.log1p(x)
    case .expm1: Glibc.expm1(x)
    case .sigmoid: 1 / (1 + Glibc.exp(-x))
    case .not, .popcount: fatalError("\(op) of a float")
    }
  }

  static func unary(_ op: ScalarUnary, _ x: Int, _ element: ElementType) -> Int {
    switch op {
    case .negate: return wrap(0 &- x, element)
    case .abs: return wrap(x < 0 && element.isSignedInteger ? 0 &- x : x, element)
    case .not: return element == .bool ? 1 - x : wrap(~x, element)
    case .popcount: return UInt(bitPattern: wrap(x, element)).nonzeroBitCount
    case .floor, .ceil, .trunc, .rint: return x
    case .sqrt, .exp, .log, .sin, .cos, .tan, .asin, .acos, .atan, .sinh, .cosh, .tanh, .asinh, .acosh, .atanh, .erf,
      .sigmoid, .log1p, .expm1, .decay:
      fatalError("\(op) of an integer")
    }
  }

  static func binary(_ op: ScalarBinary, _ x: Double, _ y: Double) -> Double {
    switch op {
    case .add: x + y
    case .subtract: x - y
    case .multiply: x * y
    case .divide: x / y
    case .remainder: fmod(x, y)
    case .floorDivide: Glibc.floor(x / y)
    case .floorRemainder: x - Glibc.floor(x / y) * y
    case .min: x < y ? x : y
    case .max: x > y ? x : y
    case .power: pow(x, y)
    case .atan2: Glibc.atan2(x, y)
    case .and, .or, .xor, .shiftLeft, .shiftRight: fatalError("\(op) of floats")
    }
  }

  /// Nil where the operation is undefined, such as a division by zero.
  static func binary(_ op: ScalarBinary, _ x: Int, _ y: Int, _ element: ElementType) -> Int? {
    let unsigned = element == .u64
    switch op {
    case .add: return wrap(x &+ y, element)
    case .subtract: return wrap(x &- y, element)
    case .multiply: return wrap(x &* y, element)
    case .divide, .remainder, .floorDivide, .floorRemainder:
      if y == 0 || (y == -1 && !unsigned) { return y == 0 ? nil : (op == .divide || op == .floorDivide ? wrap(0 &- x, element) : 0) }
      if unsigned {
        let (quotient, rest) = UInt(bitPattern: x).quotientAndRemainder(dividingBy: UInt(bitPattern: y))
        return Int(bitPattern: op == .divide || op == .floorDivide ? quotient : rest)
      }
      switch op {
      case .divide: return x / y
      case .remainder: return x % y
      case .floorDivide: return Dim.floorQuotient(x, y)
      default: return x - Dim.floorQuotient(x, y) * y
      }
    case .min: return less(x, y, element) ? x : y
    case .max: return less(y, x, element) ? x : y
    case .and: return x & y
    case .or: return x | y
    case .xor: return x ^ y
    case .shiftLeft: return (0..<element.bits).contains(y) ? wrap(x << y, element) : nil
    case .shiftRight:
      guard (0..<element.bits).contains(y) else { return nil }
      return element.isSignedInteger ? x >> y : Int(bitPattern: UInt(bitPattern: x) >> UInt(y))
    case .power, .atan2: return nil
    }
  }

  static func compare(_ op: ScalarCompare, _ x: Double, _ y: Double) -> Bool {
    switch op {
    case .equal: x == y
    case .notEqual: x != y
    case .less: x < y
    case .lessOrEqual: x <= y
    case .greater: x > y
    case .greaterOrEqual: x >= y
    }
  }

  static func compare(_ op: ScalarCompare, _ x: Int, _ y: Int, _ element: ElementType) -> Bool {
    switch op {
    case .equal: x == y
    case .notEqual: x != y
    case .less: less(x, y, element)
    case .lessOrEqual: !less(y, x, element)
    case .greater: less(y, x, element)
    case .greaterOrEqual: !less(x, y, element)
    }
  }
}
