extension Graph {
  /// Whether a node is no computation, or, for all that is known of its shapes, certainly reads an operand outside of
  /// its bounds.
  ///
  /// That comes of arguments whose shapes do not fit each other.
  public func isUnsound(_ node: Node) -> Bool {
    let types = node.operands.map { type(of: $0) }
    let extents = node.results.flatMap { shape(of: $0) }
    if problem(node.primitive, types) != nil || extents.contains(where: { $0.constant ?? 0 < 0 }) { return true }
    switch node.primitive {
    case .map(let map): return map.body.misreads(types, over: map.shape)
    case .reduce(let reduce):
      return reduce.body.misreads(types, over: reduce.shape + reduce.reduced)
        || reduce.epilogue.misreads(types, over: reduce.shape)
    case .contract(let contract): return contract.epilogue.misreads(types, over: contract.shape)
    case .scatter(let scatter): return scatter.target.misreads(types, over: scatter.updates)
    case .compact(let compact): return compact.condition.misreads(types, over: compact.shape)
    case .scan(let scan):
      if scan.length == 0 { return false }
      let scanned = types[scan.carried..<scan.carried + scan.scanned]
      return scanned.contains { ($0.shape[0] - scan.length).constant ?? 0 < 0 }
        || scan.body.nodes.contains { scan.body.isUnsound($0) }
    case .constant, .reshape, .branch, .sort, .measure, .assume, .external: return false
    }
  }
}

extension ScalarGraph {
  /// Whether some position of an iteration space reads an operand outside of its bounds, by indices that are affine.
  fileprivate func misreads(_ types: [TensorType], over space: [Dim]) -> Bool {
    // Where there is nothing to compute, nothing is read.
    guard space.allSatisfy({ $0 != 0 && !$0.isMeasured }) else { return false }
    return reachable.contains { id in
      guard case .read(let operand, let indices, nil) = self[id] else { return false }
      return zip(indices, types[operand].shape).contains { index, extent in
        guard let (low, high) = AffineIndex(index, in: self)?.bounds(space), let extent = extent.constant,
          let low = low.constant, let high = high.constant
        else { return false }
        return low < 0 || high >= extent
      }
    }
  }
}
