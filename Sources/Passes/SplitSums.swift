import TensorIR

/// Splits a reduced axis that joins several axes of a reshaped operand into these axes, so that the operand can be read directly.
func splitSums(_ graph: Graph) -> Graph {
  var result = graph
  let producers = graph.producers()
  for (position, node) in graph.nodes.enumerated() {
    guard case .reduce(var reduce) = node.primitive, !reduce.combiner.hasPosition else { continue }
    for (operand, value) in node.operands.enumerated() {
      guard let producer = producers[value.index].map({ graph.nodes[$0] }), case .reshape(let shape) = producer.primitive
      else { continue }
      reduce.split(for: operand, shape, from: graph.shape(of: producer.operands[0]))
    }
    result.nodes[position].primitive = .reduce(reduce)
  }
  return result
}

extension Reduce {
  fileprivate mutating func split(for operand: Int, _ shape: [Dim], from: [Dim]) {
    guard let groups = reshapeGroups(from, shape) else { return }
    for group in groups where group.from.count > 1 && group.to.count == 1 {
      guard let axis = axis(of: operand, dimension: group.to[0]), axis >= self.shape.count,
        reduced[axis - self.shape.count] == shape[group.to[0]],
        case let parts = group.from.map({ from[$0] }),
        let axes = AffineIndex.axes(self.shape.count + reduced.count, splitting: axis, into: parts)
      else { continue }
      var copy = ScalarGraph()
      let positions = axes.map { copy.affineIndex($0) }
      copy.results = copy.insert(body, axes: positions)
      body = copy
      let sum = axis - self.shape.count
      reduced.replaceSubrange(sum...sum, with: parts)
    }
  }

  /// The axis that the body's reads of an operand walk along a dimension, if it is the same for all.
  private func axis(of operand: Int, dimension: Int) -> Int? {
    var found: Int?
    for id in body.reachable {
      guard case .read(operand, let indices, _) = body[id] else { continue }
      guard case .axis(let axis) = body[indices[dimension]], found == nil || found == axis else { return nil }
      found = axis
    }
    return found
  }
}

extension AffineIndex {
  /// The axes of an iteration space as functions of those of another, where one axis is split into several; nil if an extent
  /// of these after the first is no number.
  static func axes(_ count: Int, splitting axis: Int, into parts: [Dim]) -> [AffineIndex]? {
    guard let joined = AffineIndex(joining: Array(parts.indices), extents: parts) else { return nil }
    let whole = AffineIndex(Dictionary(uniqueKeysWithValues: joined.coefficients.map { (axis + $0, $1) }))
    return (0..<count).map { $0 == axis ? whole : .axis($0 < axis ? $0 : $0 + parts.count - 1) }
  }
}
