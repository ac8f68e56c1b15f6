import Support
import TensorIR

extension Term {
  /// C's fmod of `f64`: exact where |x / y| is below 2^72 and no subnormal occurs.
  ///
  /// Method: three times, the divisor is scaled up to within 2^24 of the dividend and subtracted a whole number of
  /// times; the divisor is split in halves so that every product is exact.
  func floatRemainder(_ divisor: Term) -> Term {
    let b = divisor.magnitude
    var rest = magnitude
    let exponentMask = rest.bits.constant(0x7ff0_0000_0000_0000)
    for step in 0..<3 {
      let gap = (rest.bits & exponentMask) - (b.bits & exponentMask) - rest.bits.constant(24 << 52)
      let raise = step == 2 ? gap.constant(0) : (gap < gap.constant(0)).choose(gap.constant(0), gap)
      let scaled = (b.bits + raise).bitcast(.f64)
      let high = (scaled.bits & scaled.bits.constant(-1 << 27)).bitcast(.f64)
      let count = (rest / scaled).unary(.trunc)
      let next = (rest - count * high) - count * (scaled - high)
      rest = (next < 0.0).choose(next + scaled, next)
    }
    let isWhole = (b == .infinity) & (magnitude < .infinity)
    return isWhole.choose(self, rest.withSign(of: self))
  }

  /// The remainder with the sign of the divisor.
  func floatFloorRemainder(_ divisor: Term) -> Term {
    let remainder = floatRemainder(divisor)
    let differs = (remainder != 0.0) & ((remainder < 0.0).binary(.xor, divisor < 0.0))
    return differs.choose(remainder + divisor, remainder)
  }
}
