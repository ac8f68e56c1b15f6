import Glibc
import Support
import TensorIR
import Testing

/// One function with its bounds in units of the last place.
struct FunctionCase: Sendable, CustomTestStringConvertible {
  var op: ScalarUnary
  /// Where arguments are dense.
  var range: ClosedRange<Double>
  /// Where the bound holds.
  var valid: ClosedRange<Double> = -Double.infinity...Double.infinity
  var single: Double
  var double: Double
  var reference: @Sendable (Float80) -> Float80

  var testDescription: String { op.rawValue }
}

private let functions: [FunctionCase] = [
  FunctionCase(op: .exp, range: -110...95, single: 1, double: 1) { exp($0) },
  FunctionCase(op: .log, range: 0...4, single: 1, double: 1) { log($0) },
  FunctionCase(op: .tanh, range: -10...10, single: 1.5, double: 2) { tanh($0) },
  FunctionCase(op: .sigmoid, range: -110...40, single: 2, double: 2) { 1 / (1 + exp(-$0)) },
  FunctionCase(op: .erf, range: -5...5, single: 1.5, double: 1.5) { erf($0) },
  FunctionCase(op: .expm1, range: -20...20, single: 1.5, double: 2) { expm1($0) },
  FunctionCase(op: .log1p, range: -1...3, single: 1, double: 1) { log1p($0) },
  FunctionCase(op: .sin, range: -100...100, valid: -1e5...1e5, single: 0.6, double: 1) { sin($0) },
  FunctionCase(op: .cos, range: -100...100, valid: -1e5...1e5, single: 0.6, double: 1) { cos($0) },
  FunctionCase(op: .tan, range: -100...100, valid: -1e5...1e5, single: 0.6, double: 2.5) { tan($0) },
  FunctionCase(op: .asin, range: -1...1, single: 0.6, double: 2) { asin($0) },
  FunctionCase(op: .acos, range: -1...1, single: 0.6, double: 1.5) { acos($0) },
  FunctionCase(op: .atan, range: -5...5, single: 0.6, double: 1.2) { atan($0) },
  FunctionCase(op: .sinh, range: -95...95, single: 0.6, double: 2) { sinh($0) },
  FunctionCase(op: .cosh, range: -95...95, single: 0.6, double: 1.5) { cosh($0) },
  FunctionCase(op: .asinh, range: -5...5, single: 0.6, double: 2) { asinh($0) },
  FunctionCase(op: .acosh, range: 1...10, single: 0.6, double: 2) { acosh($0) },
  FunctionCase(op: .atanh, range: -1...1, single: 0.6, double: 2) { atanh($0) },
]

@Suite struct FunctionTests {
  @Test(arguments: functions) func single(_ test: FunctionCase) throws {
    let values = samples(test.range, 100_000, Float.self).filter { isValid($0, test) }
    let function = try CompiledFunction([.f32], count: values.count) { $0.unary(test.op, $1[0]) }
    var accuracy = Accuracy()
    for (value, result) in zip(values, function([values], Float.self)) {
      accuracy.note(result, test.reference(Float80(value)), at: "\(value)")
    }
    #expect(accuracy.units <= test.single, "\(accuracy)")
  }

  @Test(arguments: functions) func double(_ test: FunctionCase) throws {
    let values = samples(test.range, 20_000, Double.self).filter { isValid($0, test) }
    let function = try CompiledFunction([.f64], count: values.count) { $0.unary(test.op, $1[0]) }
    var accuracy = Accuracy()
    for (value, result) in zip(values, function([values], Double.self)) {
      accuracy.note(result, test.reference(Float80(value)), at: "\(value)")
    }
    #expect(accuracy.units <= test.double, "\(accuracy)")
  }

  /// What is smaller than every normal number may be 0.
  @Test func decay() throws {
    try checkDecay(.f32, -110...0, Float.self)
    try checkDecay(.f64, -750...0, Double.self)
  }

  private func checkDecay<Value: BinaryFloatingPoint & BitwiseCopyable>(
    _ type: ElementType, _ range: ClosedRange<Double>, _: Value.Type
  ) throws where Value.RawSignificand: FixedWidthInteger {
    let values = samples(range, 50_000, Value.self).filter { !($0 > 0) }
    let function = try CompiledFunction([type], count: values.count) { $0.unary(.decay, $1[0]) }
    var accuracy = Accuracy()
    for (value, result) in zip(values, function([values], Value.self)) {
      let exact = exp(Float80(value))
      if result == 0, exact < Float80(Value.leastNormalMagnitude) { continue }
      accuracy.note(result, exact, at: "\(value)")
    }
    #expect(accuracy.units <= 1, "\(accuracy)")
  }

  private func isValid<Value: BinaryFloatingPoint>(_ value: Value, _ test: FunctionCase) -> Bool {
    value.isNaN || value.isInfinite || test.valid.contains(Double(value))
  }
}
