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
        let flat = AffineIndex(joining: Array(group.from.indices), extents: group.from.map { from[$0] })
      else { continue }
      split(axis, into: group.from.map { from[$0] }, flat)
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

  private mutating func split(_ axis: Int, into extents: [Dim], _ flat: AffineIndex) {
    let sum = axis - shape.count
    var copy = ScalarGraph()
    let parts = extents.indices.map { copy.axis(axis + $0) }
    let whole = copy.affineIndex(flat, axes: parts)
    copy.results = copy.insert(body) { copy, node, _ in
      guard case .axis(let other) = node, other >= axis else { return nil }
      return other == axis ? whole : copy.axis(other + extents.count - 1)
    }
    body = copy
    reduced.replaceSubrange(sum...sum, with: extents)
  }
}
