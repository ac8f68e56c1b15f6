import Support
import TensorIR

extension Term {
  /// x^y of `f64` with the special cases of C99: to 1 unit of the last place, or to 1e-13 of the value, which is
  /// enough for `f32`.
  func power(_ y: Term, isExact: Bool) -> Term {
    let isNegative = bits < bits.constant(0)
    let half = y * 0.5
    let isInteger = y == y.unary(.trunc)
    let isOdd = isInteger & (half != half.unary(.trunc))
    let ordinary = isExact ? magnitude.positivePower(y) : (y * magnitude.logarithm).exponential
    let value = (magnitude == 1.0).choose((y == y).choose(1.0, y), ordinary)
    let signed = (isNegative & isOdd).choose(-value, value)
    let isInvalid = (self < 0.0) & (self > -.infinity) & (y != y.unary(.trunc)) & (y == y)
    return ((self == 1.0) | (y == 0.0)).choose(1.0, isInvalid.choose(.nan, signed))
  }

  /// x^y of a positive `f64` with the logarithm in twice the precision.
  private func positivePower(_ y: Term) -> Term {
    let logarithm = doubledLogarithm
    let exponent = y.atMost(0x1p64).atLeast(-0x1p64)
    let product = Doubled(product: exponent, logarithm.high)
    let low = (product.low + exponent * logarithm.low).atMost(0.5).atLeast(-0.5)
    let parts = ExponentialParts(product.high.atMost(800).atLeast(-800), low: low)
    let (first, second) = parts.scales
    let isZero = (self == 0.0).binary(.xor, y < 0.0)
    let edge = isZero.choose(0.0, constant(.infinity))
    let isEdge = (self == 0.0) | (self == .infinity)
    let value = isEdge.choose((y == y).choose(edge, y), parts.value * first * second)
    return (self == self).choose(value, self)
  }

  /// The natural logarithm of a positive `f64` to about 2^-65 of its value.
  ///
  /// Method: that of `LogarithmParts`, with s, s² and the first two terms of the series carried as sums of two numbers.
  private var doubledLogarithm: Doubled {
    let isSubnormal = self < 0x1p-1022
    let scaled = isSubnormal.choose(self * 0x1p52, self)
    let parts = LogarithmParts(scaled, exponentBias: isSubnormal.choose(constant(52.0), 0.0))
    let (f, k) = (parts.excess, parts.exponent)
    let d = f + 2.0
    let lost = f - (d - 2.0)
    let s = f / d
    let back = Doubled(product: s, d)
    let sLow = (((f - back.high) - back.low) - s * lost) / d
    let z = Doubled(product: s, s)
    let zLow = z.low + s * sLow * 2.0
    let third = Doubled(large: constant(0.6666666666666666), small: z.high * z.high.polynomial(powerCoefficients))
    let w = Doubled(product: z.high, third.high)
    let wLow = w.low + z.high * (third.low + 3.700743415417188e-17) + zLow * third.high
    let two = Doubled(large: constant(2.0), small: w.high)
    let value = Doubled(product: s, two.high)
    let valueLow = value.low + s * (two.low + wLow) + sLow * two.high
    let sum = Doubled(large: k * 0x1.62e42feep-1, small: value.high)
    return Doubled(large: sum.high, small: sum.low + (valueLow + k * 1.9082149292705877e-10))
  }

  /// x^y for a known small exponent, where products do it at least as well.
  func power(literal exponent: Double) -> Term? {
    switch exponent {
    case 0: constant(1.0)
    case 1: self
    case 2: self * self
    case 3: self * self * self
    case -1: 1.0 / self
    case 0.5: (self == -.infinity).choose(.infinity, (self + 0.0).squareRoot)
    default: nil
    }
  }

  /// x^y of integers by repeated squaring, wrapping; for negative y the whole part of the quotient 1 / x^-y.
  func integerPower(_ y: Term) -> Term {
    let zero = constant(0)
    let one = constant(1)
    var result = one
    var square = self
    let exponentBits = type.bits - (type.isSignedInteger ? 1 : 0)
    for bit in 0..<exponentBits {
      let isSet = (y.shiftedRight(bit) & one) != zero
      result = isSet.choose(result * square, result)
      if bit < exponentBits - 1 { square = square * square }
    }
    guard type.isSignedInteger else { return result }
    let isOdd = (y & one) != zero
    let reciprocal = (self == one).choose(one, (self == constant(-1)).choose(isOdd.choose(self, one), zero))
    return (y < zero).choose(reciprocal, result)
  }
}

/// A number as the sum of two `f64`.
private struct Doubled {
  let high: Term
  let low: Term

  /// The exact product, from the products of halves: right whether or not the target fuses multiplications and
  /// additions.
  init(product a: Term, _ b: Term) {
    let (aHigh, aLow) = Doubled.halves(a)
    let (bHigh, bLow) = Doubled.halves(b)
    high = a * b
    low = ((aHigh * bHigh - high) + aHigh * bLow + aLow * bHigh) + aLow * bLow
  }

  /// The exact sum of two numbers, the first larger in magnitude or 0.
  init(large: Term, small: Term) {
    high = large + small
    low = (large - high) + small
  }

  private static func halves(_ a: Term) -> (Term, Term) {
    let high = (a.bits & a.bits.constant(-1 << 27)).bitcast(.f64)
    return (high, a - high)
  }
}

private let powerCoefficients = [
  0.400000000000004, 0.28571428570862584, 0.22222222399610328, 0.18181793845751365, 0.1538635876973545,
  0.13265377522044694, 0.13122459451712823,
]
