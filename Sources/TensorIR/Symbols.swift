extension Primitive {
  /// The symbols that the primitive's extents and scalars depend on.
  public var symbols: Set<String> {
    switch self {
    case .constant, .measure: []
    case .map(let map): map.shape.symbols.union(map.body.symbols)
    case .reduce(let reduce):
      (reduce.shape + reduce.reduced).symbols.union(reduce.body.symbols).union(reduce.epilogue.symbols)
    case .contract(let contract):
      (contract.shape + contract.reduced + (contract.lhs + contract.rhs).map(\.offset)).symbols
        .union(contract.epilogue.symbols)
    case .reshape(let shape): shape.symbols
    case .scan(let scan): scan.length.symbols.union(scan.body.symbols)
    case .branch(let branch): branch.then.symbols.union(branch.otherwise.symbols)
    case .scatter(let scatter): scatter.updates.symbols.union(scatter.target.symbols)
    case .sort(let sort): sort.limit.symbols
    case .compact(let compact): compact.shape.symbols.union(compact.condition.symbols)
    case .external(let external): external.results.flatMap(\.shape).symbols
    case .assume(let assumption): assumption.facts.flatMap { [$0.left, $0.right] }.symbols
    }
  }

  /// The symbols that become known by this computation.
  public var measuredSymbols: [String] {
    switch self {
    case .measure(let symbols): symbols
    case .branch(let branch): branch.extents.map(\.symbol)
    case .constant, .map, .reduce, .contract, .reshape, .scan, .scatter, .sort, .compact, .external, .assume: []
    }
  }

  /// The graphs inside.
  public var bodies: [Graph] {
    switch self {
    case .scan(let scan): [scan.body]
    case .branch(let branch): [branch.then, branch.otherwise]
    case .constant, .map, .reduce, .contract, .reshape, .scatter, .sort, .compact, .external, .measure, .assume: []
    }
  }
}

extension Graph {
  /// The symbols that a call must know before it starts, those of enclosing graphs included.
  public var symbols: Set<String> {
    var used: Set<String> = []
    for input in inputs { used.formUnion(shape(of: input).symbols) }
    for node in nodes { used.formUnion(node.primitive.symbols) }
    for output in outputs { used.formUnion(shape(of: output).symbols) }
    return used.subtracting(measuredSymbols)
  }

  /// The symbols that nodes of this graph measure, bodies aside.
  public var measuredSymbols: Set<String> { Set(nodes.flatMap(\.primitive.measuredSymbols)) }

  /// What a call checks before it relies on it, bodies aside.
  public var facts: Set<DimFact> {
    Set(
      nodes.flatMap { node in
        guard case .assume(let assumption) = node.primitive else { return [DimFact]() }
        return assumption.facts
      })
  }
}

extension ScalarGraph {
  /// The symbols that the results depend on.
  public var symbols: Set<String> {
    var found: Set<String> = []
    for id in reachable { if case .dim(let dim) = self[id] { found.formUnion(dim.symbols) } }
    return found
  }
}

extension Array where Element == Dim {
  /// The symbols of all extents.
  public var symbols: Set<String> { reduce(into: []) { if $1.constant == nil { $0.formUnion($1.symbols) } } }
}
