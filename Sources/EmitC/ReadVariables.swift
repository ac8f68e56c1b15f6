import LoopIR

/// The variables that printed code reads: those on which a store, a branch, a bound or a call depends.
func readVariables(_ body: [Statement]) -> Set<Int> {
  var definitions: [Int: [Expr]] = [:]
  var pending: [Expr] = []
  body.walk { statement in
    switch statement {
    case .bind(let variable, let value), .declare(let variable, let value), .assign(let variable, let value):
      definitions[variable.id, default: []].append(value)
    case .store, .loop, .conditional, .whileLoop, .allocate, .zero, .prefetch, .tile, .copy, .call, .define, .acquire,
      .external, .fail:
      pending += statement.expressions
    }
  }
  var read: Set<Int> = []
  while let expression = pending.popLast() {
    if case .variable(let variable) = expression, read.insert(variable.id).inserted {
      pending += definitions[variable.id] ?? []
    }
    if case .compare(let op, let a, let b) = expression, op.knownResult(a, b) != nil { continue }
    pending += expression.operands
  }
  return read
}

extension CompareOp {
  /// The result if an operand is a limit of the type that decides it, of which compilers warn.
  func knownResult(_ a: Expr, _ b: Expr) -> Bool? {
    knownResult(beside: b) ?? mirrored.knownResult(beside: a)
  }

  private func knownResult(beside right: Expr) -> Bool? {
    let element = right.type.element
    guard let literal = right.integerValue, element.isInteger else { return nil }
    let least = element.isUnsignedInteger ? 0 : -1 << (element.bits - 1)
    let greatest = element.isUnsignedInteger ? Int(truncatingIfNeeded: UInt64.max >> (64 - element.bits)) : ~least
    switch self {
    case .less: return literal == least ? false : nil
    case .greaterOrEqual: return literal == least ? true : nil
    case .greater: return literal == greatest ? false : nil
    case .lessOrEqual: return literal == greatest ? true : nil
    case .equal, .notEqual: return nil
    }
  }

  /// The comparison with its operands exchanged.
  private var mirrored: CompareOp {
    switch self {
    case .equal, .notEqual: self
    case .less: .greater
    case .lessOrEqual: .greaterOrEqual
    case .greater: .less
    case .greaterOrEqual: .lessOrEqual
    }
  }
}
