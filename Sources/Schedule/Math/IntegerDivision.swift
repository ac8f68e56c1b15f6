import Support
import TensorIR

extension Term {
  /// An integer division operation for every divisor; by 0 the quotient is unspecified, but nothing traps.
  func integerDivision(_ op: ScalarBinary, _ divisor: Term) -> Term {
    let zero = constant(0)
    let one = constant(1)
    guard type.isSignedInteger else { return binary(op, (divisor == zero).choose(one, divisor)) }
    let isMinusOne = divisor == constant(-1)
    let safe = ((divisor == zero) | isMinusOne).choose(one, divisor)
    let quotient = isMinusOne.choose(-self, binary(.divide, safe))
    let remainder = binary(.remainder, safe)
    let differs = (remainder != zero) & ((remainder ^ divisor) < zero)
    switch op {
    case .divide: return quotient
    case .remainder: return remainder
    case .floorDivide: return differs.choose(quotient - one, quotient)
    case .floorRemainder: return differs.choose(remainder + divisor, remainder)
    case .add, .subtract, .multiply, .min, .max, .and, .or, .xor, .shiftLeft, .shiftRight, .power, .atan2:
      fatalError("\(op) does not divide")
    }
  }
}
