import Support
import TensorIR
import Testing

/// The largest error of a function in units of the last place, and where it is.
struct Accuracy: CustomStringConvertible {
  var units = 0.0
  var place = ""

  mutating func note<Value: BinaryFloatingPoint, Reference: BinaryFloatingPoint>(
    _ value: Value, _ reference: Reference, at place: @autoclosure () -> String
  ) {
    let expected = Value(reference)
    if value.isNaN && expected.isNaN { return }
    if value == expected {
      if value != 0 || value.sign == expected.sign { return }
      record(.infinity, "\(place()): \(value) for \(expected)")
      return
    }
    let unit = expected.isFinite ? expected.ulp : Value.greatestFiniteMagnitude.ulp
    let greatest = Reference(Value.greatestFiniteMagnitude)
    let target = expected.isFinite ? reference : expected.sign == .minus ? -greatest : greatest
    let error = Double(abs(Reference(value) - target) / Reference(unit))
    record(error.isNaN ? .infinity : error, "\(place()): \(value) for \(expected)")
  }

  private mutating func record(_ units: Double, _ place: @autoclosure () -> String) {
    if units > self.units { (self.units, self.place) = (units, place()) }
  }

  var description: String { "\(units) units at \(place)" }
}

/// Arguments: special values, then magnitudes and values spread over a range.
func samples<Value: BinaryFloatingPoint>(_ range: ClosedRange<Double>, _ count: Int, _: Value.Type) -> [Value]
where Value.RawSignificand: FixedWidthInteger {
  var state: UInt64 = 88_172_645_463_325_252
  func random() -> Double {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return Double(state >> 11) * 0x1p-53
  }
  let tiny = Value.leastNonzeroMagnitude
  var values: [Value] = [
    0, 1, .infinity, .nan, tiny, tiny * 3, .leastNormalMagnitude, .leastNormalMagnitude - tiny,
    .greatestFiniteMagnitude,
    0.5, 2, Value(1).nextUp, Value(1).nextDown, 3, 1.5, 100, 10000,
  ]
  values += values.map { -$0 }
  while values.count < count / 2 {
    values.append(Value(range.lowerBound + (range.upperBound - range.lowerBound) * random()))
  }
  let exponents = Double(Value.leastNormalMagnitude.exponent)
  while values.count < count {
    let exponent = Int((random() * 2 - 1) * -exponents)
    let sign: FloatingPointSign = random() < 0.5 ? .minus : .plus
    let value = Value(sign: sign, exponent: Value.Exponent(exponent), significand: Value(1 + random()))
    values.append(value)
  }
  return values
}
