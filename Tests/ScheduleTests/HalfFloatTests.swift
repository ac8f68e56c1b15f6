import EmitLLVM
import Support
import TensorIR
import Testing

/// Conversions by arithmetic on bits, and by instructions where this processor has them.
private let conversions = LLVMOptions.host().hasHalves ? [false, true] : [false]

@Suite struct HalfFloatTests {
  @Test(arguments: conversions) func decodesEveryHalf(_ byInstructions: Bool) throws {
    let bits = (0...UInt16.max).map { $0 }
    let results = try CompiledFunction([.f16], count: bits.count, convertsHalves: byInstructions) {
      $0.cast($1[0], to: .f32)
    }([bits], Float.self)
    for (bits, result) in zip(bits, results) {
      let expected = Float(Float16(bitPattern: bits))
      #expect(result == expected && result.sign == expected.sign || result.isNaN && expected.isNaN, "\(bits)")
    }
  }

  @Test(arguments: conversions) func encodesLikeFloat16(_ byInstructions: Bool) throws {
    let halves = (0...UInt16.max).map { Float(Float16(bitPattern: $0)) }
    let between = halves.indices.dropLast().map { (halves[$0] + halves[$0 + 1]) / 2 }
    let values = samples(-70000...70000, 50_000, Float.self) + halves + between
      + between.map(\.nextUp) + between.map(\.nextDown)
    let results = try CompiledFunction([.f32], count: values.count, convertsHalves: byInstructions) {
      $0.cast($1[0], to: .f16)
    }([values], Float16.self)
    for (value, result) in zip(values, results) {
      let expected = Float16(value)
      #expect(result.bitPattern == expected.bitPattern || result.isNaN && expected.isNaN, "\(value): \(result)")
    }
  }

  @Test(arguments: conversions) func addsLikeFloat16(_ byInstructions: Bool) throws {
    let x = samples(-100...100, 20_000, Float.self).map { Float16($0) }
    let y = Array(x.reversed())
    let results = try CompiledFunction([.f16, .f16], count: x.count, convertsHalves: byInstructions) {
      $0.plus($1[0], $1[1])
    }([x, y], Float16.self)
    for index in x.indices {
      let expected = x[index] + y[index]
      #expect(results[index].bitPattern == expected.bitPattern || results[index].isNaN && expected.isNaN)
    }
  }

  @Test func brainFloats() throws {
    let values = samples(-100...100, 50_000, Float.self)
    let results = try CompiledFunction([.f32], count: values.count) { $0.cast($1[0], to: .bf16) }([values], UInt16.self)
    for (value, result) in zip(values, results) {
      if value.isNaN { #expect(Float(bitPattern: UInt32(result) << 16).isNaN); continue }
      let low = value.bitPattern >> 16
      let rest = value.bitPattern & 0xffff
      let expected = rest > 0x8000 || rest == 0x8000 && low & 1 == 1 ? low + 1 : low
      #expect(UInt32(result) == expected, "\(value)")
    }
    let bits = (0...UInt16.max).map { $0 }
    let same = try CompiledFunction([.bf16], count: bits.count) {
      $0.cast($0.cast($1[0], to: .f32), to: .bf16)
    }([bits], UInt16.self)
    for (bits, result) in zip(bits, same) where !Float(bitPattern: UInt32(bits) << 16).isNaN { #expect(result == bits) }
  }
}
