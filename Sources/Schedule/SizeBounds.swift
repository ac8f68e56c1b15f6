import TensorIR

/// Upper bounds of measured extents in terms of what a call knows before it starts.
struct SizeBounds {
  private var measured: Set<String> = []
  /// Products of symbols with what they never exceed, long products first.
  private var limits: [(product: [DimAtom], limit: Dim)] = []

  /// Collects the facts of a graph and of its bodies.
  init(_ graph: Graph) {
    collect(graph)
    limits.sort { $0.product.count > $1.product.count }
  }

  private mutating func collect(_ graph: Graph) {
    measured.formUnion(graph.measuredSymbols)
    for node in graph.nodes {
      switch node.primitive {
      case .assume(let assumption):
        for fact in assumption.facts {
          add(fact.left, fact.right)
          if fact.relation == .equal { add(fact.right, fact.left) }
        }
      case .scan(let scan): collect(scan.body)
      case .branch(let branch):
        collect(branch.then)
        collect(branch.otherwise)
        for extent in branch.extents { limits.append(([.symbol(extent.symbol)], .maximum(extent.then, extent.otherwise))) }
      case .constant, .map, .reduce, .contract, .reshape, .scatter, .sort, .compact, .external, .measure: continue
      }
    }
  }

  private mutating func add(_ dim: Dim, _ limit: Dim) {
    let (constant, products) = dim.summands
    guard constant == 0, products.count == 1, products[0].coefficient >= 1, !products[0].factors.isEmpty,
      products[0].factors.allSatisfy(isMeasured)
    else { return }
    limits.append((products[0].factors, limit.floorDivided(by: Dim(products[0].coefficient))))
  }

  private func isMeasured(_ atom: DimAtom) -> Bool {
    if case .symbol(let name) = atom { measured.contains(name) } else { false }
  }

  /// Whether an extent depends on measured symbols.
  func isMeasured(_ dim: Dim) -> Bool { dim.constant == nil && !dim.symbols.isDisjoint(with: measured) }

  /// A bound without measured symbols; nil where there is none.
  func bound(_ dim: Dim) -> Dim? { bound(dim, depth: 0) }

  private func bound(_ dim: Dim, depth: Int) -> Dim? {
    guard isMeasured(dim) else { return dim }
    guard depth < 16 else { return nil }
    let (constant, products) = dim.summands
    var sum = Dim(constant)
    for (coefficient, factors) in products {
      let symbols = factors.filter { isMeasured(Dim(atom: $0)) }
      // What is subtracted makes the sum no larger.
      if !symbols.isEmpty && coefficient < 0 { continue }
      let others = factors.filter { !isMeasured(Dim(atom: $0)) }
      guard let limit = bound(symbols, depth: depth + 1) else { return nil }
      sum = sum + others.reduce(Dim(coefficient)) { $0 * Dim(atom: $1) } * limit
    }
    return sum
  }

  private func bound(_ factors: [DimAtom], depth: Int) -> Dim? {
    guard let first = factors.first else { return 1 }
    for (product, limit) in limits {
      var rest = factors
      let isContained = product.allSatisfy { factor in
        guard let position = rest.firstIndex(of: factor) else { return false }
        rest.remove(at: position)
        return true
      }
      if isContained, let limit = bound(limit, depth: depth + 1), let others = bound(rest, depth: depth + 1) {
        return limit * others
      }
    }
    guard let limit = bound(first, depth: depth + 1), let others = bound(Array(factors.dropFirst()), depth: depth + 1)
    else { return nil }
    return limit * others
  }

  private func bound(_ atom: DimAtom, depth: Int) -> Dim? {
    switch atom {
    case .symbol: return nil
    case .floorDivide(let a, let b):
      guard let limit = bound(a, depth: depth) else { return nil }
      return isMeasured(b) ? limit : limit.floorDivided(by: b)
    case .remainder(let a, let b): return bound(b, depth: depth) ?? bound(a, depth: depth)
    case .min(let a, let b):
      guard let x = bound(a, depth: depth) else { return bound(b, depth: depth) }
      return bound(b, depth: depth).map { .minimum(x, $0) } ?? x
    case .max(let a, let b):
      guard let x = bound(a, depth: depth), let y = bound(b, depth: depth) else { return nil }
      return .maximum(x, y)
    }
  }
}
