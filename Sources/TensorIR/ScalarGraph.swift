import Support

/// Scalar operations of one operand; the result has the operand's type.
public enum ScalarUnary: String, Hashable, Sendable, CaseIterable {
  case negate, abs, not, sqrt, floor, ceil, trunc, rint
  case exp, log, sin, cos, tan, asin, acos, atan, sinh, cosh, tanh, asinh, acosh, atanh, erf, sigmoid, log1p, expm1
  /// e^x of numbers that are not positive, where a result below the smallest normal number may be 0.
  case decay
  case popcount

  /// Whether there is such an operation on a type.
  func isDefined(on type: ElementType) -> Bool {
    switch self {
    case .negate, .abs, .floor, .ceil, .trunc, .rint: true
    case .not, .popcount: !type.isFloat
    case .sqrt, .exp, .log, .sin, .cos, .tan, .asin, .acos, .atan, .sinh, .cosh, .tanh, .asinh, .acosh, .atanh, .erf,
      .sigmoid, .log1p, .expm1, .decay:
      type.isFloat
    }
  }
}

/// Scalar operations of two operands of one type; the result has that type.
public enum ScalarBinary: String, Hashable, Sendable, CaseIterable {
  case add, subtract, multiply, divide, remainder, floorDivide, floorRemainder
  /// `a < b ? a : b` and `a > b ? a : b`: with a NaN operand the result is b.
  case min, max
  case and, or, xor, shiftLeft, shiftRight
  case power, atan2

  /// Whether there is such an operation on a type.
  func isDefined(on type: ElementType) -> Bool {
    switch self {
    case .add, .subtract, .multiply, .divide, .remainder, .floorDivide, .floorRemainder, .min, .max, .power, .atan2:
      true
    case .and, .or, .xor, .shiftLeft, .shiftRight: !type.isFloat
    }
  }
}

/// Comparisons with a `bool` result; ordered for floats, except `notEqual`.
public enum ScalarCompare: String, Hashable, Sendable, CaseIterable {
  case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual
}

/// A node of a scalar graph, by position.
public struct ScalarID: Hashable, Sendable {
  public var index: Int
  public init(_ index: Int) { self.index = index }
}

/// One scalar computation; operands precede it in the graph.
public enum ScalarNode: Hashable, Sendable {
  case literal(Literal, ElementType)
  /// A symbolic integer, `i64`.
  case dim(Dim)
  /// The position along an iteration axis, `i64`.
  case axis(Int)
  /// An element of an operand at `i64` indices, one per axis. With `outside`, its value stands for reads at indices out of
  /// bounds; without, all indices are within bounds.
  case read(operand: Int, indices: [ScalarID], outside: ScalarID?)
  /// A result of the reduction or contraction that this epilogue belongs to.
  case accumulator(Int, ElementType)
  case unary(ScalarUnary, ScalarID)
  case binary(ScalarBinary, ScalarID, ScalarID)
  case compare(ScalarCompare, ScalarID, ScalarID)
  /// Both values are computed; reads in either must be in bounds or have an `outside` value.
  case select(ScalarID, ScalarID, ScalarID)
  /// `a * b + c` of floats, rounded once where the target has it, else twice.
  case multiplyAdd(ScalarID, ScalarID, ScalarID)
  /// Float to integer truncates; wider integers wrap; `bool` is 0 or 1; floats below 16 bits saturate, from infinity too.
  case cast(ElementType, ScalarID)
  /// The same bits as another type of the same width.
  case bitcast(ElementType, ScalarID)
}

/// A pure function from iteration axes and operands to scalars: a hash-consed graph in topological order.
public struct ScalarGraph: Hashable, Sendable {
  public private(set) var nodes: [ScalarNode] = []
  public private(set) var types: [ElementType] = []
  public var results: [ScalarID] = []
  private var known: [ScalarNode: ScalarID] = [:]

  public init() {}

  public subscript(id: ScalarID) -> ScalarNode { nodes[id.index] }
  public func type(of id: ScalarID) -> ElementType { types[id.index] }

  public static func == (a: ScalarGraph, b: ScalarGraph) -> Bool {
    a.nodes == b.nodes && a.types == b.types && a.results == b.results
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(nodes)
    hasher.combine(results)
  }

  /// Adds a node, or finds the equal one. Use the typed builders where there is one: they simplify.
  public mutating func add(_ node: ScalarNode, type: ElementType) -> ScalarID {
    if let id = known[node] { return id }
    let id = ScalarID(nodes.count)
    nodes.append(node)
    types.append(type)
    known[node] = id
    return id
  }
}

