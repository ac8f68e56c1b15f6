import TensorIR

/// Moves maps into the epilogue of the contraction or reduction whose result they alone read, element by element.
///
/// A map that reads a contraction's result with its axes permuted reorders the contraction's axes first.
func fuseEpilogues(_ graph: Graph) -> Graph {
  var result = graph
  var nodes: [Node?] = graph.nodes
  var producers = graph.producers()
  let uses = graph.useCounts()
  for position in nodes.indices {
    guard let node = nodes[position], case .map(let map) = node.primitive else { continue }
    for (operand, value) in node.operands.enumerated().reversed() {
      guard uses[value.index] == 1, let source = producers[value.index], let producer = nodes[source],
        let fused = fuse(node, map, operand, producer)
      else { continue }
      nodes[position] = fused
      nodes[position]?.absorbOrigin(of: producer)
      nodes[source] = nil
      for result in fused.results { producers[result.index] = position }
      break
    }
  }
  result.nodes = nodes.compactMap { $0 }
  return eliminateDeadCode(result)
}

private func fuse(_ node: Node, _ map: Map, _ operand: Int, _ producer: Node) -> Node? {
  switch producer.primitive {
  case .contract(let contract):
    guard let order = permutation(map.body, operand, contract.shape.count), map.shape.count == contract.shape.count,
      order.enumerated().allSatisfy({ map.shape[$0.offset] == contract.shape[$0.element] })
    else { return nil }
    var fused = reordered(contract, order)
    let numbering = node.operands.indices.map { producer.operands.count + $0 }
    let joined = join(map.body, operand, fused.epilogue, numbering)
    var result = node
    (result.operands, fused.epilogue) = GraphBuilder.compact(joined, producer.operands + node.operands, from: 2)
    result.primitive = .contract(fused)
    return result
  case .reduce(var reduce):
    guard producer.results.count == 1, map.shape == reduce.shape,
      readsOnlyAtIdentity(map.body, operand, rank: map.shape.count)
    else { return nil }
    let numbering = node.operands.indices.map { producer.operands.count + $0 }
    reduce.epilogue = join(map.body, operand, reduce.epilogue, numbering)
    var result = node
    result.operands = producer.operands + node.operands
    (result, reduce) = compacted(result, reduce)
    result.primitive = .reduce(reduce)
    return result
  case .constant, .map, .reshape, .scan, .branch, .scatter, .sort, .compact, .external, .measure, .assume: return nil
  }
}

/// For every axis of the map, the axis of the operand that it walks; nil unless all reads are the same permutation.
private func permutation(_ graph: ScalarGraph, _ operand: Int, _ rank: Int) -> [Int]? {
  var found: [Int]?
  for id in graph.reachable {
    guard case .read(operand, let indices, let outside) = graph[id] else { continue }
    guard outside == nil, indices.count == rank else { return nil }
    var order = [Int](repeating: -1, count: rank)
    for (axis, index) in indices.enumerated() {
      guard case .axis(let walked) = graph[index], walked < rank, order[walked] == -1 else { return nil }
      order[walked] = axis
    }
    guard !order.contains(-1), found == nil || found == order else { return nil }
    found = order
  }
  return found
}

/// The contraction with its axes in another order: axis k of the result is axis `order[k]` of the original.
func reordered(_ contract: Contract, _ order: [Int]) -> Contract {
  let rank = contract.shape.count
  if order == Array(0..<rank) { return contract }
  var position = [Int](0..<rank + contract.reduced.count)
  for (new, old) in order.enumerated() { position[old] = new }
  func renamed(_ index: AffineIndex) -> AffineIndex {
    AffineIndex(
      Dictionary(uniqueKeysWithValues: index.coefficients.map { (position[$0.key], $0.value) }), offset: index.offset)
  }
  var result = contract
  result.shape = order.map { contract.shape[$0] }
  result.lhs = contract.lhs.map(renamed)
  result.rhs = contract.rhs.map(renamed)
  var epilogue = ScalarGraph()
  let axes = (0..<rank).map { epilogue.axis(position[$0]) }
  epilogue.results = epilogue.insert(contract.epilogue, axes: axes)
  result.epilogue = epilogue
  return result
}

/// The map's body over the epilogue's result in place of the operand; the map's operands are renumbered.
private func join(_ body: ScalarGraph, _ operand: Int, _ epilogue: ScalarGraph, _ numbering: [Int]) -> ScalarGraph {
  var joined = ScalarGraph()
  let value = joined.insert(epilogue)[0]
  joined.results = joined.insert(body) { joined, node, copied in
    guard case .read(let read, let indices, let outside) = node else { return nil }
    if read == operand { return value }
    return joined.read(numbering[read], indices.map(copied), outside: outside.map(copied), type: body.typeOf(node))
  }
  return joined
}
