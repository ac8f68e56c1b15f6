import Glibc
import Support

/// The meaning of the operations of Loop IR on the bits of single elements.
enum LaneMath {
  /// The bits of an integer or `bool`, extended by its sign; of a `u64` its bits.
  static func integer(_ bits: UInt64, _ element: ElementType) -> Int {
    let shift = UInt64(64 - element.bits)
    let left = Int(truncatingIfNeeded: bits << shift)
    return element.isSignedInteger
      ? left >> Int(shift) : Int(truncatingIfNeeded: UInt64(bitPattern: Int64(left)) >> shift)
  }

  /// The bits of an integer wrapped to a type.
  static func bits(_ value: Int, _ element: ElementType) -> UInt64 {
    let shift = UInt64(64 - element.bits)
    return (UInt64(bitPattern: Int64(value)) << shift) >> shift
  }

  /// The bits of a float rounded to a type.
  static func bits(_ value: Double, _ element: ElementType) -> UInt64 {
    switch element {
    case .f16: UInt64(Float16(value).bitPattern)
    case .f32: bits(Float(value))
    default: value.bitPattern
    }
  }

  /// The value of the bits of a float.
  private static func double(_ bits: UInt64, _ element: ElementType) -> Double {
    switch element {
    case .f16: Double(Float16(bitPattern: UInt16(truncatingIfNeeded: bits)))
    case .f32: Double(single(bits))
    default: Double(bitPattern: bits)
    }
  }

  private static func bits(_ value: Float) -> UInt64 { UInt64(value.bitPattern) }

  private static func single(_ bits: UInt64) -> Float { Float(bitPattern: UInt32(truncatingIfNeeded: bits)) }

  static func unary(_ op: UnaryOp, _ x: UInt64, _ element: ElementType) -> UInt64 {
    if element == .f32 { return bits(float(op, single(x))) }
    if element == .f64 { return float(op, Double(bitPattern: x)).bitPattern }
    let value = integer(x, element)
    switch op {
    case .negate: return bits(0 &- value, element)
    case .abs: return bits(value < 0 && element.isSignedInteger ? 0 &- value : value, element)
    case .not: return element == .bool ? 1 - x : bits(~value, element)
    case .countLeadingZeros: return UInt64(x.leadingZeroBitCount - (64 - element.bits))
    case .countTrailingZeros: return UInt64(min(element.bits, x.trailingZeroBitCount))
    case .popcount: return UInt64(x.nonzeroBitCount)
    case .sqrt, .floor, .ceil, .trunc, .rint: fatalError("\(op) of \(element)")
    }
  }

  private static func float<Value: BinaryFloatingPoint>(_ op: UnaryOp, _ x: Value) -> Value {
    switch op {
    case .negate: -x
    case .abs: x.magnitude
    case .sqrt: x.squareRoot()
    case .floor: x.rounded(.down)
    case .ceil: x.rounded(.up)
    case .trunc: x.rounded(.towardZero)
    case .rint: x.rounded(.toNearestOrEven)
    case .not, .countLeadingZeros, .countTrailingZeros, .popcount: fatalError("\(op) of a float")
    }
  }

  /// Nil where the operation is undefined, such as a division by zero.
  static func binary(_ op: BinaryOp, _ x: UInt64, _ y: UInt64, _ element: ElementType) -> UInt64? {
    if element == .f32 { return bits(float(op, single(x), single(y))) }
    if element == .f64 { return float(op, Double(bitPattern: x), Double(bitPattern: y)).bitPattern }
    let (a, b) = (integer(x, element), integer(y, element))
    let isLess = element.isSignedInteger ? a < b : x < y
    switch op {
    case .add: return bits(a &+ b, element)
    case .subtract: return bits(a &- b, element)
    case .multiply: return bits(a &* b, element)
    case .divide: return quotient(x, y, element).map { bits($0.quotient, element) }
    case .remainder: return quotient(x, y, element).map { bits($0.remainder, element) }
    case .floorDivide, .floorRemainder:
      guard !element.isSignedInteger || b > 0, let (quotient, remainder) = quotient(x, y, element) else { return nil }
      let isBelow = element.isSignedInteger && remainder < 0
      return bits(op == .floorDivide ? quotient - (isBelow ? 1 : 0) : remainder &+ (isBelow ? b : 0), element)
    case .min: return isLess ? x : y
    case .max: return isLess || x == y ? y : x
    case .and: return x & y
    case .or: return x | y
    case .xor: return x ^ y
    case .shiftLeft: return (0..<element.bits).contains(b) ? bits(a << b, element) : nil
    case .shiftRight:
      guard (0..<element.bits).contains(b) else { return nil }
      return element.isSignedInteger ? bits(a >> b, element) : x >> y
    }
  }

