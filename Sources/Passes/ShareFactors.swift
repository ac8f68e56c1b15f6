import TensorIR

/// Lets contractions of few results read elements that were repeated for them where they are, as keys and values that
/// several heads of attention share.
///
/// Where a factor joins a repeated axis with others, the contraction's axis along it is split into the joined ones. Then
/// the repeating map can be read through.
func shareFactors(_ graph: Graph) -> Graph {
  var result = graph
  let producers = graph.producers()
  result.nodes = []
  for node in graph.nodes {
    let shared = [0, 1].lazy.compactMap { RepeatedFactor(node, graph, producers, operand: $0) }.first
    if let shared { shared.rewrite(node, in: &result) } else { result.nodes.append(node) }
  }
  return result
}

/// A factor that is reshaped from repeated elements.
private struct RepeatedFactor {
  private let contract: Contract
  /// The contraction's axis along the joined dimension, and the extents that it joins.
  private let axis: Int
  private let parts: [Dim]
  /// The contraction's axes as functions of those where this one is split.
  private let axes: [AffineIndex]

  /// Elements of a factor for each result from which on reading them once pays more than reading them in order.
  private static let leastUse = 4

  init?(_ node: Node, _ graph: Graph, _ producers: [Int?], operand: Int) {
    guard case .contract(let contract) = node.primitive, !node.multipliesGroups(in: graph),
      let producer = producers[node.operands[operand].index], case .reshape(let shape) = graph.nodes[producer].primitive,
      case let source = graph.nodes[producer].operands[0], let repeating = producers[source.index],
      let movement = Movement(graph.nodes[repeating], graph),
      case let from = graph.shape(of: source), let groups = reshapeGroups(from, shape),
      (contract.shape.product * Self.leastUse).isAtMost(shape.product)
    else { return nil }
    let extents = contract.shape + contract.reduced
    let indices = operand == 0 ? contract.lhs : contract.rhs
    for group in groups where group.from.count > 1 && group.to.count == 1 {
      guard let axis = extents.indices.first(where: { indices[group.to[0]] == .axis($0) }),
        extents[axis] == shape[group.to[0]], group.from.contains(where: { !movement.depends(on: $0) }),
        case let parts = group.from.map({ from[$0] }),
        let axes = AffineIndex.axes(extents.count, splitting: axis, into: parts)
      else { continue }
      (self.contract, self.axis, self.parts, self.axes) = (contract, axis, parts, axes)
      return
    }
    return nil
  }

  func rewrite(_ node: Node, in graph: inout Graph) {
    var node = node
    var split = contract
    split.lhs = contract.lhs.map { $0.composed(with: axes) }
    split.rhs = contract.rhs.map { $0.composed(with: axes) }
    var epilogue = ScalarGraph()
    let positions = axes.prefix(contract.shape.count).map { epilogue.affineIndex($0) }
    epilogue.results = epilogue.insert(contract.epilogue, axes: positions)
    split.epilogue = epilogue
    if axis >= contract.shape.count {
      let sum = axis - contract.shape.count
      split.reduced.replaceSubrange(sum...sum, with: parts)
      node.primitive = .contract(split)
      graph.nodes.append(node)
    } else {
      split.shape.replaceSubrange(axis...axis, with: parts)
      let sums = graph.add(.contract(split), node.operands, origin: node.origin)
      graph.nodes.append(
        Node(.reshape(contract.shape), operands: [sums], results: node.results, origin: node.origin))
    }
  }
}

extension Movement {
  /// Whether the source's position varies along an axis.
  fileprivate func depends(on axis: Int) -> Bool {
    indices.contains { index in
      switch index {
      case .affine(let index): index.coefficients[axis] != nil
      case .digit(let joined, _, _): joined == axis
      }
    }
  }
}
