import TensorIR

/// Lets consumers read past reshapes and maps that only move elements, where the composed indices stay affine.
func readThrough(_ graph: Graph) -> Graph {
  var result = graph
  let producers = result.producers()
  for position in result.nodes.indices {
    // Chains are followed to their end; each round removes one producer from the chain.
    while let changed = readThrough(result.nodes[position], result, producers) { result.nodes[position] = changed }
  }
  return eliminateDeadCode(result)
}

private func readThrough(_ node: Node, _ graph: Graph, _ producers: [Int?]) -> Node? {
  for (operand, value) in node.operands.enumerated() {
    guard let producer = producers[value.index].map({ graph.nodes[$0] }), let movement = Movement(producer, graph),
      let changed = replace(node, operand, movement, graph)
    else { continue }
    return changed
  }
  return nil
}

/// A producer that only moves elements: its source, and the source's indices by its own axes.
struct Movement {
  var source: ValueID
  var indices: [AffineIndex]

  init?(_ node: Node, _ graph: Graph) {
    switch node.primitive {
    case .reshape(let shape):
      source = node.operands[0]
      let from = graph.shape(of: source)
      guard let groups = reshapeGroups(from, shape) else { return nil }
      indices = [AffineIndex](repeating: AffineIndex(), count: from.count)
      for group in groups {
        guard group.from.count == 1 else { return nil }
        var index = AffineIndex()
        var stride = 1
        for (number, axis) in group.to.enumerated().reversed() {
          index.coefficients[axis] = stride
          guard number > 0 else { break }
          guard let extent = shape[axis].constant else { return nil }
          stride *= extent
        }
        indices[group.from[0]] = index
      }
    case .map(let map):
      guard case .read(0, let reads, nil) = map.body[map.body.results[0]], node.operands.count == 1 else { return nil }
      source = node.operands[0]
      indices = []
      for read in reads {
        guard let index = AffineIndex(read, in: map.body) else { return nil }
        indices.append(index)
      }
    case .constant, .reduce, .contract, .scan, .branch, .scatter, .sort, .compact, .external, .measure, .assume:
      return nil
    }
  }
}

extension AffineIndex {
  /// The index that a scalar node computes, if it is affine in the axes with constant coefficients.
  init?(_ id: ScalarID, in graph: ScalarGraph) {
    switch graph[id] {
    case .axis(let axis): self = .axis(axis)
    case .literal(.integer(let value), _): self = AffineIndex(offset: Dim(value))
    case .dim(let dim): self = AffineIndex(offset: dim)
    case .binary(.add, let a, let b):
      guard let x = AffineIndex(a, in: graph), let y = AffineIndex(b, in: graph) else { return nil }
      self = x.adding(y, times: 1)
    case .binary(.subtract, let a, let b):
      guard let x = AffineIndex(a, in: graph), let y = AffineIndex(b, in: graph) else { return nil }
      self = x.adding(y, times: -1)
    case .binary(.multiply, let a, let b):
      guard let x = AffineIndex(a, in: graph), let factor = graph.integerValue(b) else { return nil }
      self = AffineIndex().adding(x, times: factor)
    case .literal, .read, .accumulator, .unary, .binary, .compare, .select, .multiplyAdd, .cast, .bitcast: return nil
    }
  }

  func adding(_ other: AffineIndex, times factor: Int) -> AffineIndex {
    var sum = coefficients
    for (axis, coefficient) in other.coefficients { sum[axis, default: 0] += coefficient * factor }
    return AffineIndex(sum, offset: offset + other.offset * factor)
  }

  /// This index with every axis replaced by another index.
  func composed(with axes: [AffineIndex]) -> AffineIndex {
    var result = AffineIndex(offset: offset)
    for (axis, coefficient) in coefficients { result = result.adding(axes[axis], times: coefficient) }
    return result
  }
}

