/// The variables of a kernel whose values are positions, so that arithmetic on them cannot overflow.
///
/// These are loop counters, scalar parameters and what is computed from them alone. Numbers read from memory and
/// symbols that a caller passed to the entry can be anything, so their arithmetic wraps around.
public struct IndexMath: Sendable {
  private var positions: Set<Int> = []

  public init() {}

  /// Notes a loop counter or a scalar parameter.
  public mutating func insert(_ variable: Variable) { positions.insert(variable.id) }

  /// Notes a bound variable if its value is exact.
  public mutating func bind(_ variable: Variable, _ value: Expr) {
    if isExact(value) { positions.insert(variable.id) }
  }

  /// Whether the expression is `i64` arithmetic on positions only.
  public func isExact(_ expression: Expr) -> Bool {
    guard expression.type.element == .i64 else { return false }
    switch expression {
    case .integer: return true
    case .variable(let variable): return positions.contains(variable.id)
    case .splat(let operand, _), .ramp(let operand, _, _): return isExact(operand)
    case .binary(let op, let a, let b):
      switch op {
      case .add, .subtract, .multiply, .divide, .remainder, .floorDivide, .floorRemainder, .min, .max:
        return isExact(a) && isExact(b)
      case .and, .or, .xor, .shiftLeft, .shiftRight: return false
      }
    case .float, .symbol, .load, .gather, .unary, .compare, .select, .multiplyAdd, .multiplyAddGroups, .cast, .bitcast,
      .shuffle, .reduceLanes:
      return false
    }
  }
}
