import TensorIR

extension Primitive {
  /// Replaces the scalar graphs that compute results.
  mutating func rewriteScalars(_ rewrite: (ScalarGraph) -> ScalarGraph) {
    switch self {
    case .map(var map):
      map.body = rewrite(map.body)
      self = .map(map)
    case .reduce(var reduce):
      reduce.body = rewrite(reduce.body)
      reduce.epilogue = rewrite(reduce.epilogue)
      self = .reduce(reduce)
    case .contract(var contract):
      contract.epilogue = rewrite(contract.epilogue)
      self = .contract(contract)
    case .constant, .reshape, .scan, .branch, .scatter, .sort, .compact, .external, .measure, .assume: break
    }
  }
}
