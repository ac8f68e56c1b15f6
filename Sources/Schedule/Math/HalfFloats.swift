import Support
import TensorIR

extension Term {
  /// The `f32` value of `f16` bits (`u16`).
  var decodedHalf: Term {
    if builder.convertsHalves { return bitcast(.f16).cast(.f32) }
    let bits = cast(.i32)
    let sign = (bits & bits.constant(0x8000)).shiftedLeft(16)
    let magnitude = (bits & bits.constant(0x7fff)).shiftedLeft(13)
    let finite = (magnitude.bitcast(.f32) * 0x1p112).bits
    let special = magnitude | magnitude.constant(0x7f80_0000)
    return ((magnitude < magnitude.constant(0x0f80_0000)).choose(finite, special) | sign).bitcast(.f32)
  }

  /// The `f16` bits (`u16`) nearest to an `f32`, ties to even.
  var encodedHalf: Term {
    if builder.convertsHalves { return cast(.f16).bitcast(.u16) }
    let bits = self.bits
    let magnitude = bits & bits.constant(0x7fff_ffff)
    let tie = magnitude.shiftedRight(13) & bits.constant(1)
    let limited = magnitude.binary(.min, magnitude.constant(0x4780_0000))
    let normal = (limited + bits.constant(0xfff - 112 << 23) + tie).shiftedRight(13)
    let subnormal = (self.magnitude + 0.5).bits - bits.constant(0x3f00_0000)
    let finite = (magnitude < bits.constant(113 << 23)).choose(subnormal, normal)
    let value = (self == self).choose(finite, bits.constant(0x7e00))
    return (value | (bits.shiftedRight(16) & bits.constant(0x8000))).cast(.u16)
  }

  /// The `f32` value of `bf16` bits (`u16`).
  var decodedBrain: Term { cast(.i32).shiftedLeft(16).bitcast(.f32) }

  /// The `bf16` bits (`u16`) nearest to an `f32`, ties to even.
  var encodedBrain: Term {
    if let bits = decodedBrainBits { return bits }
    let bits = self.bits
    let tie = bits.shiftedRight(16) & bits.constant(1)
    let number = (bits + bits.constant(0x7fff) + tie).shiftedRight(16)
    let quiet = bits.shiftedRight(16) | bits.constant(0x40)
    return (self == self).choose(number, quiet).cast(.u16)
  }

  /// The bits that this value was decoded from, if it is a `bf16` number.
  private var decodedBrainBits: Term? {
    let graph = builder.graph
    guard case .bitcast(.f32, let wide) = graph[id], case .binary(.shiftLeft, let bits, let places) = graph[wide],
      graph.integerValue(places) == 16, case .cast(.i32, let half) = graph[bits], graph.type(of: half) == .u16
    else { return nil }
    return builder.term(half)
  }
}
