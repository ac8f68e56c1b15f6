import Support

/// The builders take operands of any types; the verifier finds those that do not go together.
extension ScalarGraph {
  /// An integer or `bool` literal.
  public mutating func integer(_ value: Int, _ type: ElementType = .i64) -> ScalarID {
    type.isFloat ? add(.literal(.float(Double(value)), type), type: type) : add(.literal(.integer(value), type), type: type)
  }

  /// A literal of any numeric type, converted from a float.
  public mutating func number(_ value: Double, _ type: ElementType) -> ScalarID {
    if type.isFloat { return add(.literal(.float(value), type), type: type) }
    // What no integer holds stands for the nearest one, or for 0.
    let bounded = value.isNaN ? 0 : min(max(value, -0x1p63), 0x1p63.nextDown)
    return integer(Int(bounded), type)
  }

  public mutating func axis(_ axis: Int) -> ScalarID { add(.axis(axis), type: .i64) }

  public mutating func dim(_ dim: Dim) -> ScalarID {
    if let value = dim.constant { return integer(value) }
    return add(.dim(dim), type: .i64)
  }

  public mutating func read(_ operand: Int, _ indices: [ScalarID], outside: ScalarID? = nil, type: ElementType)
    -> ScalarID
  {
    add(.read(operand: operand, indices: indices, outside: outside), type: type)
  }

  public mutating func accumulator(_ position: Int, _ type: ElementType) -> ScalarID {
    add(.accumulator(position, type), type: type)
  }

  /// This graph as a function of an accumulator 0 of another type, which it converts.
  public func withAccumulator(_ element: ElementType) -> ScalarGraph {
    var copy = ScalarGraph()
    copy.results = copy.insert(self) { copy, node, _ in
      guard case .accumulator(0, let type) = node else { return nil }
      return copy.cast(copy.accumulator(0, element), to: type)
    }
    return copy
  }

  public mutating func unary(_ op: ScalarUnary, _ a: ScalarID) -> ScalarID { add(.unary(op, a), type: type(of: a)) }

  /// The integer value of a literal node.
  public func integerValue(_ id: ScalarID) -> Int? {
    if case .literal(.integer(let value), _) = self[id] { value } else { nil }
  }

  public mutating func binary(_ op: ScalarBinary, _ a: ScalarID, _ b: ScalarID) -> ScalarID {
    let type = type(of: a)
    if type == .i64, self.type(of: b) == .i64, let simpler = simplifiedInteger(op, a, b) { return simpler }
    if op == .subtract, type == .f32, let value = withoutOffset(a, minus: b) { return value }
    return add(.binary(op, a, b), type: type)
  }

  private mutating func simplifiedInteger(_ op: ScalarBinary, _ a: ScalarID, _ b: ScalarID) -> ScalarID? {
    let x = integerValue(a)
    let y = integerValue(b)
    switch op {
    case .add:
      if let x, let y { return integer(x &+ y) }
      if x == 0 { return b }
      if y == 0 { return a }
      if x != nil { return add(.binary(.add, b, a), type: .i64) }
      if let y, case .binary(.add, let inner, let c) = self[a], let z = integerValue(c) {
        return binary(.add, inner, integer(y &+ z))
      }
    case .subtract:
      if let x, let y { return integer(x &- y) }
      if let y { return binary(.add, a, integer(0 &- y)) }
      if a == b { return integer(0) }
    case .multiply:
      if let x, let y { return integer(x &* y) }
      if x == 1 { return b }
      if y == 1 { return a }
      if x == 0 || y == 0 { return integer(0) }
      if x != nil { return add(.binary(.multiply, b, a), type: .i64) }
    case .floorDivide:
      if y == 1 { return a }
      if let x, let y, y > 0 { return integer(Dim.floorQuotient(x, y)) }
    case .floorRemainder:
      if y == 1 { return integer(0) }
      if let x, let y, y > 0 { return integer(x - Dim.floorQuotient(x, y) * y) }
    case .min:
      if let x, let y { return integer(Swift.min(x, y)) }
    case .max:
      if let x, let y { return integer(Swift.max(x, y)) }
    case .divide, .remainder, .and, .or, .xor, .shiftLeft, .shiftRight, .power, .atan2: break
    }
    return nil
  }

  public mutating func compare(_ op: ScalarCompare, _ a: ScalarID, _ b: ScalarID) -> ScalarID {
    add(.compare(op, a, b), type: .bool)
  }

  public mutating func select(_ condition: ScalarID, _ a: ScalarID, _ b: ScalarID) -> ScalarID {
    if a == b { return a }
    if let known = integerValue(condition) { return known != 0 ? a : b }
    return add(.select(condition, a, b), type: type(of: a))
  }

  public mutating func cast(_ a: ScalarID, to target: ElementType) -> ScalarID {
    let source = type(of: a)
    if source == target { return a }
    if source == .i64, target.isFloat, let value = integerValue(a) { return number(Double(value), target) }
    if source == .f32, target == .f64, case .literal(let literal, _) = self[a] {
      return number(literal.double, .f64)
    }
    return shortenedCast(a, to: target) ?? add(.cast(target, a), type: target)
  }

  /// `a * b + c` of floats.
  public mutating func multiplyAdd(_ a: ScalarID, _ b: ScalarID, _ c: ScalarID) -> ScalarID {
    add(.multiplyAdd(a, b, c), type: type(of: a))
  }

  public mutating func bitcast(_ a: ScalarID, to target: ElementType) -> ScalarID {
    type(of: a) == target ? a : add(.bitcast(target, a), type: target)
  }

  public mutating func negate(_ a: ScalarID) -> ScalarID { unary(.negate, a) }
  public mutating func plus(_ a: ScalarID, _ b: ScalarID) -> ScalarID { binary(.add, a, b) }
  public mutating func minus(_ a: ScalarID, _ b: ScalarID) -> ScalarID { binary(.subtract, a, b) }
  public mutating func times(_ a: ScalarID, _ b: ScalarID) -> ScalarID { binary(.multiply, a, b) }
  public mutating func over(_ a: ScalarID, _ b: ScalarID) -> ScalarID { binary(.divide, a, b) }

  /// An affine `i64` expression `a * scale + offset`.
  public mutating func affine(_ a: ScalarID, scale: Int, offset: Dim) -> ScalarID {
    let scaled = binary(.multiply, a, integer(scale))
    return binary(.add, scaled, dim(offset))
  }
}
