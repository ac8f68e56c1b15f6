import Support
import TensorIR

/// log x = k * ln 2 + log m with m between sqrt(1/2) and sqrt(2).
///
/// Method: k and m are split off as integers; with f = m - 1, `f32` takes log(1 + f) = f - f²/2 + f³ P(f), and `f64`
/// the series of the area tangent, s = f / (2 + f), both with minimax polynomials (Remez exchange in 45 digits).
///
/// Largest errors that the tests see, in units of the last place:
///
/// | function | f32 | f64 |
/// |---|---|---|
/// | log | 0.8 | 0.8 |
/// | log1p | 0.8 | 0.8 |
/// | asinh | 0.5 | 1.5 |
/// | acosh | 0.5 | 1.6 |
/// | atanh | 0.5 | 1.3 |
///
/// `f32` asinh, acosh and atanh are computed in `f64`.
struct LogarithmParts {
  let exponent: Term
  /// m - 1.
  let excess: Term

  /// The positive number must be normal, or `exponentBias` says what it was multiplied with.
  init(_ x: Term, exponentBias: Term? = nil) {
    let format = x.format
    let bits = x.bits
    let rootHalf = bits.constant(x.type == .f32 ? 0x3f35_04f3 : 0x3fe6_a09e_667f_3bcd)
    let offset = bits - rootHalf
    let mask = bits.constant(1 << format.mantissa - 1)
    excess = ((offset & mask) + rootHalf).bitcast(x.type) - 1.0
    let whole = offset.shiftedRight(format.mantissa)
    let k = x.type == .f32 ? whole.cast(.f32) : LogarithmParts.float(whole)
    exponent = exponentBias.map { k - $0 } ?? k
  }

  /// A small integer as a float: few processors convert vectors of 64-bit integers.
  private static func float(_ whole: Term) -> Term {
    let bits = whole + whole.constant(Int(FloatFormat.double.rounder.bitPattern))
    return bits.bitcast(.f64) - FloatFormat.double.rounder
  }

  /// The logarithm, with a small correction added to it.
  func logarithm(correction: Term? = nil) -> Term {
    let f = excess
    let half = f * f * 0.5
    if f.type == .f32 {
      let tail = (f * f * f) * f.polynomial(singleCoefficients)
      var low = exponent.times(-0.00021219444005469057, plus: tail)
      if let correction { low = low + correction }
      return exponent.times(0.693359375, plus: f + (low - half))
    }
    let s = f / (f + 2.0)
    let z = s * s
    let tail = z * z.polynomial(doubleCoefficients)
    var low = s.times(half + tail, plus: exponent * 1.9082149292705877e-10)
    if let correction { low = low + correction }
    return exponent.times(0x1.62e42feep-1, plus: f - (half - low))
  }
}

extension Term {
  /// The natural logarithm.
  var logarithm: Term {
    let isSingle = type == .f32
    let isSubnormal = self < (isSingle ? 0x1p-126 : 0x1p-1022)
    let scaled = isSubnormal.choose(self * (isSingle ? 0x1p23 : 0x1p52), self)
    let bias = isSubnormal.choose(constant(isSingle ? 23.0 : 52.0), 0.0)
    return LogarithmParts(scaled, exponentBias: bias).logarithm().logarithmEdges(of: self)
  }

  /// This logarithm with the values that IEEE wants at 0, infinity, NaN and below 0 of the argument.
  private func logarithmEdges(of x: Term) -> Term {
    let edge = (x == 0.0).choose(-.infinity, x.constant(.nan))
    return (x > 0.0).choose((x < .infinity).choose(self, x), edge)
  }

  /// log(1 + x): the logarithm of the rounded sum, corrected by what rounding lost.
  var logarithmOfOnePlus: Term {
    let sum = self + 1.0
    let lost = (self < 1.0).choose(self - (sum - 1.0), 1.0 - (sum - self))
    let value = LogarithmParts(sum).logarithm(correction: lost / sum).logarithmEdges(of: sum)
    return (magnitude < (type == .f32 ? 0x1p-25 : 0x1p-54)).choose(self, value)
  }

  /// asinh x = log(1 + |x| + x² / (1 + sqrt(x² + 1))).
  var hyperbolicAreaSine: Term {
    let x = magnitude
    let square = x * x
    let small = x + square / ((square + 1.0).squareRoot + 1.0)
    return x.largeOrElse(small).withSign(of: self)
  }

  /// acosh x = log(1 + t + sqrt(2 t + t²)) with t = x - 1.
  var hyperbolicAreaCosine: Term {
    let t = self - 1.0
    let small = t + (t * t + t * 2.0).squareRoot
    return (self < 1.0).choose(.nan, largeOrElse(small))
  }

  /// log(1 + small), or log(2 x) where x is so large that squares overflow and 1 does not count.
  private func largeOrElse(_ small: Term) -> Term {
    let isLarge = self > 0x1p60
    let base = isLarge.choose(self, small).logarithmOfOnePlus
    return base + isLarge.choose(0.6931471805599453, constant(0.0))
  }

  /// atanh x = log(1 + 2 |x| / (1 - |x|)) / 2.
  var hyperbolicAreaTangent: Term {
    let x = magnitude
    return ((x * 2.0 / (1.0 - x)).logarithmOfOnePlus * 0.5).withSign(of: self)
  }
}

private let singleCoefficients = [
  0.3333331059884465, -0.24999986555771514, 0.20002218081307552, -0.16669248301622816, 0.1421880285684762,
  -0.1238445890805241, 0.11872129807850272, -0.11788928904419423, 0.06916097213379557,
]
private let doubleCoefficients = [
  0.6666666666666735, 0.39999999999411107, 0.28571428743260424, 0.22222198476132018, 0.18183569735442323,
  0.15313903297828316, 0.1479750765860753,
]
