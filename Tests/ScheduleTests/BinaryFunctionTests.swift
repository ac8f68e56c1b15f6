import Glibc
import Support
import TensorIR
import Testing

@Suite struct BinaryFunctionTests {
  @Test func power() throws {
    try check(.power, -20...20, single: 2, double: 2) { pow($0, $1) }
  }

  @Test func angle() throws {
    try check(.atan2, -3...3, single: 2, double: 4) { atan2($0, $1) }
  }

  @Test func remainder() throws {
    try check(.remainder, -1e6...1e6, single: 0, double: 0, where: { abs($0 / $1) < 0x1p70 && abs($1) > 1e-280 }) {
      fmod($0, $1)
    }
  }

  @Test func floorRemainder() throws {
    try check(.floorRemainder, -1e6...1e6, single: 1, double: 1, where: { abs($0 / $1) < 0x1p70 && abs($1) > 1e-280 }) {
      let rest = fmod($0, $1)
      return rest != 0 && (rest < 0) != ($1 < 0) ? rest + $1 : rest
    }
  }

  private func check(
    _ op: ScalarBinary, _ range: ClosedRange<Double>, single: Double, double: Double,
    where isValid: (Float80, Float80) -> Bool = { _, _ in true }, _ reference: (Float80, Float80) -> Float80
  ) throws {
    let singles: Accuracy = try measure(op, pairs(range, Float.self), isValid, reference)
    #expect(singles.units <= single, "f32 \(singles)")
    let doubles: Accuracy = try measure(op, pairs(range, Double.self), isValid, reference)
    #expect(doubles.units <= double, "f64 \(doubles)")
  }

  /// All pairs of special values, then pairs of samples.
  private func pairs<Value: BinaryFloatingPoint>(_ range: ClosedRange<Double>, _: Value.Type) -> [[Value]]
  where Value.RawSignificand: FixedWidthInteger {
    let many = samples(range, 20_000, Value.self)
    let special = many.prefix(34)
    var left = special.flatMap { x in special.map { _ in x } }
    var right = special.flatMap { _ in special.map { $0 } }
    left += many
    right += many.reversed()
    left += many
    right += many.indices.map { Value(Int($0 % 41) - 20) / 2 }
    return [left, right]
  }

  private func measure<Value: BinaryFloatingPoint & BitwiseCopyable>(
    _ op: ScalarBinary, _ operands: [[Value]], _ isValid: (Float80, Float80) -> Bool,
    _ reference: (Float80, Float80) -> Float80
  ) throws -> Accuracy {
    let type: ElementType = MemoryLayout<Value>.size == 4 ? .f32 : .f64
    let function = try CompiledFunction([type, type], count: operands[0].count) { $0.binary(op, $1[0], $1[1]) }
    let results = function(operands, Value.self)
    var accuracy = Accuracy()
    for (index, result) in results.enumerated() {
      let (x, y) = (Float80(operands[0][index]), Float80(operands[1][index]))
      if x.isFinite && y.isFinite && !isValid(x, y) { continue }
      accuracy.note(result, reference(x, y), at: "\(x), \(y)")
    }
    return accuracy
  }
}
