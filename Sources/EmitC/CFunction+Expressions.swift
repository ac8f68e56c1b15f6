import EmitHeader
import LoopIR
import Support

extension CFunction {
  /// Prints an expression of one lane.
  mutating func print(_ expression: Expr) -> CText {
    precondition(expression.type.lanes == 1, "C has no vectors: \(expression)")
    switch expression {
    case .integer(let value, let element): return element.cLiteral(value)
    case .float(let value, let element): return element.cLiteral(value)
    case .variable(let variable): return CText(value(variable))
    case .symbol(let text): return CText(symbol(text))
    case .load(let source, let index, _, let count):
      let element = CText("\(buffer(source))[\(print(index).text)]")
      let value = source.element == .bool ? CText("\(element.text) != 0", .comparison) : element
      guard let count else { return value }
      let zero = source.element.isFloat ? source.element.cLiteral(0.0) : source.element.cLiteral(0)
      return CText("\(print(count).at(.sum)) > 0 ? \(value.at(.logical)) : \(zero.text)", .loose)
    case .gather(let source, let indices): return print(.load(source, index: indices, lanes: 1, count: nil))
    case .splat(let operand, _), .ramp(let operand, _, _), .shuffle(let operand, _), .reduceLanes(_, let operand):
      return print(operand)
    case .unary(let op, let operand): return unary(op, operand)
    case .binary(let op, let a, let b):
      if positions.isExact(expression), let text = exact(op, a, b) { return text }
      return binary(op, a, b)
    case .compare(let op, let a, let b): return compare(op, a, b)
    case .select(let condition, let a, let b):
      let text = "\(print(condition).at(.logical)) ? \(print(a).at(.logical)) : \(print(b).at(.logical))"
      let choice = CText(text, .loose)
      return a.type.element.isPromoted ? choice.cast(to: a.type.element.cType) : choice
    case .multiplyAdd(let a, let b, let c):
      let element = a.type.element
      return use(.multiplyAdd(element.cType, element.rawValue), [print(a), print(b), print(c)])
    case .multiplyAddGroups: fatalError("C has no products of groups: \(expression)")
    case .cast(let element, let operand): return cast(operand, to: element)
    case .bitcast(let element, let operand): return bitcast(operand, to: element)
    }
  }

  /// Index arithmetic, which never overflows; nil for what it shares with other arithmetic.
  private mutating func exact(_ op: BinaryOp, _ a: Expr, _ b: Expr) -> CText? {
    if let value = Expr.binary(op, a, b).foldedIndex { return ElementType.i64.cLiteral(value) }
    switch op {
    case .add:
      if let value = b.integerValue, value < 0, value > Int.min {
        return .infix(print(a), "-", ElementType.i64.cLiteral(-value), .sum, right: .product)
      }
      return .infix(print(a), "+", print(b), .sum, right: .product)
    case .subtract: return .infix(print(a), "-", print(b), .sum, right: .product)
    case .multiply: return .infix(print(a), "*", print(b), .product, right: .prefix)
    case .divide, .remainder, .floorDivide, .floorRemainder, .min, .max, .and, .or, .xor, .shiftLeft, .shiftRight:
      return nil
    }
  }

  private mutating func unary(_ op: UnaryOp, _ operand: Expr) -> CText {
    let element = operand.type.element
    let x = print(operand)
    let letter = element == .f32 ? "f" : ""
    func bits(_ x: CText) -> CText { x.cast(to: element.cUnsignedType).cast(to: "uint64_t") }
    let width = CText("\(element.bits)")
    switch op {
    case .negate:
      if element.isFloat { return CText("-\(x.at(.atom))", .prefix) }
      return CText("0u - \(x.cast(to: element.cWrappingType).text)", .sum).cast(to: element.cType)
    case .abs:
      if element.isFloat { return CText("fabs\(letter)(\(x.text))") }
      return element.isSignedInteger ? use(.absolute, [x]).cast(to: element.cType) : x
    case .not:
      if element == .bool { return CText("!\(x.at(.atom))", .prefix) }
      return CText("~\(x.cast(to: element.cWrappingType).text)", .prefix).cast(to: element.cType)
    case .sqrt: return CText("sqrt\(letter)(\(x.text))")
    case .floor, .ceil, .trunc, .rint: return use(.rounding(op.rawValue, element.cType, element.rawValue), [x])
    case .countLeadingZeros: return use(.leadingZeros, [bits(x), width]).cast(to: element.cType)
    case .countTrailingZeros: return use(.trailingZeros, [bits(x), width]).cast(to: element.cType)
    case .popcount: return use(.popcount, [bits(x)]).cast(to: element.cType)
    }
  }

