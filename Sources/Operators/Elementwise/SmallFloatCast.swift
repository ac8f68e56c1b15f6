import Support
import TensorIR

/// How conversions to 8-bit floats treat numbers out of range, and to which power of two `f8e8m0` rounds.
struct SmallFloatRounding {
  enum Mode: String { case up, down, nearest }

  var saturates: Bool
  var mode = Mode.up
}

extension OperatorNode {
  /// The attributes `saturate` and `round_mode`.
  func smallFloatRounding() throws(ModelError) -> SmallFloatRounding {
    let name = try string("round_mode", default: "up")
    guard let mode = SmallFloatRounding.Mode(rawValue: name) else {
      throw .invalid("attribute 'round_mode' is '\(name)', not up, down or nearest")
    }
    return SmallFloatRounding(saturates: try flag("saturate", default: true), mode: mode)
  }
}

extension ScalarGraph {
  /// The value as another type; `rounding` matters for 8-bit floats only.
  mutating func cast(_ x: ScalarID, to target: ElementType, _ rounding: SmallFloatRounding) -> ScalarID {
    let source = type(of: x)
    if source == target || target.bits != 8 || !target.isFloat { return cast(x, to: target) }
    if target == .f8e8m0 { return castToScale(x, rounding) }
    guard !rounding.saturates, let layout = SmallFloatLayout(target) else { return cast(x, to: target) }
    let wide: ElementType = source == .f64 || source.isInteger && source.bits > 16 ? .f64 : .f32
    let value = cast(x, to: wide)
    // A number halfway to the next one that is no longer there rounds to it if that is even.
    let greatest = layout.greatestNumber
    let limit = number(greatest + greatest.ulp(mantissaBits: layout.mantissaBits) / 2, wide)
    let isBeyond = compare(layout.greatest % 2 == 0 ? .greater : .greaterOrEqual, unary(.abs, value), limit)
    let special = layout.infinity == nil ? Double.nan : .infinity
    let isNegative = compare(.less, value, number(0, wide))
    let beyond = select(isNegative, number(-special, target), number(special, target))
    return select(isBeyond, beyond, cast(x, to: target))
  }

  /// The value as a power of two; negative numbers are NaN.
  private mutating func castToScale(_ x: ScalarID, _ rounding: SmallFloatRounding) -> ScalarID {
    let value = cast(x, to: .f64)
    // A cast rounds up, so that the power below is half of that, if they differ.
    let above = cast(cast(value, to: .f8e8m0), to: .f64)
    let half = times(above, number(0.5, .f64))
    var rounded = above
    switch rounding.mode {
    case .up: break
    case .down: rounded = select(compare(.less, value, above), half, above)
    case .nearest: rounded = select(compare(.less, value, times(above, number(0.75, .f64))), half, above)
    }
    let result = cast(rounded, to: .f8e8m0)
    if rounding.saturates { return result }
    let isAbove = compare(.greaterOrEqual, value, number(0x1p-127, .f64))
    let isInRange = binary(.and, isAbove, compare(.lessOrEqual, value, number(0x1p127, .f64)))
    return select(isInRange, result, number(.nan, .f8e8m0))
  }
}

extension Double {
  /// The distance to the next greater number with so many bits of mantissa.
  fileprivate func ulp(mantissaBits: Int) -> Double {
    Double(sign: .plus, exponent: Int(exponent) - mantissaBits, significand: 1)
  }
}
