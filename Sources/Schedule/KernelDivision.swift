import LoopIR

/// Divides the parallel loops of a kernel into parts of about equal length, which threads compute at the same time.
///
/// A part computes whole iterations, so that results do not depend on the number of parts. Where that repeats little
/// work, parts consist of pieces, of which a thread that is ready takes over those of another one: processors that others
/// use too are slow at times.
struct KernelDivision {
  private let parts: Int
  /// The pieces of each part.
  let pieces: Int
  private let divides: Bool
  private let part: Variable
  private let piece: Variable

  /// Statements from which on a division is worth waiting for other threads.
  private static let worthwhile = 8192.0
  /// What a store counts for: what one thread alone computes has to come to it from where the other ones left it, and go
  /// back to them.
  private static let store = 8.0
  /// What the number of iterations is taken for where it is symbolic.
  private static let usualIterations = 96
  /// How much longer than the mean the longest part may be.
  private static let balance = 1.04

  /// Pieces of each part, at most.
  private static let mostPieces = 4
  /// The share of all work that pieces may repeat.
  private static let repetition = 0.01
  /// Iterations of a loop inside of others that a piece computes at least: what is read around them is read for every
  /// piece.
  private static let leastIterations = 8

  /// The division of a body for a number of threads.
  init(_ body: [Statement], parts: Int, _ scope: KernelScope, _ target: Target) {
    let whole = KernelDivision(parts: parts, pieces: 1, divides: true, part: scope.part, piece: scope.part)
    let divides = parts > 1 && Self.cost(body) >= Self.worthwhile && body.contains { whole.hasDivision($0) }
    // Neither C nor the processors without vectors that there is code for have counters that threads share.
    let pieces = divides && target.vectorBytes >= 16 ? whole.bestPieces(body) : 1
    self.init(
      parts: parts, pieces: pieces, divides: divides, part: scope.part, piece: pieces > 1 ? scope.piece : scope.part)
  }

  private init(parts: Int, pieces: Int, divides: Bool, part: Variable, piece: Variable) {
    (self.parts, self.pieces, self.divides, self.part, self.piece) = (parts, pieces, divides, part, piece)
  }

  /// What the kernel is called with: the number of the piece, and that of the part if it has several.
  var scalars: [Variable] { divides ? pieces > 1 ? [piece, part] : [part] : [] }

  /// The body, divided or not, without parallel loops.
  func divided(_ body: [Statement]) -> [Statement] {
    if divides { return block(body) }
    var usesPart = false
    body.walkExpressions { if $0 == .variable(part) { usesPart = true } }
    return (usesPart ? [.bind(part, .index(0))] : []) + Self.serial(body)
  }

  // MARK: Pieces

  private func bestPieces(_ body: [Statement]) -> Int {
    let (cost, repeated) = (Self.cost(body), repeated(body))
    let room = room(body, isOutermost: true)
    return [Self.mostPieces, 2].first { pieces in
      let all = Double(parts * pieces)
      return pieces <= room && cost >= all * Self.worthwhile && repeated * all <= cost * Self.repetition
    } ?? 1
  }

  /// What every piece computes for itself before and around its share.
  private func repeated(_ statements: [Statement]) -> Double {
    guard let last = statements.lastIndex(where: { hasDivision($0) }) else { return 0 }
    return statements[...last].reduce(0) { sum, statement in
      guard hasDivision(statement) else { return sum + Self.cost(alone(statement)) }
      if case .conditional(_, let then, let otherwise) = statement {
        return sum + max(repeated(then), repeated(otherwise))
      }
      guard case .loop(let loop) = statement, !isDivided(loop) else { return sum }
      return sum + Double(Self.iterations(loop) ?? Self.usualIterations) * (1 + repeated(loop.body))
    }
  }

