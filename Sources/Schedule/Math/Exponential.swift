import Support
import TensorIR

/// e^x = 2^n * e^r with |r| <= ln(2)/2.
///
/// Method: n is x / ln 2 rounded by adding a large number; n * ln 2 is subtracted in two parts, the first so short
/// that its product is exact. e^r - 1 - r is r² times a minimax polynomial (Remez exchange in 45 digits).
///
/// Largest errors that the tests see, in units of the last place:
///
/// | function | f32 | f64 |
/// |---|---|---|
/// | exp | 0.85 | 0.8 |
/// | expm1 | 1.4 | 1.8 |
/// | sigmoid | 1.9 | 1.8 |
/// | tanh | 1.3 | 1.6 |
/// | sinh | 0.5 | 1.5 |
/// | cosh | 0.5 | 1.1 |
///
/// `f32` sinh and cosh are computed in `f64`.
struct ExponentialParts {
  /// The large number plus n: its low bits are those of n.
  let shifted: Term
  let rest: Term
  /// What is to be added to the rest, where it is known to more than one number.
  private let low: Term?

  init(_ x: Term, low: Term? = nil) {
    let isSingle = x.type == .f32
    shifted = x.times(1.4426950408889634, plus: x.format.rounder)
    let n = shifted - x.format.rounder
    let high = isSingle ? 0.693359375 : 0x1.62e42feep-1
    let highRest = n.times(-high, plus: x)
    guard let low else {
      rest = n.times(isSingle ? 0.00021219444005469057 : -1.9082149292705877e-10, plus: highRest)
      self.low = nil
      return
    }
    let second = n * 1.9082149292705877e-10
    rest = highRest - second
    self.low = ((highRest - rest) - second) + low
  }

  private var coefficients: [Double] { rest.type == .f32 ? singleCoefficients : doubleCoefficients }

  /// e^r.
  var value: Term {
    guard let low else { return rest.polynomial([1, 1] + coefficients) }
    return 1.0 + (minusOne + low.times(minusOne, plus: low))
  }

  /// e^r - 1.
  var minusOne: Term { (rest * rest).times(rest.polynomial(coefficients), plus: rest) }

  /// 2^n, or 2^(n + offset), of a normal result.
  func scale(_ offset: Int = 0) -> Term { power(shifted.bits, offset) }

  /// Two factors of 2^n, both normal where the product may not be.
  var scales: (Term, Term) {
    let bits = shifted.bits
    let half = bits.shiftedRight(1)
    return (power(half, 0), power(bits - half, 0))
  }

  private func power(_ exponent: Term, _ offset: Int) -> Term {
    let format = rest.format
    let one = exponent.constant(format.one + offset << format.mantissa)
    return (exponent.shiftedLeft(format.mantissa) + one).bitcast(rest.type)
  }
}

extension Term {
  /// e^x for x that does not overflow; subnormal results are exact to half their unit.
  ///
  /// The bound lies where products underflow to 0 for certain: processors take long over those that may be subnormal.
  fileprivate var boundedExponential: Term {
    let parts = ExponentialParts(atLeast(type == .f32 ? -120 : -800))
    let (first, second) = parts.scales
    return parts.value * first * second
  }

  /// e^x.
  var exponential: Term { atMost(type == .f32 ? 89 : 710).boundedExponential }

  /// e^x for x that is not positive; 2^n is 0 where it would be subnormal.
  var decay: Term {
    let parts = ExponentialParts(atLeast(type == .f32 ? -88.1 : -709.1))
    return parts.value * parts.scale()
  }

  /// e^x - 1.
  var exponentialMinusOne: Term {
    let isSingle = type == .f32
    let parts = ExponentialParts(atMost(isSingle ? 89 : 710).atLeast(isSingle ? -18 : -40))
    let half = parts.scale(-1)
    let value = half.times(parts.minusOne, plus: half - 0.5) * 2.0
    return (magnitude < (isSingle ? 0x1p-25 : 0x1p-54)).choose(self, value)
  }

  /// e^|x| / 2, which overflows only where it must.
  private var halfExponentialOfMagnitude: Term {
    let parts = ExponentialParts(magnitude.atMost(type == .f32 ? 90 : 711))
    let (first, second) = parts.scales
    return parts.value * 0.5 * first * second
  }

  /// 1 / (1 + e^-x).
  var sigmoid: Term {
    let falling = (-magnitude).boundedExponential
    return (self < 0.0).choose(falling, 1.0) / (falling + 1.0)
  }

  /// tanh x = (e^2|x| - 1) / (e^2|x| + 1); of `f32` near 0 a minimax polynomial.
  var hyperbolicTangent: Term {
    let isSingle = type == .f32
    let parts = ExponentialParts((magnitude * 2.0).atMost(isSingle ? 20 : 44))
    let scale = parts.scale()
    if isSingle {
      let large = 1.0 - 2.0 / parts.value.times(scale, plus: 1.0)
      let square = self * self
      let small = (magnitude * square).times(square.polynomial(tangentCoefficients), plus: magnitude)
      return (magnitude < 0.6).choose(small, large).withSign(of: self)
    }
    let excess = scale.times(parts.minusOne, plus: scale - 1.0)
    return (excess / (excess + 2.0)).withSign(of: self)
  }

  /// sinh x from e^|x| - 1; from e^|x| / 2 where that is all that counts.
  var hyperbolicSine: Term {
    let excess = magnitude.atMost(24).exponentialMinusOne
    let small = (excess + excess / (excess + 1.0)) * 0.5
    return (magnitude > 22.0).choose(halfExponentialOfMagnitude, small).withSign(of: self)
  }

  var hyperbolicCosine: Term {
    let half = halfExponentialOfMagnitude
    return half + 0.25 / half
  }
}

private let singleCoefficients = [
  0.5000000061968964, 0.16666543004987996, 0.04166628191779548, 0.008366582732527175, 0.0013946456848176801,
]
private let doubleCoefficients = [
  0.5, 0.16666666666666677, 0.0416666666666667, 0.008333333333321619, 0.0013888888888866884, 0.00019841269886150724,
  2.480158736048275e-05, 2.755724418911916e-06, 2.7557242810441284e-07, 2.5109042558755e-08, 2.092443061062635e-09,
]
private let tangentCoefficients = [
  -0.333332992726775, 0.13331958251095724, -0.053786683773129944, 0.020805384074984563, -0.005905866849825482,
]
