import Support
import TensorIR

extension Term {
  /// erf x: x plus x times a polynomial in x² below 1, and 1 - erfc |x| above.
  ///
  /// Method: minimax polynomials (Remez exchange in 45 digits). `f32` takes 2 to the power of a polynomial for erfc;
  /// `f64` takes e^-x² times a polynomial in 1 / (1 + |x| / 2). Largest errors that the tests see: 1.1 units of the
  /// last place of `f32`, 0.9 of `f64`.
  var errorFunction: Term {
    let isSingle = type == .f32
    let x = magnitude.atMost(isSingle ? 4 : 6)
    let isSmall = magnitude < 1.0
    let square = self * self
    let small = times(square.polynomial(isSingle ? singleSmall : doubleSmall), plus: self)
    let complement = isSingle ? x.polynomial(singleComplement).smallPowerOfTwo : x.doubleComplement
    return isSmall.choose(small, (1.0 - complement).withSign(of: self))
  }

  /// erfc of an `f64` between 1 and 6.
  private var doubleComplement: Term {
    (-(self * self)).exponential * (1.0 / times(0.5, plus: 1.0)).polynomial(doubleScaled)
  }

  /// 2^x of an `f32` between -60 and 0, to 1e-7.
  private var smallPowerOfTwo: Term {
    let shifted = self + format.rounder
    let rest = self - (shifted - format.rounder)
    let scale = shifted.bits.shiftedLeft(format.mantissa)
    return (rest.polynomial(powerOfTwo).bits + scale).bitcast(type)
  }
}

private let singleSmall = [
  0.1283791659138382, -0.37612627136580645, 0.11283600182923458, -0.02685444485745348, 0.005189535819017038,
  -0.0008020845283378414, 7.889132089723046e-05,
]
private let singleComplement = [
  -0.00017627073509926877, -1.6277069973967098, -0.9170106839857641, -0.1530566308594721, 0.03447616162138878,
  -0.005446528911990101, 0.0005275341760140502, -2.3285688947881788e-05,
]
private let powerOfTwo = [
  1.0000000716585769, 0.6931469670629448, 0.24022119715717186, 0.055507132536554954, 0.009675541654838585,
  0.0013276480604997411,
]
private let doubleSmall = [
  0.1283791670955126, -0.3761263890318375, 0.11283791670954885, -0.026866170645077875, 0.0052239776248284315,
  -0.0008548326981425884, 0.00012055331132976754, -1.4925595772854553e-05, 1.646100849095257e-06,
  -1.6350396383911436e-07, 1.4660329934242708e-08, -1.1374960859210492e-09, 5.960694668776808e-11,
]
private let doubleScaled = [
  1.327535152711162e-07, 0.2820895622913471, 0.2821899753712667, 0.24577143366132784, 0.18441530917211746,
  0.038907667784328887, 0.180776815971257, -0.635934273972826, 1.320273992616813, -2.4448096087974216,
  3.2005139145560197, -2.718667035599355, 1.4509395297266472, -0.44823011332030643, 0.06176348363892159,
]
