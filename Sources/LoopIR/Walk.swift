extension Expr {
  /// The expressions that this one is computed from directly.
  public var operands: [Expr] {
    switch self {
    case .integer, .float, .variable, .symbol: []
    case .load(_, let index, _, let count): count.map { [index, $0] } ?? [index]
    case .gather(_, let indices): [indices]
    case .splat(let operand, _), .ramp(let operand, _, _), .unary(_, let operand), .cast(_, let operand),
      .bitcast(_, let operand), .shuffle(let operand, _), .reduceLanes(_, let operand):
      [operand]
    case .binary(_, let a, let b), .compare(_, let a, let b): [a, b]
    case .select(let a, let b, let c), .multiplyAdd(let a, let b, let c), .multiplyAddGroups(let a, let b, let c):
      [a, b, c]
    }
  }

  /// Calls `visit` with this expression and everything it is computed from.
  public func walk(_ visit: (Expr) -> Void) {
    visit(self)
    for operand in operands { operand.walk(visit) }
  }
}

extension Statement {
  /// The expressions of this statement itself, without those of nested statements.
  public var expressions: [Expr] {
    switch self {
    case .bind(_, let value), .declare(_, let value), .assign(_, let value), .define(_, let value), .acquire(_, let value):
      [value]
    case .store(_, let index, let value, let count): count.map { [index, value, $0] } ?? [index, value]
    case .loop(let loop): [loop.lower, loop.upper]
    case .conditional(let condition, _, _), .whileLoop(let condition, _): [condition]
    case .allocate, .fail: []
    case .zero(_, let index, let count): [index, count]
    case .prefetch(_, let index): [index]
    case .tile(let operation): operation.expressions
    case .copy(_, let index, _, let fromIndex, let count): [index, fromIndex, count]
    case .call(_, let arguments, let scalars): arguments.map(\.offset) + scalars
    case .external(_, let arguments):
      arguments.compactMap { argument in
        switch argument {
        case .place(let place): place.offset
        case .value(let value): value
        case .absent: nil
        }
      }
    }
  }

  /// The buffers of this statement itself, without those of its expressions and of nested statements.
  public var buffers: [Buffer] {
    switch self {
    case .store(let buffer, _, _, _), .allocate(let buffer, _), .zero(let buffer, _, _), .prefetch(let buffer, _),
      .acquire(let buffer, _):
      [buffer]
    case .copy(let to, _, let from, _, _): [to, from]
    case .call(_, let arguments, _): arguments.map(\.buffer)
    case .tile(let operation): operation.buffer.map { [$0] } ?? []
    case .external(_, let arguments):
      arguments.compactMap { if case .place(let place) = $0 { place.buffer } else { nil } }
    case .bind, .declare, .assign, .loop, .conditional, .whileLoop, .define, .fail: []
    }
  }

  /// The statements nested directly in this one.
  public var children: [Statement] {
    switch self {
    case .loop(let loop): loop.body
    case .conditional(_, let then, let otherwise): then + otherwise
    case .whileLoop(_, let body): body
    case .bind, .declare, .assign, .store, .allocate, .zero, .prefetch, .tile, .copy, .call, .define, .acquire, .external,
      .fail:
      []
    }
  }
}

extension TileOperation {
  /// The expressions of the operation.
  fileprivate var expressions: [Expr] {
    switch self {
    case .configure(let shapes): shapes.map(\.rows)
    case .load(_, _, let index, let stride), .store(_, _, let index, let stride): [index, stride]
    case .release, .clear, .multiplyAdd: []
    }
  }

  /// The memory that the operation reads or writes.
  fileprivate var buffer: Buffer? {
    switch self {
    case .load(_, let buffer, _, _), .store(_, let buffer, _, _): buffer
    case .configure, .release, .clear, .multiplyAdd: nil
    }
  }
}

extension [Statement] {
  /// Calls `visit` with every statement, outer ones first.
  public func walk(_ visit: (Statement) -> Void) {
    for statement in self {
      visit(statement)
      statement.children.walk(visit)
    }
  }

  /// Calls `visit` with every expression of every statement.
  public func walkExpressions(_ visit: (Expr) -> Void) {
    walk { statement in
      for expression in statement.expressions { expression.walk(visit) }
    }
  }

  /// The buffers that occur.
  public var buffers: Set<Buffer> {
    var found: Set<Buffer> = []
    walk { found.formUnion($0.buffers) }
    walkExpressions {
      switch $0 {
      case .load(let buffer, _, _, _), .gather(let buffer, _): found.insert(buffer)
      case .integer, .float, .variable, .symbol, .splat, .ramp, .unary, .binary, .compare, .select, .multiplyAdd,
        .multiplyAddGroups, .cast, .bitcast, .shuffle, .reduceLanes:
        break
      }
    }
    return found
  }

  /// The symbolic dimensions that occur.
  public var symbols: Set<String> {
    var found: Set<String> = []
    walkExpressions { if case .symbol(let name) = $0 { found.insert(name) } }
    return found
  }
}

extension Program {
  /// The symbolic dimensions that each kernel reads, or a kernel that it calls.
  public var kernelSymbols: [[String]] {
    var found: [Set<String>] = []
    for kernel in kernels {
      var used = kernel.body.symbols
      kernel.body.walk { if case .call(let called, _, _) = $0, called < found.count { used.formUnion(found[called]) } }
      found.append(used)
    }
    return found.map { used in allSymbols.filter(used.contains) }
  }
}
