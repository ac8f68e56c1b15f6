import Support
import TensorIR

/// x = n * π/2 + r with |r| <= π/4, in `f64`.
///
/// Method: π/2 is subtracted in parts of 33 bits, whose products with n are exact below |n| = 2^20; what the sums
/// lose is kept in `low`. Sine and cosine of r are minimax polynomials (Remez exchange in 45 digits).
///
/// Largest errors that the tests see, in units of the last place:
///
/// | function | f32 | f64 |
/// |---|---|---|
/// | sin | 0.5 | 0.8 |
/// | cos | 0.5 | 0.8 |
/// | tan | 0.5 | 1.8 |
///
/// This is for |x| <= 1e5; `f32` is computed in `f64`. Beyond |x| = 1.6e6 the absolute error grows as |x| * 2^-53.
private struct QuarterTurns {
  let quadrant: Term
  let high: Term
  let low: Term

  init(_ x: Term) {
    let shifted = x.times(0.6366197723675814, plus: x.format.rounder)
    quadrant = shifted.bits
    let n = shifted - x.format.rounder
    let first = x - n * 1.5707963267341256
    let second = n * 6.077100506303966e-11
    let sum = first - second
    let lost = (first - sum) - second
    let tail = lost - n * 2.0222662487959506e-21
    high = sum + tail
    low = (sum - high) + tail
  }

  var sine: Term {
    let z = high * high
    let tail = z.polynomial(sineCoefficients)
    return high + (high * z).times(tail, plus: low * z.times(-0.5, plus: 1.0))
  }

  var cosine: Term {
    let z = high * high
    let half = z * 0.5
    let start = 1.0 - half
    let lost = (1.0 - start) - half
    return start + ((z * z).times(z.polynomial(cosineCoefficients), plus: lost) - high * low)
  }

  /// Whether n is odd, after adding a number to it.
  func isOdd(_ offset: Int = 0) -> Term {
    let n = quadrant + quadrant.constant(offset)
    return (n & n.constant(1)) != n.constant(0)
  }

  /// A value negated where bit 1 of n + offset is set.
  func signed(_ value: Term, offset: Int) -> Term {
    let n = quadrant + quadrant.constant(offset)
    return (value.bits ^ (n & n.constant(2)).shiftedLeft(62)).bitcast(.f64)
  }
}

extension Term {
  /// Sine of an `f64`.
  var sine: Term {
    let turns = QuarterTurns(self)
    let value = turns.signed(turns.isOdd().choose(turns.cosine, turns.sine), offset: 0)
    return (magnitude < 0x1p-27).choose(self, value.clampedToUnit)
  }

  /// Cosine of an `f64`.
  var cosine: Term {
    let turns = QuarterTurns(self)
    return turns.signed(turns.isOdd().choose(turns.sine, turns.cosine), offset: 1).clampedToUnit
  }

  /// Tangent of an `f64`.
  var tangent: Term {
    let turns = QuarterTurns(self)
    let isOdd = turns.isOdd()
    let value = isOdd.choose(-turns.cosine, turns.sine) / isOdd.choose(turns.sine, turns.cosine)
    return (magnitude < 0x1p-27).choose(self, value)
  }

  /// Arguments beyond all accuracy still give a value between -1 and 1.
  private var clampedToUnit: Term { atMost(1).atLeast(-1) }
}

private let sineCoefficients = [
  -0.16666666666666632, 0.008333333333322398, -0.00019841269829794008, 2.755731368693315e-06, -2.5050757305654402e-08,
  1.5896747125634737e-10,
]
private let cosineCoefficients = [
  0.04166666666666665, -0.0013888888888881248, 2.4801587293406596e-05, -2.75573153728654e-07, 2.0875850005861256e-09,
  -1.1365710094145615e-11,
]
