/// An affine function of the iteration axes.
public struct AffineIndex: Hashable, Sendable {
  /// Coefficients by axis; no coefficient is 0.
  public var coefficients: [Int: Int]
  public var offset: Dim

  public init(_ coefficients: [Int: Int] = [:], offset: Dim = 0) {
    self.coefficients = coefficients.filter { $0.value != 0 }
    self.offset = offset
  }

  public static func axis(_ axis: Int) -> AffineIndex { AffineIndex([axis: 1]) }

  /// The index that a scalar node computes, if it is affine in the axes with constant coefficients.
  public init?(_ id: ScalarID, in graph: ScalarGraph) { self.init(LinearForm(id, in: graph)) }

  /// A form that depends on nothing but axes, with constant coefficients.
  public init?(_ form: LinearForm) {
    let coefficients = form.axes.compactMapValues(\.constant)
    guard form.isAffine, coefficients.count == form.axes.count else { return nil }
    self.init(coefficients, offset: form.constant)
  }

  /// This index plus another one times a factor.
  public func adding(_ other: AffineIndex, times factor: Int) -> AffineIndex {
    var sum = coefficients
    for (axis, coefficient) in other.coefficients { sum[axis, default: 0] += coefficient * factor }
    return AffineIndex(sum, offset: offset + other.offset * factor)
  }

  /// The least and greatest value over an iteration space that is not empty.
  public func bounds(_ extents: [Dim]) -> (low: Dim, high: Dim) {
    var (low, high) = (offset, offset)
    for (axis, coefficient) in coefficients {
      let reach = (extents[axis] - 1) * coefficient
      if coefficient < 0 { low = low + reach } else { high = high + reach }
    }
    return (low, high)
  }

  /// Whether all values over an iteration space lie within an extent, as far as is certain.
  public func isWithin(_ extent: Dim, over extents: [Dim]) -> Bool {
    let (low, high) = bounds(extents)
    return low.lowerBound ?? -1 >= 0 && (high + 1).isAtMost(extent)
  }
}

extension ScalarGraph {
  /// The `i64` value of an affine index, over given nodes in place of axes if there are any.
  public mutating func affineIndex(_ index: AffineIndex, axes: [ScalarID]? = nil) -> ScalarID {
    var sum = dim(index.offset)
    for (axis, coefficient) in index.coefficients.sorted(by: { $0.key < $1.key }) {
      let term = binary(.multiply, axes?[axis] ?? self.axis(axis), integer(coefficient))
      sum = binary(.add, term, sum)
    }
    return sum
  }
}
