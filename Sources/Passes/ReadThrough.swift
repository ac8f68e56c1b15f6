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
  let first = node.multipliesGroups(in: graph) ? 2 : 0
  for (operand, value) in node.operands.enumerated().dropFirst(first) {
    guard let producer = producers[value.index].map({ graph.nodes[$0] }), let movement = Movement(producer, graph),
      let changed = replace(node, operand, movement, graph)
    else { continue }
    return changed
  }
  return nil
}

/// A producer that only moves elements: its source, and where each of its elements comes from.
struct Movement {
  /// The index into one dimension of the source.
  enum Index {
    /// A function of the producer's axes.
    case affine(AffineIndex)
    /// A digit of the position along an axis that joins several dimensions: `axis / stride`, within `extent`.
    case digit(axis: Int, stride: Int, extent: Dim)
  }

  var source: ValueID
  var indices: [Index]

  init?(_ node: Node, _ graph: Graph) {
    switch node.primitive {
    case .reshape(let shape):
      source = node.operands[0]
      let from = graph.shape(of: source)
      guard let groups = reshapeGroups(from, shape) else { return nil }
      indices = [Index](repeating: .affine(AffineIndex()), count: from.count)
      for group in groups {
        if group.from.count == 1 {
          guard let index = AffineIndex(joining: group.to, extents: shape) else { return nil }
          indices[group.from[0]] = .affine(index)
        } else {
          guard group.to.count == 1, let flat = AffineIndex(joining: group.from, extents: from) else { return nil }
          for axis in group.from {
            indices[axis] = .digit(axis: group.to[0], stride: flat.coefficients[axis] ?? 1, extent: from[axis])
          }
        }
      }
    case .map(let map):
      guard case .read(0, let reads, nil) = map.body[map.body.results[0]], node.operands.count == 1 else { return nil }
      source = node.operands[0]
      indices = []
      for read in reads {
        guard let index = AffineIndex(read, in: map.body) else { return nil }
        indices.append(.affine(index))
      }
    case .constant, .reduce, .contract, .scan, .branch, .scatter, .sort, .compact, .external, .measure, .assume:
      return nil
    }
  }

  /// The source's indices where a consumer over an iteration space reads the producer at `own`; nil unless all are affine.
  func indices(at own: [AffineIndex], over extents: [Dim]) -> [AffineIndex]? {
    var result: [AffineIndex] = []
    for index in indices {
      switch index {
      case .affine(let index): result.append(index.composed(with: own))
      case .digit(let axis, let stride, let extent):
        guard let digit = own[axis].digit(stride: stride, extent: extent, over: extents) else { return nil }
        result.append(digit)
      }
    }
    return result
  }
}

extension AffineIndex {
  /// The position in row-major order over some axes; nil if an extent after the first is no number.
  init?(joining axes: [Int], extents: [Dim]) {
    self.init()
    var stride = 1
    for (number, axis) in axes.enumerated().reversed() {
      coefficients[axis] = stride
      guard number > 0 else { break }
      guard let extent = extents[axis].constant else { return nil }
      stride *= extent
    }
  }

  /// `self / stride` within `extent`; nil unless it is affine over an iteration space.
  func digit(stride: Int, extent: Dim, over extents: [Dim]) -> AffineIndex? {
    let above = extent.constant.flatMap { $0 > 0 ? $0 * stride : nil }
    guard let start = offset.constant, start >= 0 else { return nil }
    let higher = above.map { start / $0 * $0 } ?? 0
    var digit = AffineIndex(offset: Dim((start - higher) / stride))
    var below = AffineIndex(offset: Dim((start - higher) % stride))
    for (axis, coefficient) in coefficients {
      if let above, coefficient % above == 0 { continue }
      if coefficient % stride == 0 {
        digit.coefficients[axis] = coefficient / stride
      } else {
        below.coefficients[axis] = coefficient
      }
    }
    guard digit.isWithin(extent, over: extents), below.isWithin(Dim(stride), over: extents) else { return nil }
    return digit
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
    map.body = redirect(map.body, operand, movement, to: node.operands.count, over: map.shape)
    guard !reads(map.body, operand) else { return nil }
    (changed.operands, map.body) = GraphBuilder.compact(map.body, changed.operands)
    changed.primitive = .map(map)
  case .reduce(var reduce):
    guard !reads(reduce.epilogue, operand) else { return nil }
    changed.operands.append(movement.source)
    reduce.body = redirect(
      reduce.body, operand, movement, to: node.operands.count, over: reduce.shape + reduce.reduced)
    guard !reads(reduce.body, operand) else { return nil }
    (changed, reduce) = compacted(changed, reduce)
    changed.primitive = .reduce(reduce)
  case .contract(var contract):
    if operand < 2 {
      // A read outside the bounds is 0 only where the original operand ends.
      let own = operand == 0 ? contract.lhs : contract.rhs
      guard isInBounds(own, graph.shape(of: node.operands[operand]), contract),
        let composed = movement.indices(at: own, over: contract.shape + contract.reduced)
      else { return nil }
      if operand == 0 { contract.lhs = composed } else { contract.rhs = composed }
      changed.operands[operand] = movement.source
    } else {
      changed.operands.append(movement.source)
      contract.epilogue = redirect(
        contract.epilogue, operand, movement, to: node.operands.count, over: contract.shape)
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

/// Replaces reads of an operand by reads of the movement's source, numbered `number`, where all of them allow that.
private func redirect(
  _ graph: ScalarGraph, _ operand: Int, _ movement: Movement, to number: Int, over extents: [Dim]
) -> ScalarGraph {
  var copy = ScalarGraph()
  var isKept = false
  copy.results = copy.insert(graph) { copy, node, copied in
    guard case .read(operand, let indices, let outside) = node else { return nil }
    guard outside == nil, let positions = copy.positions(movement, indices, in: graph, extents, copied) else {
      isKept = true
      return nil
    }
    return copy.read(number, positions, type: graph.typeOf(node))
  }
  return isKept ? graph : copy
}

extension ScalarGraph {
  /// The source's positions for a read of the movement's result at `indices` of another graph.
  fileprivate mutating func positions(
    _ movement: Movement, _ indices: [ScalarID], in other: ScalarGraph, _ extents: [Dim],
    _ copied: (ScalarID) -> ScalarID
  ) -> [ScalarID]? {
    let axes = indices.map(copied)
    var positions: [ScalarID] = []
    for index in movement.indices {
      switch index {
      case .affine(let index): positions.append(affineIndex(index, axes: axes))
      case .digit(let axis, let stride, let extent):
        guard let own = AffineIndex(indices[axis], in: other),
          let digit = own.digit(stride: stride, extent: extent, over: extents)
        else { return nil }
        positions.append(affineIndex(digit))
      }
    }
    return positions
  }
}

/// Whether a factor is read within its bounds at every position, as far as is certain.
func isInBounds(_ indices: [AffineIndex], _ shape: [Dim], _ contract: Contract) -> Bool {
  let extents = contract.shape + contract.reduced
  if extents.contains(0) { return true }
  return zip(indices, shape).allSatisfy { $0.isWithin($1, over: extents) }
}