  /// Truncating division; nil by 0 and of the least integer by -1.
  private static func quotient(_ x: UInt64, _ y: UInt64, _ element: ElementType) -> (quotient: Int, remainder: Int)? {
    if y == 0 { return nil }
    guard element.isSignedInteger else {
      return (Int(truncatingIfNeeded: x / y), Int(truncatingIfNeeded: x % y))
    }
    let (a, b) = (integer(x, element), integer(y, element))
    if b == -1, a == Int.min >> (64 - element.bits) { return nil }
    return (a / b, a % b)
  }

  private static func float<Value: BinaryFloatingPoint>(_ op: BinaryOp, _ x: Value, _ y: Value) -> Value {
    switch op {
    case .add: x + y
    case .subtract: x - y
    case .multiply: x * y
    case .divide: x / y
    case .min: x < y ? x : y
    case .max: x > y ? x : y
    case .remainder, .floorDivide, .floorRemainder, .and, .or, .xor, .shiftLeft, .shiftRight:
      fatalError("\(op) of floats")
    }
  }

  static func multiplyAdd(_ x: UInt64, _ y: UInt64, _ z: UInt64, _ element: ElementType) -> UInt64 {
    element == .f32
      ? bits(single(z).addingProduct(single(x), single(y)))
      : Double(bitPattern: z).addingProduct(Double(bitPattern: x), Double(bitPattern: y)).bitPattern
  }

  /// `z` plus the products of the numbers of two groups: `bf16` halves for `f32` sums, `u8` and `i8` bytes for `i32` sums.
  static func multiplyAddGroups(_ x: UInt64, _ y: UInt64, _ z: UInt64, _ sum: ElementType) -> UInt64 {
    sum == .f32 ? multiplyAddHalves(x, y, z) : multiplyAddBytes(x, y, z)
  }

  private static func multiplyAddBytes(_ x: UInt64, _ y: UInt64, _ z: UInt64) -> UInt64 {
    let products = (0..<4).map { byte in
      Int(UInt8(truncatingIfNeeded: x >> (8 * byte))) * Int(Int8(truncatingIfNeeded: y >> (8 * byte)))
    }
    return bits(products.reduce(integer(z, .i32), +), .i32)
  }

  private static func multiplyAddHalves(_ x: UInt64, _ y: UInt64, _ z: UInt64) -> UInt64 {
    let high: UInt64 = 0xffff_0000
    let sum = single(z).addingProduct(single(x & high), single(y & high))
    return bits(sum.addingProduct(single(x << 16 & high), single(y << 16 & high)))
  }

  static func compare(_ op: CompareOp, _ x: UInt64, _ y: UInt64, _ element: ElementType) -> Bool {
    if element == .f32 { return ordered(op, single(x), single(y)) }
    if element == .f64 { return ordered(op, Double(bitPattern: x), Double(bitPattern: y)) }
    return element.isSignedInteger ? ordered(op, integer(x, element), integer(y, element)) : ordered(op, x, y)
  }

  private static func ordered<Value: Comparable>(_ op: CompareOp, _ x: Value, _ y: Value) -> Bool {
    switch op {
    case .equal: x == y
    case .notEqual: x != y
    case .less: x < y
    case .lessOrEqual: x <= y
    case .greater: x > y
    case .greaterOrEqual: x >= y
    }
  }

  static func cast(_ x: UInt64, _ from: ElementType, _ to: ElementType) -> UInt64 {
    if from == to { return x }
    if from.isFloat {
      let value = double(x, from)
      if to.isFloat { return bits(value, to) }
      if to == .bool { return value != 0 ? 1 : 0 }
      // Out of range any value is right.
      if to == .u64 { return UInt64(exactly: value.rounded(.towardZero)) ?? 0 }
      return bits(Int(exactly: value.rounded(.towardZero)) ?? 0, to)
    }
    let value = integer(x, from)
    if to == .bool { return value != 0 ? 1 : 0 }
    if !to.isFloat { return bits(value, to) }
    if to == .f32 { return bits(from == .u64 ? Float(x) : Float(value)) }
    return (from == .u64 ? Double(x) : Double(value)).bitPattern
  }
}
