import LoopIR
import Support

/// Every operation on every type that it takes.
public let operationCases: [LoopIRCase] =
  integerCases(Int8.self) + integerCases(Int16.self) + integerCases(Int32.self) + integerCases(Int64.self)
  + integerCases(UInt8.self) + integerCases(UInt16.self) + integerCases(UInt32.self) + integerCases(UInt64.self)
  + floatCases(Float.self) + floatCases(Double.self) + boolCases + bitcastCases

private func integerCases<T: Scalar & FixedWidthInteger>(_ type: T.Type) -> [LoopIRCase] {
  let values: [T] = [0, 1, 2, 3, 7, 10, 100, .max, .max - 1, .min, .min &+ 1, 0 &- 1, 0 &- 7, 0 &- 10]
  let isDivision: (T, T) -> Bool = { $1 != 0 && !($0 == .min && $1 == 0 &- 1) }
  let isFloor: (T, T) -> Bool = { $1 > 0 }
  let isShift: (T, T) -> Bool = { $1 >= 0 && $1 < T.bitWidth }
  func floorRemainder(_ a: T, _ b: T) -> T {
    let remainder = a % b
    return remainder < 0 ? remainder + b : remainder
  }
  func floorDivide(_ a: T, _ b: T) -> T { a / b - (a % b < 0 ? 1 : 0) }
  let arithmetic =
    binary(.add, values, &+) + binary(.subtract, values, &-) + binary(.multiply, values, &*)
    + binary(.divide, values, where: isDivision, /) + binary(.remainder, values, where: isDivision, %)
    + binary(.floorDivide, values, where: isFloor, floorDivide)
    + binary(.floorRemainder, values, where: isFloor, floorRemainder)
    + binary(.min, values, Swift.min) + binary(.max, values, Swift.max)
  let bits =
    binary(.and, values, &) + binary(.or, values, |) + binary(.xor, values, ^)
    + binary(.shiftLeft, values, where: isShift, &<<) + binary(.shiftRight, values, where: isShift, &>>)
    + unary(.not, values, ~) + unary(.countLeadingZeros, values) { T($0.leadingZeroBitCount) }
    + unary(.countTrailingZeros, values) { T($0.trailingZeroBitCount) }
    + unary(.popcount, values) { T($0.nonzeroBitCount) }
  let signs = unary(.negate, values) { 0 &- $0 } + unary(.abs, values) { $0 < 0 ? 0 &- $0 : $0 }
  let powers = [1, 4, 64].flatMap { divisor in
    maps("floorDivide by \(divisor)", [values], result: values.map { floorDivide($0, T(divisor)) }) {
      .binary(.floorDivide, $0[0], constant(divisor, like: $0[0]))
    } + maps("floorRemainder by \(divisor)", [values], result: values.map { floorRemainder($0, T(divisor)) }) {
      .binary(.floorRemainder, $0[0], constant(divisor, like: $0[0]))
    }
  }
  let limits = [T.min, T.max].flatMap { limit in
    let literal = Int(truncatingIfNeeded: limit)
    return maps("less than limit", [values], result: values.map { $0 < limit }) {
      .compare(.less, $0[0], constant(literal, like: $0[0]))
    } + maps("greaterOrEqual limit", [values], result: values.map { $0 >= limit }) {
      .compare(.greaterOrEqual, $0[0], constant(literal, like: $0[0]))
    }
  }
  return arithmetic + bits + signs + powers + limits + comparisons(values) + integerCasts(values)
}

/// A literal with as many lanes as another expression.
private func constant(_ value: Int, like other: Expr) -> Expr {
  let literal = Expr.integer(value, other.type.element)
  return other.type.lanes == 1 ? literal : .splat(literal, lanes: other.type.lanes)
}

private func comparisons<T: Scalar & Comparable>(_ values: [T]) -> [LoopIRCase] {
  compare(.equal, values, ==) + compare(.notEqual, values, !=) + compare(.less, values, <)
    + compare(.lessOrEqual, values, <=) + compare(.greater, values, >) + compare(.greaterOrEqual, values, >=)
}

