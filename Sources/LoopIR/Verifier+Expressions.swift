import Support

extension BlockVerifier {
  /// Verifies an expression and gives its type.
  func expression(_ expr: Expr) throws(LoopVerificationError) -> ValueType {
    func fail(_ message: String) -> LoopVerificationError { LoopVerificationError("\(expr): \(message)") }
    func same(_ a: Expr, _ b: Expr) throws(LoopVerificationError) -> ValueType {
      let (x, y) = (try expression(a), try expression(b))
      guard x == y else { throw fail("operands have types \(x) and \(y)") }
      return x
    }
    switch expr {
    case .integer(let value, let element):
      guard isLoopType(element), !element.isFloat, fits(value, element) else { throw fail("no literal of its type") }
      return ValueType(element)
    case .float(_, let element):
      guard element == .f32 || element == .f64 else { throw fail("no literal of its type") }
      return ValueType(element)
    case .variable(let variable):
      guard let known = variables[variable.id] else { throw fail("not defined here") }
      guard known.type == variable.type else { throw fail("has type \(known.type), not \(variable.type)") }
      return known.type
    case .symbol(let name):
      guard symbols.contains(name) else { throw fail("not declared") }
      return ValueType(.i64)
    case .load(let buffer, let index, let lanes, let count):
      guard lanes >= 1 else { throw fail("\(lanes) lanes") }
      try access(buffer, index, lanes: lanes, count: count, writes: false)
      return ValueType(buffer.element, lanes: lanes)
    case .gather(let buffer, let indices):
      _ = try use(buffer, reads: true, writes: false)
      let type = try expression(indices)
      guard type.element == .i64 else { throw fail("indices have type \(type)") }
      return ValueType(buffer.element, lanes: type.lanes)
    case .splat(let value, let lanes):
      let type = try expression(value)
      guard type.lanes == 1, lanes >= 1 else { throw fail("\(type) in \(lanes) lanes") }
      return ValueType(type.element, lanes: lanes)
    case .ramp(let base, _, let lanes):
      let type = try expression(base)
      guard type.lanes == 1, type.element.isInteger, lanes >= 1 else { throw fail("\(type) in \(lanes) lanes") }
      return ValueType(type.element, lanes: lanes)
    case .unary(let op, let operand):
      let type = try expression(operand)
      guard op.takes(type.element) else { throw fail("\(op) of \(type)") }
      return type
    case .binary(let op, let a, let b):
      let type = try same(a, b)
      guard op.takes(type.element) else { throw fail("\(op) of \(type)") }
      return type
    case .compare(_, let a, let b): return ValueType(.bool, lanes: try same(a, b).lanes)
    case .select(let condition, let a, let b):
      let type = try same(a, b)
      try expect(condition, ValueType(.bool, lanes: type.lanes))
      return type
    case .multiplyAdd(let a, let b, let c):
      let type = try same(a, b)
      try expect(c, type)
      guard type.element.isFloat, type.element.isNumber else { throw fail("of \(type)") }
      return type
    case .multiplyAddGroups(let a, let b, let c):
      let type = try same(a, b)
      guard type.element == .u32 else { throw fail("of \(type)") }
      let sum = try expression(c)
      guard sum.element == .f32 || sum.element == .i32, sum.lanes == type.lanes else { throw fail("to \(sum)") }
      return sum
    case .cast(let element, let operand):
      guard isComputed(element) else { throw fail("no type of Loop IR") }
      return ValueType(element, lanes: try expression(operand).lanes)
    case .bitcast(let element, let operand):
      let type = try expression(operand)
      guard isComputed(element), element.bits == type.element.bits else { throw fail("\(type) has another width") }
      return ValueType(element, lanes: type.lanes)
    case .shuffle(let vector, let positions):
      let type = try expression(vector)
      guard positions.count > 1, positions.allSatisfy({ 0..<type.lanes ~= $0 }) else { throw fail("\(positions) of \(type)") }
      return ValueType(type.element, lanes: positions.count)
    case .reduceLanes(let op, let vector):
      let type = try expression(vector)
      guard op.takes(type.element) else { throw fail("\(op) of \(type)") }
      return ValueType(type.element)
    }
  }

  private func fits(_ value: Int, _ element: ElementType) -> Bool {
    if element == .bool { return value == 0 || value == 1 }
    // Literals of u64 beyond the greatest i64 appear as the negative integer of the same bits.
    if element.bits == 64 { return true }
    let limit = 1 << (element.isSignedInteger ? element.bits - 1 : element.bits)
    return value < limit && value >= (element.isSignedInteger ? -limit : 0)
  }
}

extension ElementType {
  /// Whether there is arithmetic of the type.
  fileprivate var isNumber: Bool { isLoopType(self) && (isFloat || isInteger) }
}

extension UnaryOp {
  /// Whether the operation is defined for a type.
  fileprivate func takes(_ element: ElementType) -> Bool {
    switch self {
    case .negate, .abs: element.isNumber
    case .not: !element.isFloat
    case .sqrt, .floor, .ceil, .trunc, .rint: element.isFloat && element.isNumber
    case .countLeadingZeros, .countTrailingZeros, .popcount: element.isInteger
    }
  }
}

extension BinaryOp {
  /// Whether the operation is defined for a type.
  fileprivate func takes(_ element: ElementType) -> Bool {
    switch self {
    case .add, .subtract, .multiply, .divide, .min, .max: element.isNumber
    case .remainder, .floorDivide, .floorRemainder, .shiftLeft, .shiftRight: element.isInteger
    case .and, .or, .xor: !element.isFloat
    }
  }
}

extension LaneReduction {
  /// Whether the reduction is defined for a type.
  fileprivate func takes(_ element: ElementType) -> Bool {
    switch self {
    case .sum, .product, .min, .max: element.isNumber
    case .and, .or: !element.isFloat
    }
  }
}
