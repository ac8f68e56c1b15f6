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

  /// The least and greatest value over iteration spaces of constant extents; nil if not known.
  public func bounds(_ extents: [Dim]) -> ClosedRange<Int>? {
    guard var low = offset.constant else { return nil }
    var high = low
    for (axis, coefficient) in coefficients {
      guard let extent = extents[axis].constant else { return nil }
      let reach = coefficient * max(0, extent - 1)
      low += min(reach, 0)
      high += max(reach, 0)
    }
    return low...high
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