private func integerCasts<T: Scalar & FixedWidthInteger>(_ values: [T]) -> [LoopIRCase] {
  cast(values) { Int8(truncatingIfNeeded: $0) } + cast(values) { Int16(truncatingIfNeeded: $0) }
    + cast(values) { Int32(truncatingIfNeeded: $0) } + cast(values) { Int64(truncatingIfNeeded: $0) }
    + cast(values) { UInt8(truncatingIfNeeded: $0) } + cast(values) { UInt16(truncatingIfNeeded: $0) }
    + cast(values) { UInt32(truncatingIfNeeded: $0) } + cast(values) { UInt64(truncatingIfNeeded: $0) }
    + cast(values) { Float($0) } + cast(values) { Double($0) } + cast(values) { $0 != 0 }
}

private func floatCases<T: Scalar & BinaryFloatingPoint>(_ type: T.Type) -> [LoopIRCase] {
  let values: [T] = [
    0, -0.0, 0.25, 0.5, -0.5, 0.75, 1, 1.5, -1.5, 2.5, -2.5, 3.25, -7.75, 8_388_607.5, -8_388_607.5, 16_777_217, 1e30,
    -1e30, .infinity, -.infinity,
  ]
  let withNaN = values + [.nan]
  let small: [T] = [0, 0.25, 1, 1.5, 2.75, 100, 127]
  // The sign of a NaN that arithmetic makes is not defined, so such pairs stay out.
  let arithmetic =
    binary(.add, values, where: { !($0 + $1).isNaN }, +)
    + binary(.subtract, values, where: { !($0 - $1).isNaN }, -)
    + binary(.multiply, values, where: { !($0 * $1).isNaN }, *)
    + binary(.divide, values, where: { !($0 / $1).isNaN }, /)
    + binary(.min, withNaN) { $0 < $1 ? $0 : $1 } + binary(.max, withNaN) { $0 > $1 ? $0 : $1 }
  let rounding =
    unary(.floor, withNaN) { $0.rounded(.down) } + unary(.ceil, withNaN) { $0.rounded(.up) }
    + unary(.trunc, withNaN) { $0.rounded(.towardZero) } + unary(.rint, withNaN) { $0.rounded(.toNearestOrEven) }
  let others =
    unary(.negate, values) { -$0 } + unary(.abs, values) { $0.magnitude }
    + unary(.sqrt, values.filter { $0 >= 0 }) { $0.squareRoot() }
    + maps("multiplyAdd", [small, small, small], result: small.map { $0 * $0 + $0 }) {
      .multiplyAdd($0[0], $0[1], $0[2])
    }
  let casts =
    cast(small) { Int8($0) } + cast(small) { Int16($0) } + cast(small) { Int32($0) } + cast(small) { Int64($0) }
    + cast(small) { UInt8($0) } + cast(small) { UInt16($0) } + cast(small) { UInt32($0) } + cast(small) { UInt64($0) }
    + cast(values) { Float($0) } + cast(values) { Double($0) } + cast(withNaN) { $0 != 0 }
  return arithmetic + rounding + others + casts + comparisons(withNaN)
}

private let boolCases: [LoopIRCase] = {
  let values = [false, true]
  let numbers: [Float] = [-2, 0, 5, 1]
  let others: [Float] = numbers.reversed()
  return binary(.and, values) { $0 && $1 } + binary(.or, values) { $0 || $1 } + binary(.xor, values) { $0 != $1 }
    + unary(.not, values) { !$0 } + compare(.equal, values, ==) + compare(.notEqual, values, !=)
    + cast(values) { Int8($0 ? 1 : 0) } + cast(values) { UInt64($0 ? 1 : 0) } + cast(values) { Float($0 ? 1 : 0) }
    + cast(values) { Double($0 ? 1 : 0) } + cast(values) { $0 }
    + maps("select", [numbers, others], result: zip(numbers, others).map { $0 > $1 ? $0 : $1 * 2 }) {
      .select(.compare(.greater, $0[0], $0[1]), $0[0], .binary(.add, $0[1], $0[1]))
    }
}()

private let bitcastCases: [LoopIRCase] =
  bitcast([1, -0.0, .infinity, 3.5] as [Float]) { $0.bitPattern }
  + bitcast([0, 0x3F80_0000, 0xFF80_0000] as [UInt32]) { Float(bitPattern: $0) }
  + bitcast([1, -2.5] as [Double]) { Int64(bitPattern: $0.bitPattern) }
  + bitcast([0, 0x3FF0_0000_0000_0000] as [UInt64]) { Double(bitPattern: $0) }
  + bitcast([-1, 5] as [Int8]) { UInt8(bitPattern: $0) } + bitcast([-1, 5] as [Int32]) { UInt32(bitPattern: $0) }
