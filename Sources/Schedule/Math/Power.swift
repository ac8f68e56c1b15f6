import Support
import TensorIR

extension Term {
  /// x^y of `f64`, with the special cases of C99.
  func power(_ y: Term) -> Term {
    let isNegative = bits < bits.constant(0)
    let half = y * 0.5
    let isInteger = y == y.unary(.trunc)
    let isOdd = isInteger & (half != half.unary(.trunc))
    let value = (magnitude == 1.0).choose(y.oneUnlessNaN, (y * magnitude.logarithm).exponential)
    let signed = (isNegative & isOdd).choose(-value, value)
    let isInvalid = (self < 0.0) & (self > -.infinity) & (y != y.unary(.trunc)) & (y == y)
    return ((self == 1.0) | (y == 0.0)).choose(1.0, isInvalid.choose(.nan, signed))
  }

  private var oneUnlessNaN: Term { (self == self).choose(1.0, self) }

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