  private mutating func binary(_ op: BinaryOp, _ a: Expr, _ b: Expr) -> CText {
    let element = a.type.element
    let x = print(a)
    let y = print(b)
    let type = element.cType
    func narrowed(_ text: CText) -> CText { element.isPromoted ? text.cast(to: type) : text }
    func wrapping(_ sign: String, _ binding: Binding, right: Binding) -> CText {
      if element.isFloat || element == .u32 || element == .u64 { return .infix(x, sign, y, binding, right: right) }
      let wide = element.cWrappingType
      return CText.infix(x.cast(to: wide), sign, y.cast(to: wide), binding, right: right).cast(to: type)
    }
    func bitwise(_ sign: String, logical: String) -> CText {
      if element == .bool { return CText("\(x.at(.comparison)) \(logical) \(y.at(.comparison))", .logical) }
      return narrowed(CText("\(x.at(.prefix)) \(sign) \(y.at(.prefix))", .loose))
    }
    switch op {
    case .add: return wrapping("+", .sum, right: .product)
    case .subtract: return wrapping("-", .sum, right: .product)
    case .multiply: return wrapping("*", .product, right: .prefix)
    case .divide: return narrowed(.infix(x, "/", y, .product, right: .prefix))
    case .remainder: return narrowed(.infix(x, "%", y, .product, right: .prefix))
    case .floorDivide:
      if !element.isSignedInteger { return narrowed(.infix(x, "/", y, .product, right: .prefix)) }
      let quotient = use(.floorDivide, [x, y])
      return element == .i64 ? quotient : quotient.cast(to: type)
    case .floorRemainder:
      if !element.isSignedInteger { return narrowed(.infix(x, "%", y, .product, right: .prefix)) }
      let remainder = use(.floorRemainder, [x, y])
      return element == .i64 ? remainder : remainder.cast(to: type)
    case .min: return use(.minimum(type, element.rawValue), [x, y])
    case .max: return use(.maximum(type, element.rawValue), [x, y])
    case .and: return bitwise("&", logical: "&&")
    case .or: return bitwise("|", logical: "||")
    case .xor:
      if element == .bool { return CText("\(x.at(.sum)) != \(y.at(.sum))", .comparison) }
      return bitwise("^", logical: "!=")
    case .shiftLeft:
      let shifted = CText("\(x.cast(to: element.cWrappingType).text) << \(y.at(.prefix))", .loose)
      return shifted.cast(to: type)
    case .shiftRight:
      if element.isSignedInteger { return use(.shiftRight, [x, y.cast(to: "int")]).cast(to: type) }
      return narrowed(CText("\(x.at(.prefix)) >> \(y.at(.prefix))", .loose))
    }
  }

  private mutating func compare(_ op: CompareOp, _ a: Expr, _ b: Expr) -> CText {
    if let known = op.knownResult(a, b) { return ElementType.bool.cLiteral(known ? 1 : 0) }
    return CText("\(print(a).at(.sum)) \(op.sign) \(print(b).at(.sum))", .comparison)
  }

  private mutating func cast(_ operand: Expr, to element: ElementType) -> CText {
    let source = operand.type.element
    let x = print(operand)
    if source == element { return x }
    guard element == .bool else { return x.cast(to: element.cType) }
    let zero = source.isFloat ? source.cLiteral(0.0) : source.cLiteral(0)
    return CText("\(x.at(.sum)) != \(zero.text)", .comparison)
  }

  private mutating func bitcast(_ operand: Expr, to element: ElementType) -> CText {
    let source = operand.type.element
    let x = print(operand)
    if !source.isFloat, !element.isFloat { return x.cast(to: element.cType) }
    return use(.bitcast(source.cType, element.cType, name: "\(element.rawValue)_from_\(source.rawValue)"), [x])
  }
}

extension Expr {
  /// The value of index arithmetic on literals, which C would compute in `int`.
  fileprivate var foldedIndex: Int? {
    guard case .binary(let op, let a, let b) = self else { return integerValue }
    guard let x = a.foldedIndex, let y = b.foldedIndex else { return nil }
    switch op {
    case .add: return x + y
    case .subtract: return x - y
    case .multiply: return x * y
    case .divide, .remainder, .floorDivide, .floorRemainder, .min, .max, .and, .or, .xor, .shiftLeft, .shiftRight:
      return nil
    }
  }
}

extension CompareOp {
  fileprivate var sign: String {
    switch self {
    case .equal: "=="
    case .notEqual: "!="
    case .less: "<"
    case .lessOrEqual: "<="
    case .greater: ">"
    case .greaterOrEqual: ">="
    }
  }
}
