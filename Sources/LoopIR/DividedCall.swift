/// The call of all parts of a divided kernel: a parallel loop of the entry.
///
/// A part may consist of pieces, which it computes one after the other. Threads that have nothing left to do may take
/// over pieces of other parts: the kernel gets the number of the piece, and that of the part whose working memory it
/// has.
public struct DividedCall {
  public var kernel: Int
  public var arguments: [Argument]
  /// The parts, which may be computed at the same time.
  public var parts: Int
  /// The pieces of each part.
  public var pieces: Int

  public init(kernel: Int, arguments: [Argument], parts: Int, pieces: Int) {
    (self.kernel, self.arguments, self.parts, self.pieces) = (kernel, arguments, parts, pieces)
  }

  /// Nil for other loops.
  public init?(_ loop: Loop) {
    guard loop.kind == .parallel, loop.body.count == 1, let parts = loop.upper.integerValue else { return nil }
    if case .call(let kernel, let arguments, _) = loop.body.first {
      self.init(kernel: kernel, arguments: arguments, parts: parts, pieces: 1)
      return
    }
    guard case .loop(let inner) = loop.body.first, inner.body.count == 1,
      case .call(let kernel, let arguments, _) = inner.body.first,
      case .binary(.multiply, .variable(loop.variable), let count) = inner.lower, let pieces = count.integerValue
    else { return nil }
    self.init(kernel: kernel, arguments: arguments, parts: parts, pieces: pieces)
  }

  /// The loop, with variables for the number of the part and of the piece.
  public func statement(part: Variable, piece: Variable) -> Statement {
    guard pieces > 1 else {
      return parallel(part, .call(kernel: kernel, arguments: arguments, scalars: [.variable(part)]))
    }
    let call = Statement.call(kernel: kernel, arguments: arguments, scalars: [.variable(piece), .variable(part)])
    let first = Expr.binary(.multiply, .variable(part), .index(pieces))
    return parallel(part, .loop(Loop(piece, from: first, to: .binary(.add, first, .index(pieces)), body: [call])))
  }

  private func parallel(_ part: Variable, _ body: Statement) -> Statement {
    .loop(Loop(part, from: .index(0), to: .index(parts), kind: .parallel, body: [body]))
  }
}
