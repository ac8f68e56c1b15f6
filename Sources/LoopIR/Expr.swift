import Support

/// Operations of one operand; the result has the operand's type.
public enum UnaryOp: String, Hashable, Sendable, CaseIterable {
  /// Arithmetic negation, two's complement for integers.
  case negate
  /// Absolute value; of the least integer it is that integer.
  case abs
  /// Logical for `bool`, bitwise for integers.
  case not
  /// IEEE operations, floats only; `rint` rounds halves to even.
  case sqrt, floor, ceil, trunc, rint
  /// Leading zero bits, trailing zero bits and set bits, integers only; the width for 0.
  case countLeadingZeros, countTrailingZeros, popcount
}

/// Operations of two operands of one type; the result has that type.
public enum BinaryOp: String, Hashable, Sendable, CaseIterable {
  /// Integers wrap around.
  case add, subtract, multiply
  /// Floats: IEEE. Integers: truncates toward zero; the divisor is never 0, nor -1 for the least integer.
  case divide
  /// Integers only, sign of the dividend.
  case remainder
  /// Integers only, rounding toward minus infinity; the divisor is a positive value.
  case floorDivide, floorRemainder
  /// For floats `a < b ? a : b` and `a > b ? a : b` exactly: with a NaN operand the result is b.
  case min, max
  /// `bool` and integers.
  case and, or, xor
  /// Integers; the amount is at least 0 and below the width. `shiftRight` is arithmetic for signed types.
  case shiftLeft, shiftRight
}

/// Comparisons; ordered for floats (false with a NaN), except `notEqual`, which is true with a NaN.
public enum CompareOp: String, Hashable, Sendable, CaseIterable {
  case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual
}

/// Combiners of the lanes of one vector.
public enum LaneReduction: String, Hashable, Sendable, CaseIterable {
  case sum, product, min, max, and, or
}

/// A scalar or vector expression without side effects. Operands of one operation have the same number of lanes.
public indirect enum Expr: Hashable, Sendable {
  /// An integer literal of an integer type, or 0 or 1 for `bool`.
  case integer(Int, ElementType)
  /// A literal of `f32` or `f64` given by its value (rounded once to the type); infinities and NaN are allowed.
  case float(Double, ElementType)
  case variable(Variable)
  /// The value of a symbolic dimension, `i64`.
  case symbol(String)
  /// `lanes` consecutive elements from the element offset `index` (`i64` scalar); with `count` (`i64` scalar) only the first
  /// `count` lanes are read and the rest are 0.
  case load(Buffer, index: Expr, lanes: Int, count: Expr?)
  /// One element per lane of `indices` (`i64` vector of element offsets).
  case gather(Buffer, indices: Expr)
  /// A scalar in every lane.
  case splat(Expr, lanes: Int)
  /// `base + lane * stride` for every lane; `base` is an integer scalar.
  case ramp(Expr, stride: Int, lanes: Int)
  case unary(UnaryOp, Expr)
  case binary(BinaryOp, Expr, Expr)
  /// The result is `bool` with the operands' lanes.
  case compare(CompareOp, Expr, Expr)
  /// `condition` is `bool` with the result's lanes; both values are evaluated.
  case select(Expr, Expr, Expr)
  /// `a * b + c` rounded once where the target has it, else twice; floats only.
  case multiplyAdd(Expr, Expr, Expr)
  /// `c` plus the products of all numbers of the groups `a` and `b`, which are `u32`. Where `c` and the result are `f32`, groups are
  /// pairs of `bf16` numbers; the order of the additions is the processor's, and so is the treatment of subnormal numbers.
  /// Where they are `i32`, groups are 4 bytes, those of `a` unsigned and those of `b` signed, and sums wrap.
  case multiplyAddGroups(Expr, Expr, Expr)
  /// Conversion: float to float rounds to nearest even; float to integer truncates, out-of-range and NaN give an unspecified
  /// value; integer to integer wraps; to `bool` is `!= 0`; from `bool` is 0 or 1.
  case cast(ElementType, Expr)
  /// The same bits as another type of the same width.
  case bitcast(ElementType, Expr)
  /// The lanes of a vector at these positions.
  case shuffle(Expr, [Int])
  /// Combines all lanes into a scalar, in an unspecified order.
  case reduceLanes(LaneReduction, Expr)
}

extension Expr {
  /// The type of the expression, found from its leaves.
  public var type: ValueType {
    switch self {
    case .integer(_, let element), .float(_, let element): ValueType(element)
    case .variable(let variable): variable.type
    case .symbol: ValueType(.i64)
    case .load(let buffer, _, let lanes, _): ValueType(buffer.element, lanes: lanes)
    case .gather(let buffer, let indices): ValueType(buffer.element, lanes: indices.type.lanes)
    case .splat(let value, let lanes), .ramp(let value, _, let lanes): ValueType(value.type.element, lanes: lanes)
    case .unary(_, let operand): operand.type
    case .binary(_, let a, _): a.type
    case .compare(_, let a, _): ValueType(.bool, lanes: a.type.lanes)
    case .select(_, let a, _): a.type
    case .multiplyAdd(let a, _, _): a.type
    case .multiplyAddGroups(_, _, let c): c.type
    case .cast(let element, let operand), .bitcast(let element, let operand):
      ValueType(element, lanes: operand.type.lanes)
    case .shuffle(let vector, let positions): ValueType(vector.type.element, lanes: positions.count)
    case .reduceLanes(_, let vector): ValueType(vector.type.element)
    }
  }

  /// An `i64` literal.
  public static func index(_ value: Int) -> Expr { .integer(value, .i64) }

  /// The literal's value if this is an integer literal.
  public var integerValue: Int? {
    if case .integer(let value, _) = self { value } else { nil }
  }
}