private func replace(_ node: Node, _ operand: Int, _ movement: Movement, _ graph: Graph) -> Node? {
  var changed = node
  switch node.primitive {
  case .map(var map):
    changed.operands.append(movement.source)
    map.body = redirect(map.body, operand, movement, to: node.operands.count)
    guard !reads(map.body, operand) else { return nil }
    (changed.operands, map.body) = GraphBuilder.compact(map.body, changed.operands)
    changed.primitive = .map(map)
  case .reduce(var reduce):
    guard !reads(reduce.epilogue, operand) else { return nil }
    changed.operands.append(movement.source)
    reduce.body = redirect(reduce.body, operand, movement, to: node.operands.count)
    guard !reads(reduce.body, operand) else { return nil }
    (changed, reduce) = compacted(changed, reduce)
    changed.primitive = .reduce(reduce)
  case .contract(var contract):
    if operand < 2 {
      // A read outside the bounds is 0 only where the original operand ends.
      let own = operand == 0 ? contract.lhs : contract.rhs
      guard isInBounds(own, graph.shape(of: node.operands[operand]), contract) else { return nil }
      let composed = movement.indices.map { $0.composed(with: own) }
      if operand == 0 { contract.lhs = composed } else { contract.rhs = composed }
      changed.operands[operand] = movement.source
    } else {
      changed.operands.append(movement.source)
      contract.epilogue = redirect(contract.epilogue, operand, movement, to: node.operands.count)
      guard !reads(contract.epilogue, operand) else { return nil }
      (changed.operands, contract.epilogue) = GraphBuilder.compact(contract.epilogue, changed.operands, from: 2)
    }
    changed.primitive = .contract(contract)
  case .constant, .reshape, .scan, .branch, .scatter, .sort, .compact, .external, .measure, .assume: return nil
  }
  return changed
}

func reads(_ graph: ScalarGraph, _ operand: Int) -> Bool {
  graph.reachable.contains { if case .read(operand, _, _) = graph[$0] { true } else { false } }
}

/// Drops operands that neither the body nor the epilogue of a reduction reads.
func compacted(_ node: Node, _ reduce: Reduce) -> (Node, Reduce) {
  var used: [ValueID] = []
  var numbering = [Int](repeating: 0, count: node.operands.count)
  for (operand, value) in node.operands.enumerated() where reads(reduce.body, operand) || reads(reduce.epilogue, operand) {
    if let earlier = used.firstIndex(of: value) {
      numbering[operand] = earlier
    } else {
      numbering[operand] = used.count
      used.append(value)
    }
  }
  var (node, reduce) = (node, reduce)
  node.operands = used
  reduce.body = reduce.body.renumbered(numbering)
  reduce.epilogue = reduce.epilogue.renumbered(numbering)
  return (node, reduce)
}

extension ScalarGraph {
  /// The same function with operands renumbered, without unused nodes.
  func renumbered(_ operands: [Int]) -> ScalarGraph {
    var copy = ScalarGraph()
    copy.results = copy.insert(self, operands: operands)
    return copy
  }
}

/// Replaces reads of an operand by reads of the movement's source, numbered `number`.
private func redirect(_ graph: ScalarGraph, _ operand: Int, _ movement: Movement, to number: Int) -> ScalarGraph {
  var copy = ScalarGraph()
  var guarded = false
  copy.results = copy.insert(graph) { copy, node, copied in
    guard case .read(operand, let indices, let outside) = node else { return nil }
    if outside != nil { guarded = true; return nil }
    let axes = indices.map(copied)
    let positions = movement.indices.map { copy.affineIndex($0, axes: axes) }
    return copy.read(number, positions, type: graph.typeOf(node))
  }
  return guarded ? graph : copy
}

/// Whether a factor is read within its bounds at every position, as far as is certain.
func isInBounds(_ indices: [AffineIndex], _ shape: [Dim], _ contract: Contract) -> Bool {
  let extents = contract.shape + contract.reduced
  if extents.contains(0) { return true }
  return zip(indices, shape).allSatisfy { $0.isWithin($1, over: extents) }
}
