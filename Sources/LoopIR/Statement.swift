import Support

/// How the iterations of a loop may be run.
public enum LoopKind: String, Hashable, Sendable, CaseIterable {
  /// In order.
  case serial
  /// In any order, by any thread: iterations write disjoint memory.
  case parallel
  /// Replicated at compile time; both bounds are literals.
  case unrolled
}

/// `for variable in stride(from: lower, to: upper, by: step)`; the variable is an `i64` scalar.
public struct Loop: Hashable, Sendable {
  public var variable: Variable
  public var lower: Expr
  public var upper: Expr
  /// At least 1.
  public var step: Int
  public var kind: LoopKind
  public var body: [Statement]

  public init(
    _ variable: Variable, from lower: Expr, to upper: Expr, by step: Int = 1, kind: LoopKind = .serial,
    body: [Statement]
  ) {
    self.variable = variable
    self.lower = lower
    self.upper = upper
    self.step = step
    self.kind = kind
    self.body = body
  }
}

/// A place in memory handed to a kernel: a buffer of the caller and an element offset (`i64` scalar).
public struct Argument: Hashable, Sendable {
  public var buffer: Buffer
  public var offset: Expr

  public init(_ buffer: Buffer, offset: Expr = .index(0)) {
    self.buffer = buffer
    self.offset = offset
  }
}

/// What a parameter of an external function gets.
public enum ExternalArgument: Hashable, Sendable {
  case place(Argument)
  /// A null pointer.
  case absent
  /// An `i64` scalar or a literal `f32`.
  case value(Expr)
}

/// The shape of a tile register: rows of 32-bit elements.
public struct TileShape: Hashable, Sendable {
  /// From 1 to 16, an `i64` scalar.
  public var rows: Expr
  /// From 1 to 16.
  public var columns: Int

  public init(rows: Expr, columns: Int) {
    self.rows = rows
    self.columns = columns
  }
}

/// An operation of a matrix unit on its tile registers, which are numbered from 0 to 7 (Intel AMX).
///
/// Indices and strides between rows count elements of 4 bytes.
public enum TileOperation: Hashable, Sendable {
  /// Gives the first registers shapes and clears them.
  case configure([TileShape])
  /// Ends the use of the registers.
  case release
  case clear(Int)
  case load(Int, Buffer, index: Expr, stride: Expr)
  case store(Int, Buffer, index: Expr, stride: Expr)
  /// `sum[i][j] += left[i][k] * right[k][j]`, where elements of `left` and `right` are groups as in `Expr.multiplyAddGroups`, by
  /// the type of sums.
  case multiplyAdd(ElementType, sum: Int, left: Int, right: Int)
}

/// An action of a kernel or of the program's entry.
public indirect enum Statement: Hashable, Sendable {
  /// Names a value; the variable is assigned exactly once.
  case bind(Variable, Expr)
  /// Declares a mutable variable with a first value.
  case declare(Variable, Expr)
  /// Changes a variable that `declare` introduced in this or an enclosing block.
  case assign(Variable, Expr)
  /// Writes the lanes of `value` to consecutive elements from the offset `index`; with `count` only the first `count` lanes.
  case store(Buffer, index: Expr, value: Expr, count: Expr?)
  case loop(Loop)
  case conditional(Expr, then: [Statement], otherwise: [Statement])
  /// Repeats while the condition, a `bool` scalar, holds; it may read mutable variables and memory.
  case whileLoop(Expr, body: [Statement])
  /// A local array of `count` elements on the stack, uninitialised, aligned to 64 bytes, alive to the end of the block.
  case allocate(Buffer, count: Int)
  /// Clears `count` elements (`i64` scalar) to zero bits.
  case zero(Buffer, index: Expr, count: Expr)
  /// Says that an element will be read or written soon; the place may lie beyond the buffer.
  case prefetch(Buffer, index: Expr)
  /// Kernels that use tile registers configure them first and release them at last.
  case tile(TileOperation)
  /// Copies `count` elements between buffers of the same element type; source and destination do not overlap, or they are
  /// an output of the program and the input that it updates, which may be the same place: then there is nothing to do.
  case copy(to: Buffer, index: Expr, from: Buffer, fromIndex: Expr, count: Expr)
  /// Runs a kernel of the program by its position in `Program.kernels`, with one argument for each parameter.
  case call(kernel: Int, arguments: [Argument], scalars: [Expr])
  /// Gives a measured symbol of the program its value, an `i64` scalar; in the entry only.
  case define(String, Expr)
  /// Gets memory of at least `bytes` (`i64` scalar) for a buffer of acquired storage, or fails; in the entry only.
  case acquire(Buffer, bytes: Expr)
  /// Calls a function of `Program.externals` by its position; a status other than 0 ends the call. In the entry only.
  case external(function: Int, arguments: [ExternalArgument])
  /// Ends the whole call with a status code other than 0; in kernels and in the entry.
  case fail(status: Int)
}