extension ScalarGraph {
  /// Copies the results of another graph into this one and returns them.
  ///
  /// `replace` may supply the copy of a node, given the copies of the nodes before it; it returns nil to copy the node as it is.
  public mutating func insert(
    _ other: ScalarGraph, replacing replace: (inout ScalarGraph, ScalarNode, (ScalarID) -> ScalarID) -> ScalarID?
  ) -> [ScalarID] {
    let copies = Copies(other.nodes.count)
    for id in other.reachable {
      copies[id] = replace(&self, other[id], { copies[$0] }) ?? copy(other[id], other.type(of: id), { copies[$0] })
    }
    return other.results.map { copies[$0] }
  }

  /// The copies made so far by original; a class, so that closures share it without copying.
  private final class Copies {
    private var copies: [ScalarID?]

    init(_ count: Int) { copies = [ScalarID?](repeating: nil, count: count) }

    subscript(original: ScalarID) -> ScalarID {
      get {
        guard let copy = copies[original.index] else { fatalError("node \(original.index) follows its use") }
        return copy
      }
      set { copies[original.index] = newValue }
    }
  }

  private mutating func copy(_ node: ScalarNode, _ type: ElementType, _ copied: (ScalarID) -> ScalarID) -> ScalarID {
    switch node {
    case .literal, .dim, .axis, .accumulator: add(node, type: type)
    case .read(let operand, let indices, let outside):
      read(operand, indices.map(copied), outside: outside.map(copied), type: type)
    case .unary(let op, let a): unary(op, copied(a))
    case .binary(let op, let a, let b): binary(op, copied(a), copied(b))
    case .compare(let op, let a, let b): compare(op, copied(a), copied(b))
    case .select(let c, let a, let b): select(copied(c), copied(a), copied(b))
    case .multiplyAdd(let a, let b, let c): multiplyAdd(copied(a), copied(b), copied(c))
    case .cast(let target, let a): cast(copied(a), to: target)
    case .bitcast(let target, let a): add(.bitcast(target, copied(a)), type: target)
    }
  }

  /// Copies the results of another graph, with operands renumbered, axes and accumulators replaced; returns the new nodes.
  public mutating func insert(
    _ other: ScalarGraph, operands: [Int]? = nil, axes: [ScalarID]? = nil, accumulators: [ScalarID]? = nil
  ) -> [ScalarID] {
    insert(other) { graph, node, copied in
      switch node {
      case .axis(let axis): axes.map { $0[axis] }
      case .read(let operand, let indices, let outside):
        operands.map {
          graph.read($0[operand], indices.map(copied), outside: outside.map(copied), type: other.typeOf(node))
        }
      case .accumulator(let position, _): accumulators?[position]
      case .literal, .dim, .unary, .binary, .compare, .select, .multiplyAdd, .cast, .bitcast: nil
      }
    }
  }

  /// The position of a node, if the graph has it.
  public func id(of node: ScalarNode) -> ScalarID? { known[node] }

  /// The type of a node of this graph.
  public func typeOf(_ node: ScalarNode) -> ElementType {
    guard let id = known[node] else { fatalError("\(node) is not in the graph") }
    return type(of: id)
  }

  /// The graph without unreachable nodes, in a canonical order, so that equal functions compare equal.
  public func pruned() -> ScalarGraph {
    var copy = ScalarGraph()
    copy.results = copy.insert(self)
    return copy
  }

  /// The nodes that the results depend on, in topological order.
  public var reachable: [ScalarID] { reachable(from: results) }

  /// The nodes that some nodes depend on, with these, in topological order.
  public func reachable(from roots: [ScalarID]) -> [ScalarID] {
    let candidates = 0..<(roots.map(\.index).max() ?? -1) + 1
    var marked = [Bool](repeating: false, count: candidates.count)
    for root in roots { marked[root.index] = true }
    for index in candidates.reversed() where marked[index] {
      for operand in ScalarGraph.operands(of: nodes[index]) { marked[operand.index] = true }
    }
    return candidates.filter { marked[$0] }.map { ScalarID($0) }
  }

  /// Whether a node is a number that is read, or is computed from one.
  public func dependsOnData(_ id: ScalarID) -> Bool {
    reachable(from: [id]).contains { if case .read = self[$0] { true } else { false } }
  }

  /// The nodes that a node uses directly.
  public static func operands(of node: ScalarNode) -> [ScalarID] {
    switch node {
    case .literal, .dim, .axis, .accumulator: []
    case .read(_, let indices, let outside): indices + (outside.map { [$0] } ?? [])
    case .unary(_, let a), .cast(_, let a), .bitcast(_, let a): [a]
    case .binary(_, let a, let b), .compare(_, let a, let b): [a, b]
    case .select(let c, let a, let b): [c, a, b]
    case .multiplyAdd(let a, let b, let c): [a, b, c]
    }
  }
}
