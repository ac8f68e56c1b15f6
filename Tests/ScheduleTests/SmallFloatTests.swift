import Support
import TensorIR
import Testing

/// A format below 16 bits as lists of values, made from the definition.
private struct Format: Sendable, CustomTestStringConvertible {
  var element: ElementType
  var bits: Int
  var mantissa: Int
  var bias: Int
  /// The codes without sign that are no numbers.
  var specials: Set<Int>

  var testDescription: String { element.rawValue }

  func value(_ code: Int) -> Double {
    let exponent = code >> mantissa
    let fraction = Double(code % (1 << mantissa)) / Double(1 << mantissa)
    let scale = Double(sign: .plus, exponent: max(exponent, 1) - bias, significand: 1)
    return (exponent == 0 ? fraction : 1 + fraction) * scale
  }
}

private let formats = [
  Format(element: .f4e2m1, bits: 4, mantissa: 1, bias: 1, specials: []),
  Format(element: .f8e4m3fn, bits: 8, mantissa: 3, bias: 7, specials: [127]),
  Format(element: .f8e4m3fnuz, bits: 8, mantissa: 3, bias: 8, specials: []),
  Format(element: .f8e5m2, bits: 8, mantissa: 2, bias: 15, specials: [124, 125, 126, 127]),
  Format(element: .f8e5m2fnuz, bits: 8, mantissa: 2, bias: 16, specials: []),
]

@Suite struct SmallFloatTests {
  @Test(arguments: formats) fileprivate func decodes(_ format: Format) throws {
    let codes = (0..<1 << (format.bits - 1)).filter { !format.specials.contains($0) }
    let bytes = codes.map { UInt8($0) }
    let results = try CompiledFunction([format.element], count: bytes.count) {
      $0.cast($1[0], to: .f32)
    }([bytes], Float.self)
    for (code, result) in zip(codes, results) { #expect(Double(result) == format.value(code)) }
  }

  @Test(arguments: formats) fileprivate func encodes(_ format: Format) throws {
    let codes = (0..<1 << (format.bits - 1)).filter { !format.specials.contains($0) }
    let exact = codes.map { Float(format.value($0)) }
    let between = zip(exact, exact.dropFirst()).map { ($0 + $1) / 2 }
    var values = exact + between + between.map(\.nextUp) + between.map(\.nextDown) + [.infinity, 1e9, 1e-9]
    values += values.map { -$0 }
    let results = try CompiledFunction([.f32], count: values.count) {
      $0.cast($1[0], to: format.element)
    }([values], UInt8.self)
    let constant = ConstantTensor(format.element, dims: [values.count], doubles: values.map { Double($0) })
    for (index, value) in values.enumerated() {
      let magnitude = Double(abs(value))
      let nearest = codes.min { a, b in
        let (x, y) = (abs(format.value(a) - magnitude), abs(format.value(b) - magnitude))
        return x != y ? x < y : a % 2 < b % 2
      } ?? 0
      let code = magnitude.isInfinite ? codes.count - 1 : nearest
      let hasNegative = value.sign == .minus && !(code == 0 && format.element.rawValue.hasSuffix("uz"))
      let expected = UInt8(hasNegative ? code | 1 << (format.bits - 1) : code)
      #expect(results[index] == expected, "\(value)")
      // Casts saturate from infinity; constants keep it.
      let keeps = magnitude.isInfinite && format.element == .f8e5m2
      #expect(constant.bytes[index] == (keeps ? expected + 1 : expected), "constant \(value)")
    }
  }

  @Test func movesKeepInfinity() throws {
    let bytes: [UInt8] = [0x7b, 0x7c, 0xfb, 0xfc]
    let results = try CompiledFunction([.f8e5m2], count: bytes.count) { graph, values in
      let zero = graph.number(0, .f8e5m2)
      return graph.select(graph.compare(.equal, values[0], zero), zero, values[0])
    }([bytes], UInt8.self)
    #expect(results == bytes)
  }

  @Test func roundsDoublesOnce() throws {
    let halves = (0...0x7bff).map { Double(Float16(bitPattern: $0)) }
    let between = zip(halves, halves.dropFirst()).map { ($0 + $1) / 2 }
    let values = between + between.map(\.nextUp) + between.map(\.nextDown) + [1e300, -1e300, .infinity, 1e-300]
    let results = try CompiledFunction([.f64], count: values.count) { $0.cast($1[0], to: .f16) }([values], Float16.self)
    for (value, result) in zip(values, results) { #expect(result == Float16(value), "\(value)") }
  }
}
