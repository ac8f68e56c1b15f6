import Support
import TensorIR

/// Takes positions out of the summed axes of contractions where one factor is read out of bounds, as zeros, for every result.
///
/// Windows that are dilated by more than the data's size have such positions.
func trimSums(_ graph: Graph) -> Graph {
  var result = graph
  for (position, node) in graph.nodes.enumerated() {
    guard case .contract(var contract) = node.primitive else { continue }
    let shapes = node.operands.prefix(2).map { graph.shape(of: $0) }
    for sum in contract.reduced.indices { contract.trim(sum, shapes) }
    result.nodes[position].primitive = .contract(contract)
  }
  return result
}

extension Contract {
  fileprivate mutating func trim(_ sum: Int, _ shapes: [[Dim]]) {
    guard let extent = reduced[sum].constant, extent > 1 else { return }
    let axis = shape.count + sum
    var (first, last) = (0, extent - 1)
    for (indices, shape) in zip([lhs, rhs], shapes) {
      for (index, dimension) in zip(indices, shape) {
        guard let coefficient = index.coefficients[axis], coefficient > 0, let size = dimension.constant else { continue }
        var others = index
        others.coefficients[axis] = nil
        let (low, high) = others.bounds(self.shape + reduced)
        let step = Dim(coefficient)
        guard let least = (step - 1 - high).floorDivided(by: step).constant,
          let greatest = (Dim(size) - 1 - low).floorDivided(by: step).constant
        else { continue }
        (first, last) = (max(first, least), min(last, greatest))
      }
    }
    guard first <= last, last - first + 1 < extent else { return }
    restrict(sum, to: first..<last + 1)
  }

  /// Sums so many positions of a summed axis.
  mutating func restrict(_ sum: Int, to positions: Range<Int>) {
    let axis = shape.count + sum
    reduced[sum] = Dim(positions.count)
    lhs = lhs.map { $0.shifted(axis, by: positions.lowerBound) }
    rhs = rhs.map { $0.shifted(axis, by: positions.lowerBound) }
  }
}

extension AffineIndex {
  /// This index at `axis + start`.
  fileprivate func shifted(_ axis: Int, by start: Int) -> AffineIndex {
    AffineIndex(coefficients, offset: offset + (coefficients[axis] ?? 0) * start)
  }
}
