import TensorIR

/// Computes maps where they are read, when that repeats no work worth mentioning.
///
/// A map is inlined into a map, reduction or scatter if it costs nothing (it moves or broadcasts elements without conditions), and into a map or
/// reduction also if this is its one reader and asks for no element more often than once.
func inlineMaps(_ graph: Graph) -> Graph {
  var result = graph
  let producers = graph.producers()
  var uses = graph.useCounts()
  for position in result.nodes.indices {
    while let changed = inlineOne(result.nodes[position], result, producers, uses) {
      let before = result.nodes[position].operands
      result.nodes[position] = changed
      for value in before { uses[value.index] -= 1 }
      for value in changed.operands { uses[value.index] += 1 }
    }
  }
  return eliminateDeadCode(result)
}

/// Scalar graphs are not grown beyond this many nodes.
private let bodyLimit = 400

private func inlineOne(_ node: Node, _ graph: Graph, _ producers: [Int?], _ uses: [Int]) -> Node? {
  let domain: Dim
  let body: ScalarGraph
  switch node.primitive {
  case .map(let map): (domain, body) = (map.shape.product, map.body)
  case .reduce(let reduce): (domain, body) = ((reduce.shape + reduce.reduced).product, reduce.body)
  case .scatter(let scatter): (domain, body) = (scatter.updates.product, scatter.target)
  case .constant, .contract, .reshape, .scan, .branch, .sort, .compact, .external, .measure, .assume: return nil
  }
  for (operand, value) in node.operands.enumerated() {
    guard let position = producers[value.index], case .map(let producer) = graph.nodes[position].primitive,
      let readCount = reads(of: operand, in: body), body.nodes.count + producer.body.nodes.count <= bodyLimit
    else { continue }
    let isFree = cost(producer.body) == 0
    let repeats = domain.constant.flatMap { total in
      producer.shape.product.constant.map { Double(total) * Double(readCount) / Double(max(1, $0)) }
    } ?? (domain == producer.shape.product ? Double(readCount) : 2)
    if case .scatter = node.primitive {
      // A scatter that reads what it updates would need a copy.
      guard isFree, operand > 0, !graph.nodes[position].operands.contains(node.operands[0]) else { continue }
    }
    guard isFree || (uses[value.index] == 1 && repeats <= 1.0) else { continue }
    guard !readsOutside(body, operand) || isGuardable(producer.body) else { continue }
    if case .reduce(let reduce) = node.primitive, reads(reduce.epilogue, operand) { continue }
    return inline(node, operand, graph.nodes[position], producer)
  }
  return nil
}

/// The number of distinct reads of an operand; nil if there are none.
private func reads(of operand: Int, in graph: ScalarGraph) -> Int? {
  let count = graph.reachable.filter { if case .read(operand, _, _) = graph[$0] { true } else { false } }.count
  return count == 0 ? nil : count
}

/// Arithmetic on data and reads that may be out of bounds, such as those of joined operands; index arithmetic aside.
private func cost(_ graph: ScalarGraph) -> Int {
  graph.reachable.reduce(0) { sum, id in
    switch graph[id] {
    case .literal, .dim, .axis, .read(_, _, nil), .accumulator: sum
    case .read: sum + 1
    case .unary, .binary, .compare, .select, .multiplyAdd, .cast, .bitcast: sum + (isIndexOnly(id, graph) ? 0 : 1)
    }
  }
}

/// Whether a node is computed from axes alone.
private func isIndexOnly(_ id: ScalarID, _ graph: ScalarGraph) -> Bool {
  switch graph[id] {
  case .literal, .dim, .axis: true
  case .read, .accumulator: false
  case .unary, .binary, .compare, .select, .multiplyAdd, .cast, .bitcast:
    ScalarGraph.operands(of: graph[id]).allSatisfy { isIndexOnly($0, graph) }
  }
}

private func readsOutside(_ graph: ScalarGraph, _ operand: Int) -> Bool {
  graph.reachable.contains { if case .read(operand, _, .some) = graph[$0] { true } else { false } }
}

/// Whether the producer's reads can be guarded where it is evaluated out of its bounds: its indices do not depend on data.
private func isGuardable(_ graph: ScalarGraph) -> Bool {
  graph.reachable.allSatisfy { id in
    guard case .read(_, let indices, _) = graph[id] else { return true }
    return indices.allSatisfy { isIndexOnly($0, graph) }
  }
}

private func inline(_ node: Node, _ operand: Int, _ producerNode: Node, _ producer: Map) -> Node {
  let numbering = producerNode.operands.indices.map { node.operands.count + $0 }
  let operands = node.operands + producerNode.operands
  func expanded(_ body: ScalarGraph) -> ScalarGraph {
    var copy = ScalarGraph()
    copy.results = copy.insert(body) { copy, read, copied in
      guard case .read(operand, let indices, let outside) = read else { return nil }
      let positions = indices.map(copied)
      guard let outside else { return copy.insert(producer.body, operands: numbering, axes: positions)[0] }
      return copy.guarded(producer, numbering, positions, outside: copied(outside))
    }
    return copy
  }
  var changed = node
  changed.absorbOrigin(of: producerNode)
  switch node.primitive {
  case .map(var map):
    (changed.operands, map.body) = GraphBuilder.compact(expanded(map.body), operands)
    changed.primitive = .map(map)
  case .reduce(var reduce):
    reduce.body = expanded(reduce.body)
    changed.operands = operands
    (changed, reduce) = compacted(changed, reduce)
    changed.primitive = .reduce(reduce)
  case .scatter(var scatter):
    (changed.operands, scatter.target) = GraphBuilder.compact(expanded(scatter.target), operands, from: 1)
    changed.primitive = .scatter(scatter)
  case .constant, .contract, .reshape, .scan, .branch, .sort, .compact, .external, .measure, .assume:
    fatalError("\(node.primitive.mnemonic) has no body")
  }
  return changed
}

extension ScalarGraph {
  /// The producer's value at positions that may be out of its bounds, where it is `outside`.
  fileprivate mutating func guarded(_ producer: Map, _ numbering: [Int], _ positions: [ScalarID], outside: ScalarID) -> ScalarID {
    var isInside: ScalarID?
    for (position, extent) in zip(positions, producer.shape) {
      let low = compare(.greaterOrEqual, position, integer(0))
      let high = compare(.less, position, dim(extent))
      let both = binary(.and, low, high)
      isInside = isInside.map { binary(.and, $0, both) } ?? both
    }
    let value = insert(producer.body) { copy, node, copied in
      switch node {
      case .axis(let axis): return positions[axis]
      case .read(let operand, let indices, let fallback):
        let type = producer.body.typeOf(node)
        // Out of the producer's bounds the value is discarded; the guard only keeps the read within memory.
        let safe = fallback.map(copied) ?? copy.number(0, type)
        return copy.read(numbering[operand], indices.map(copied), outside: safe, type: type)
      case .literal, .dim, .accumulator, .unary, .binary, .compare, .select, .multiplyAdd, .cast, .bitcast: return nil
      }
    }[0]
    guard let isInside else { return value }
    return select(isInside, value, outside)
  }
}
