/// An `i64` scalar node as a sum: a constant, axes times coefficients, and other nodes times coefficients.
public struct LinearForm: Sendable {
  public var constant = Dim(0)
  public var axes: [Int: Dim] = [:]
  public var others: [ScalarID: Dim] = [:]

  /// Splits a node into its linear parts.
  public init(_ id: ScalarID, in graph: ScalarGraph) {
    var known: [ScalarID: LinearForm] = [:]
    self = LinearForm.form(id, in: graph, &known)
  }

  /// Nodes may share operands, so that there are far more paths than nodes.
  private static func form(_ id: ScalarID, in graph: ScalarGraph, _ known: inout [ScalarID: LinearForm]) -> LinearForm {
    if let earlier = known[id] { return earlier }
    func of(_ operand: ScalarID) -> LinearForm { form(operand, in: graph, &known) }
    var result = LinearForm()
    switch graph[id] {
    case .literal(.integer(let value), _): result.constant = Dim(value)
    case .dim(let dim): result.constant = dim
    case .axis(let axis): result.axes[axis] = 1
    case .binary(.add, let a, let b):
      result = of(a)
      result.add(of(b), times: 1)
    case .binary(.subtract, let a, let b):
      result = of(a)
      result.add(of(b), times: -1)
    case .binary(.multiply, let a, let b):
      let (left, right) = (of(a), of(b))
      if right.isConstant {
        result.add(left, times: right.constant)
      } else if left.isConstant {
        result.add(right, times: left.constant)
      } else {
        result.others[id] = 1
      }
    case .literal, .read, .accumulator, .unary, .binary, .compare, .select, .multiplyAdd, .cast, .bitcast:
      result.others[id] = 1
    }
    known[id] = result
    return result
  }

  public init() {}

  public init(_ index: AffineIndex) {
    constant = index.offset
    axes = index.coefficients.mapValues { Dim($0) }
  }

  public var isConstant: Bool { axes.isEmpty && others.isEmpty }
  /// Whether the form depends on nothing but iteration axes.
  public var isAffine: Bool { others.isEmpty }

  public mutating func add(_ other: LinearForm, times factor: Dim) {
    constant = constant + other.constant * factor
    for (axis, coefficient) in other.axes { axes[axis] = (axes[axis] ?? 0) + coefficient * factor }
    for (id, coefficient) in other.others { others[id] = (others[id] ?? 0) + coefficient * factor }
    axes = axes.filter { $0.value != 0 }
    others = others.filter { $0.value != 0 }
  }
}