  /// The pieces that the divided loops have iterations for.
  private func room(_ statements: [Statement], isOutermost: Bool) -> Int {
    statements.reduce(.max) { room, statement in
      if case .conditional(_, let then, let otherwise) = statement {
        return min(room, self.room(then + otherwise, isOutermost: isOutermost))
      }
      guard case .loop(let loop) = statement else { return room }
      guard isDivided(loop) else { return min(room, self.room(loop.body, isOutermost: false)) }
      let share = (Self.iterations(loop) ?? Self.usualIterations) / parts
      return min(room, isOutermost ? share : share / Self.leastIterations)
    }
  }

  // MARK: Estimates

  private static func iterations(_ loop: Loop) -> Int? {
    guard let lower = loop.lower.integerValue, let upper = loop.upper.integerValue else { return nil }
    return max(0, upper - lower + loop.step - 1) / loop.step
  }

  /// The number of statements that run, with what they take in statements.
  private static func cost(_ statements: [Statement]) -> Double {
    statements.reduce(0) { sum, statement in
      switch statement {
      case .loop(let loop): sum + Double(iterations(loop) ?? usualIterations) * cost(loop.body)
      case .conditional(_, let then, let otherwise): sum + max(cost(then), cost(otherwise))
      case .whileLoop(_, let body): sum + Double(usualIterations) * cost(body)
      // A block of rows.
      case .call: sum + worthwhile
      case .store: sum + store
      case .bind, .declare, .assign, .allocate, .zero, .prefetch, .tile, .copy, .external, .define, .acquire, .fail:
        sum + 1
      }
    }
  }

  /// The length of the longest part over the mean, if a loop is divided; where it is symbolic, the worst there may be.
  private func imbalance(_ loop: Loop) -> Double? {
    guard loop.kind == .parallel else { return nil }
    if Self.iterations(loop) == nil {
      // Batches are often 1, so a symbol alone says nothing.
      guard let upper = loop.upper.valueForSmallSymbols, let lower = loop.lower.valueForSmallSymbols else { return Double(parts) }
      return imbalance(max(1, (upper - lower + loop.step - 1) / loop.step))
    }
    return Self.iterations(loop).flatMap { $0 > 1 ? imbalance($0) : nil }
  }

  private func imbalance(_ count: Int) -> Double { Double((count + parts - 1) / parts * parts) / Double(count) }

  /// The best imbalance of the loops inside.
  private func best(_ statements: [Statement]) -> Double? {
    var result: Double?
    for statement in statements {
      let own: Double?
      switch statement {
      case .loop(let loop): own = [imbalance(loop), best(loop.body)].compactMap { $0 }.min()
      case .conditional(_, let then, let otherwise): own = [best(then), best(otherwise)].compactMap { $0 }.min()
      case .bind, .declare, .assign, .store, .whileLoop, .allocate, .zero, .prefetch, .tile, .copy, .call, .external,
        .define, .acquire, .fail:
        own = nil
      }
      // The statement that runs longest decides; the first one stands for it.
      result = result ?? own
    }
    return result
  }

  /// Whether this loop is the one on its path that is divided: the outermost one that is balanced, else the best one.
  private func isDivided(_ loop: Loop) -> Bool {
    guard let own = imbalance(loop) else { return false }
    guard own > Self.balance else { return true }
    guard let inner = best(loop.body) else { return true }
    return own < inner
  }

  private func hasDivision(_ statement: Statement) -> Bool {
    switch statement {
    case .loop(let loop): isDivided(loop) || loop.body.contains { hasDivision($0) }
    case .conditional(_, let then, let otherwise): (then + otherwise).contains { hasDivision($0) }
    case .bind, .declare, .assign, .store, .whileLoop, .allocate, .zero, .prefetch, .tile, .copy, .call, .external,
      .define, .acquire, .fail:
      false
    }
  }

  // MARK: Division

  /// Statements of which every part runs its share of the divided loops; the last part runs what is behind them alone.
  private func block(_ statements: [Statement]) -> [Statement] {
    guard let last = statements.lastIndex(where: { hasDivision($0) }) else { return lastPartOnly(statements) }
    let shared = statements[...last].flatMap { hasDivision($0) ? [divided($0)] : alone($0) }
    // Every part has registers of its own to release.
    let release = Statement.tile(.release)
    let (rest, ends) = (statements[(last + 1)...].filter { $0 != release }, statements.last == release)
    return shared + (rest.isEmpty ? [] : lastPartOnly(rest)) + (ends ? [release] : [])
  }

