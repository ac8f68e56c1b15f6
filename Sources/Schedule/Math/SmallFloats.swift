import Support
import TensorIR

extension Term {
  /// The `f32` value of the bits (`u8`) of a small float.
  func decodedSmall(_ layout: SmallFloatLayout) -> Term {
    let bits = cast(.i32)
    let places = 23 - layout.mantissaBits
    let magnitude = bits & bits.constant(layout.sign - 1)
    let sign = (bits & bits.constant(layout.sign)).shiftedLeft(31 - layout.exponentBits - layout.mantissaBits)
    let scale = Double(sign: .plus, exponent: 127 - layout.bias, significand: 1)
    let finite = (magnitude.shiftedLeft(places).bitcast(.f32) * scale).bits
    let value = (finite | sign).bitcast(.f32)
    switch layout.specials {
    case .none: return value
    case .negativeZero: return (bits == bits.constant(layout.sign)).choose(.nan, value)
    case .allOnes: return (magnitude > bits.constant(layout.greatest)).choose(.nan, value)
    case .ieee:
      let special = (magnitude.shiftedLeft(places) | bits.constant(0x7f80_0000) | sign).bitcast(.f32)
      return (magnitude > bits.constant(layout.greatest)).choose(special, value)
    }
  }

  /// The bits (`u8`) of the small float nearest to an `f32`, ties to even; numbers beyond the greatest give the greatest,
  /// and so does infinity where the format has none.
  func encodedSmall(_ layout: SmallFloatLayout) -> Term {
    let bits = self.bits
    let places = 23 - layout.mantissaBits
    let magnitude = bits & bits.constant(0x7fff_ffff)
    let tie = magnitude.shiftedRight(places) & bits.constant(1)
    let rebias = (127 - layout.bias) << 23
    let normal = (magnitude + bits.constant(1 << (places - 1) - 1 - rebias) + tie).shiftedRight(places)
    let unit = Double(sign: .plus, exponent: 24 - layout.bias - layout.mantissaBits, significand: 1)
    let subnormal = (self.magnitude + unit).bits - bits.constant(Int(Float(unit).bitPattern))
    let code = (magnitude < bits.constant(rebias + 1 << 23)).choose(subnormal, normal)
    var limited = code.binary(.min, code.constant(layout.greatest))
    if let infinity = layout.infinity {
      limited = (magnitude == bits.constant(0x7f80_0000)).choose(bits.constant(infinity), limited)
    }
    let sign = bits.shiftedRight(31 - layout.exponentBits - layout.mantissaBits) & bits.constant(layout.sign)
    var signed = limited | sign
    if layout.specials == .negativeZero { signed = (limited == limited.constant(0)).choose(limited, signed) }
    return (self == self).choose(signed, bits.constant(layout.nan)).cast(.u8)
  }

  /// The power of two that an `f8e8m0` exponent (`u8`) stands for.
  var decodedScale: Term {
    let bits = cast(.i32)
    let zero = bits == bits.constant(0)
    let value = zero.choose(bits.constant(0x0040_0000), bits.shiftedLeft(23)).bitcast(.f32)
    return (bits == bits.constant(0xff)).choose(.nan, value)
  }

  /// The exponent (`u8`) of the least power of two that is not below an `f32`; of negative numbers and NaN, NaN.
  var encodedScale: Term {
    let bits = self.bits
    let up = (bits + bits.constant(0x7f_ffff)).shiftedRight(23).binary(.min, bits.constant(0xfe))
    let code = (self <= 0x1p-127).choose(bits.constant(0), up)
    return (self >= 0.0).choose(code, bits.constant(0xff)).cast(.u8)
  }

  /// An `f64` as `f32`, truncated with the last bit set if anything was lost, so that a second rounding is right.
  var castToOddSingle: Term {
    let nearest = cast(.f32)
    let back = nearest.cast(.f64)
    let bits = nearest.bits
    let truncated = (back.magnitude > magnitude).choose(bits - bits.constant(1), bits)
    let odd = (truncated | bits.constant(1)).bitcast(.f32)
    return ((back == self) | (self != self)).choose(nearest, odd)
  }
}
