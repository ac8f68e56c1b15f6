import TensorIR

/// Moves reshapes behind maps that read them element by element, so that the map can join the producer.
///
/// `map(reshape(x))` becomes `reshape(map(x))` where every axis of the map's domain splits into axes of x.
func sinkReshapes(_ graph: Graph) -> Graph {
  var result = graph
  result.nodes = []
  var producers: [ValueID: Node] = [:]
  for node in graph.nodes {
    let rewritten = sink(node, producers, &result) ?? [node]
    for node in rewritten {
      result.nodes.append(node)
      for value in node.results { producers[value] = node }
    }
  }
  return eliminateDeadCode(result)
}

private func sink(_ node: Node, _ producers: [ValueID: Node], _ graph: inout Graph) -> [Node]? {
  guard case .map(let map) = node.primitive else { return nil }
  for (operand, value) in node.operands.enumerated() {
    guard let producer = producers[value], case .reshape(let shape) = producer.primitive, shape == map.shape,
      readsOnlyAtIdentity(map.body, operand, rank: shape.count)
    else { continue }
    let source = producer.operands[0]
    let from = graph.shape(of: source)
    guard let groups = reshapeGroups(from, shape), groups.allSatisfy({ $0.to.count == 1 }),
      let axes = AxisSplit(groups, from: from, rank: shape.count)
    else { continue }
    var body = ScalarGraph()
    let positions = axes.indices.map { body.affineIndex($0) }
    var operands = node.operands
    operands.append(source)
    body.results = body.insert(map.body) { copy, read, copied in
      switch read {
      case .axis(let axis): return positions[axis]
      case .read(operand, _, nil):
        let own = from.indices.map { copy.axis($0) }
        return copy.read(node.operands.count, own, type: map.body.typeOf(read))
      case .literal, .dim, .read, .accumulator, .unary, .binary, .compare, .select, .multiplyAdd, .cast, .bitcast: return nil
      }
    }
    let (used, compact) = GraphBuilder.compact(body, operands)
    let type = TensorType(graph.type(of: node.results[0]).element, from)
    graph.values.append(Value(type: type))
    let middle = ValueID(graph.values.count - 1)
    return [
      Node(.map(Map(shape: from, body: compact)), operands: used, results: [middle], origin: node.origin),
      Node(.reshape(shape), operands: [middle], results: node.results, origin: node.origin),
    ]
  }
  return nil
}

/// The axes of a shape as affine functions of the finer axes that each splits into.
private struct AxisSplit {
  var indices: [AffineIndex]

  init?(_ groups: [(from: [Int], to: [Int])], from: [Dim], rank: Int) {
    indices = [AffineIndex](repeating: AffineIndex(), count: rank)
    for group in groups {
      guard let index = AffineIndex(joining: group.from, extents: from) else { return nil }
      indices[group.to[0]] = index
    }
  }
}

/// Whether an operand is read, and only at the position that is computed.
func readsOnlyAtIdentity(_ graph: ScalarGraph, _ operand: Int, rank: Int) -> Bool {
  var found = false
  for id in graph.reachable {
    guard case .read(operand, let indices, let outside) = graph[id] else { continue }
    guard outside == nil, indices.count == rank else { return false }
    for (axis, index) in indices.enumerated() {
      guard case .axis(axis) = graph[index] else { return false }
    }
    found = true
  }
  return found
}
