import Support
import TensorIR

/// Inverse functions of angles, in `f64`, which `f32` is computed in.
///
/// Largest errors that the tests see, in units of the last place:
///
/// | function | f32 | f64 |
/// |---|---|---|
/// | asin | 0.5 | 1.5 |
/// | acos | 0.5 | 1.1 |
/// | atan | 0.5 | 1.0 |
/// | atan2 | 0.5 | 1.6 |
extension Term {
  /// The angle of the point (x, self), of `f64`.
  ///
  /// Method: with t the lesser of the two rotations by 0, π/4 or π/2, atan t is t plus t³ times a minimax polynomial
  /// in t² (Remez exchange in 45 digits).
  func angle(x: Term) -> Term {
    let isNegative = x.bits < x.bits.constant(0)
    let bothInfinite = (magnitude == .infinity) & (x.magnitude == .infinity)
    let isHuge = (magnitude > 0x1p1000) | (x.magnitude > 0x1p1000)
    let factor = isHuge.choose(constant(0.25), 1.0)
    let a = bothInfinite.choose(1.0, magnitude * factor)
    let b = bothInfinite.choose(1.0, x.magnitude * factor)
    let turn = a.turnedArctangent(over: b)
    return isNegative.choose(turn.reflected, turn.value).withSign(of: self)
  }

  /// atan of an `f64`.
  var arctangent: Term { magnitude.turnedArctangent(over: constant(1.0)).value.withSign(of: self) }

  /// The angle of the point (b, self), neither negative.
  private func turnedArctangent(over b: Term) -> (value: Term, reflected: Term) {
    let a = self
    let isLow = a <= b * 0.41421356237309503
    let isMiddle = a <= b * 2.414213562373095
    let numerator = isLow.choose(a, isMiddle.choose(a - b, -b))
    let denominator = isLow.choose(b, isMiddle.choose(a + b, a))
    let t = numerator / ((a == 0.0).choose(1.0, denominator))
    let z = t * t
    let tail = (t * z) * z.polynomial(arctangentCoefficients)
    let high = isLow.choose(constant(0.0), isMiddle.choose(constant(0.7853981633974483), 1.5707963267948966))
    let low = isLow.choose(constant(0.0), isMiddle.choose(constant(3.061616997868383e-17), 6.123233995736766e-17))
    let reflectedHigh = 3.141592653589793 - high
    let reflectedLow = 1.2246467991473532e-16 - low
    return (high + (t + (tail + low)), reflectedHigh - (t + (tail - reflectedLow)))
  }

  /// (asin x / x - 1) / x² by a minimax polynomial in x².
  private var arcsineTail: Term { polynomial(arcsineCoefficients) }

  /// asin of an `f64`: of x up to 1/2 by a polynomial, above as π/2 - 2 asin sqrt((1 - x) / 2).
  var arcsine: Term {
    let (root, rest, isSmall) = arcsineParts
    let large = 1.5707963267948966 - (root * 2.0 + (rest * 2.0 - 6.123233995736766e-17))
    return isSmall.choose(magnitude + rest, large).withSign(of: self)
  }

  /// acos of an `f64`.
  var arccosine: Term {
    let (root, rest, isSmall) = arcsineParts
    let small = 1.5707963267948966 - (self + (rest.withSign(of: self) - 6.123233995736766e-17))
    let near = (root + rest) * 2.0
    let far = 3.141592653589793 - (root * 2.0 + (rest * 2.0 - 1.2246467991473532e-16))
    return isSmall.choose(small, (self < 0.0).choose(far, near))
  }

  /// The root of (1 - |x|) / 2, and asin of the reduced magnitude less that magnitude.
  private var arcsineParts: (root: Term, rest: Term, isSmall: Term) {
    let x = magnitude
    let isSmall = x < 0.5
    let z = isSmall.choose(x * x, (1.0 - x) * 0.5)
    let root = z.squareRoot
    return (root, isSmall.choose(x, root) * (z * z.arcsineTail), isSmall)
  }
}

private let arctangentCoefficients = [
  -0.3333333333333333, 0.19999999999998405, -0.14285714285459455, 0.11111111091818683, -0.0909090825585543,
  0.07692284946679082, -0.06666255377119674, 0.0587727369567513, -0.052198789425206324, 0.045090540750632666,
  -0.03359304843614778, 0.015307358628027831,
]
private let arcsineCoefficients = [
  0.1666666666666671, 0.07499999999980815, 0.04464285716705291, 0.030381943009330344, 0.02237220769550324,
  0.01735172693698479, 0.01397959221132644, 0.011407984217020809, 0.010733903433783743, 0.0038672646335599498,
  0.021345483041289928, -0.02052271118102274, 0.03235030513210737,
]