  private func lastPartOnly(_ statements: [Statement]) -> [Statement] {
    let isLast = Expr.compare(.equal, .variable(piece), .index(parts * pieces - 1))
    return [.conditional(isLast, then: Self.serial(statements), otherwise: [])]
  }

  /// A statement before a divided loop: what later statements use, names and working memory, every part makes for itself.
  private func alone(_ statement: Statement) -> [Statement] {
    switch statement {
    case .bind, .declare, .assign, .allocate, .zero, .prefetch, .tile: [statement]
    case .loop(let loop) where loop.kind == .serial: [statement]
    case .store, .loop, .conditional, .whileLoop, .copy, .call, .external, .define, .acquire, .fail:
      lastPartOnly([statement])
    }
  }

  private func divided(_ statement: Statement) -> Statement {
    switch statement {
    case .loop(var loop):
      if isDivided(loop) {
        (loop.lower, loop.upper) = bounds(loop)
        loop.body = Self.serial(loop.body)
      } else {
        loop.body = block(loop.body)
      }
      loop.kind = .serial
      return .loop(loop)
    case .conditional(let condition, let then, let otherwise):
      return .conditional(condition, then: block(then), otherwise: otherwise.isEmpty ? [] : block(otherwise))
    case .bind, .declare, .assign, .store, .whileLoop, .allocate, .zero, .prefetch, .tile, .copy, .call, .external,
      .define, .acquire, .fail:
      return statement
    }
  }

  /// The first iteration of the part, and the first one of the next part.
  private func bounds(_ loop: Loop) -> (Expr, Expr) {
    let length = Expr.binary(.subtract, loop.upper, loop.lower)
    let count = Self.iterations(loop).map { Expr.index($0) }
      ?? .binary(.max, .binary(.floorDivide, length + .index(loop.step - 1), .index(loop.step)), .index(0))
    func start(_ part: Expr) -> Expr {
      loop.lower + Expr.binary(.floorDivide, count * part, .index(parts * pieces)) * .index(loop.step)
    }
    // The last part ends where the loop does; an end behind it is no harm, because iterations begin before it.
    return (start(.variable(piece)), .binary(.min, start(.variable(piece) + .index(1)), loop.upper))
  }

  private static func serial(_ statements: [Statement]) -> [Statement] {
    statements.map { statement in
      switch statement {
      case .loop(var loop):
        if loop.kind == .parallel { loop.kind = .serial }
        loop.body = serial(loop.body)
        return .loop(loop)
      case .conditional(let condition, let then, let otherwise):
        return .conditional(condition, then: serial(then), otherwise: serial(otherwise))
      case .whileLoop(let condition, let body): return .whileLoop(condition, body: serial(body))
      case .bind, .declare, .assign, .store, .allocate, .zero, .prefetch, .tile, .copy, .call, .external, .define,
        .acquire, .fail:
        return statement
      }
    }
  }
}

extension Expr {
  /// The value if all symbols are 1, of expressions over symbols.
  fileprivate var valueForSmallSymbols: Int? {
    switch self {
    case .integer: return integerValue
    case .symbol: return 1
    case .binary(let op, let left, let right):
      guard let a = left.valueForSmallSymbols, let b = right.valueForSmallSymbols else { return nil }
      switch op {
      case .add: return a &+ b
      case .subtract: return a &- b
      case .multiply: return a &* b
      case .floorDivide: return b > 0 && a >= 0 ? a / b : nil
      case .floorRemainder: return b > 0 && a >= 0 ? a % b : nil
      case .min: return min(a, b)
      case .max: return max(a, b)
      case .divide, .remainder, .and, .or, .xor, .shiftLeft, .shiftRight: return nil
      }
    case .float, .variable, .load, .gather, .splat, .ramp, .unary, .compare, .select, .multiplyAdd, .multiplyAddGroups,
      .cast, .bitcast, .shuffle, .reduceLanes:
      return nil
    }
  }
}
