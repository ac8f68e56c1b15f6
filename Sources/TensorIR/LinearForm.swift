/// An `i64` scalar node as a sum: a constant, axes times coefficients, and other nodes times coefficients.
public struct LinearForm: Sendable {
  public var constant = Dim(0)
  public var axes: [Int: Dim] = [:]
  public var others: [ScalarID: Dim] = [:]

  /// Splits a node into its linear parts.
  public init(_ id: ScalarID, in graph: ScalarGraph) {
    self.init()
    switch graph[id] {
    case .literal(.integer(let value), _): constant = Dim(value)
    case .dim(let dim): constant = dim
    case .axis(let axis): axes[axis] = 1
    case .binary(.add, let a, let b):
      add(LinearForm(a, in: graph), times: 1)
      add(LinearForm(b, in: graph), times: 1)
    case .binary(.subtract, let a, let b):
      add(LinearForm(a, in: graph), times: 1)
      add(LinearForm(b, in: graph), times: -1)
    case .binary(.multiply, let a, let b):
      let left = LinearForm(a, in: graph)
      let right = LinearForm(b, in: graph)
      if right.isConstant {
        add(left, times: right.constant)
      } else if left.isConstant {
        add(right, times: left.constant)
      } else {
        others[id] = 1
      }
    case .literal, .read, .accumulator, .unary, .binary, .compare, .select, .multiplyAdd, .cast, .bitcast: others[id] = 1
    }
  }

  public init() {}

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

  /// The least and greatest value over iteration spaces of constant extents; nil if not known.
  public func bounds(_ extents: [Dim]) -> ClosedRange<Int>? {
    guard isAffine, var low = constant.constant else { return nil }
    var high = low
    for (axis, coefficient) in axes {
      guard let factor = coefficient.constant, let extent = extents[axis].constant, extent > 0 else { return nil }
      let reach = factor * (extent - 1)
      low += min(reach, 0)
      high += max(reach, 0)
    }
    return low...high
  }
}
