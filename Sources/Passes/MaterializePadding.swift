import TensorIR

/// Gives contractions that read beyond the bounds of a factor a copy with explicit zeros around it, so that all reads are in bounds.
func materializePadding(_ graph: Graph) -> Graph {
  var result = graph
  result.nodes = []
  for node in graph.nodes {
    // Split weights are read out of bounds by the numbers of their parts alone, which lowering resolves.
    guard case .contract(var contract) = node.primitive, !node.multipliesGroups(in: graph) else {
      result.nodes.append(node)
      continue
    }
    var changed = node
    let extents = contract.shape + contract.reduced
    contract.lhs = paddedCopy(contract.lhs, &changed.operands[0], extents, node.origin, &result)
    contract.rhs = paddedCopy(contract.rhs, &changed.operands[1], extents, node.origin, &result)
    changed.primitive = .contract(contract)
    result.nodes.append(changed)
  }
  return result
}

/// Adds the padded copy of a factor where it is needed for indices over an iteration space, and gives the indices into it.
func paddedCopy(
  _ indices: [AffineIndex], _ factor: inout ValueID, _ extents: [Dim], _ origin: String, _ graph: inout Graph
) -> [AffineIndex] {
  let type = graph.type(of: factor)
  if zip(indices, type.shape).allSatisfy({ $0.isWithin($1, over: extents) }) { return indices }
  let bounds = indices.map { $0.bounds(extents) }
  var shifted = indices
  var padded: [Dim] = []
  var body = ScalarGraph()
  var positions: [ScalarID] = []
  for (axis, range) in bounds.enumerated() {
    let before = Dim.maximum(0, -range.low)
    let end = Dim.maximum(type.shape[axis], range.high + 1)
    padded.append(end + before)
    shifted[axis].offset = indices[axis].offset + before
    positions.append(body.affine(body.axis(axis), scale: 1, offset: -before))
  }
  let zero = body.number(0, type.element)
  body.results = [body.read(0, positions, outside: zero, type: type.element)]
  factor = graph.add(.map(Map(shape: padded, body: body)), [factor], origin: origin)
  return shifted
}

extension Node {
  /// Whether a pass has arranged the factors of a contraction for instructions that multiply groups of numbers.
  func multipliesGroups(in graph: Graph) -> Bool {
    guard case .contract(let contract) = primitive else { return false }
    return contract.groupSize(operands.prefix(2).map { graph.type(of: $0).element }) != nil
  }
}
