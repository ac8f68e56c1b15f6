import Support
import TensorIR

/// The factors of products, by which processors differ in how many they compute at once.
public enum FactorKind: Hashable, Sendable {
  case numbers
  /// `bf16` numbers, of which so many products stand for one of `f32`.
  case pairs(products: Int)
  /// `u8` by `i8`.
  case bytes

  fileprivate init(_ contract: Contract, _ elements: [ElementType]) {
    let parts = contract.numberOfParts
    switch contract.groupSize(elements) {
    case 2: self = .pairs(products: parts * (parts + 1) / 2)
    case 4: self = .bytes
    default: self = .numbers
    }
  }
}

/// What a node does, whatever its code: operations, and bytes that it cannot do without, over symbols.
///
/// A scatter is taken to work in place: elements that it leaves as they are do not count.
struct Work: Hashable {
  /// A product added to a sum counts as two, every other scalar operation on data as one; functions count as the
  /// operations that they are expanded to, products of parts as one product. Moves, index arithmetic, sorting and
  /// functions of the user do not count.
  var operations: Dim
  /// Bytes of constants that are read, each once.
  var constantBytes: Dim
  /// Bytes of other operands that are read, each once, and of results.
  var otherBytes: Dim
  /// What is multiplied.
  var factors = FactorKind.numbers

  /// Nil for nodes that nothing is called for.
  init?(
    _ node: Node, in graph: Graph, constants: [ValueID: ConstantTensor],
    formulas: [ValueID: ConstantFormula] = [:]
  ) {
    switch node.primitive {
    case .constant, .reshape, .scan, .branch, .measure, .assume: return nil
    case .map, .reduce, .contract, .scatter, .sort, .compact, .external: break
    }
    let bodies = Work.bodies(node)
    if case .contract(let contract) = node.primitive {
      factors = FactorKind(contract, node.operands.prefix(2).map { graph.type(of: $0).element })
    }
    operations = bodies.reduce(0) { $0 + $1.iterations * ($1.graph.operationCount + $1.combining) }
    (constantBytes, otherBytes) = (0, 0)
    for (position, operand) in node.operands.enumerated() {
      if let formula = formulas[operand], constants[operand] == nil {
        constantBytes = constantBytes + Dim(formula.bits / 8)
        continue
      }
      let type = graph.type(of: operand)
      let isWhole = Work.readsAll(node.primitive)
      let reads = bodies.reduce(Dim(0)) { $0 + $1.iterations * $1.reads(position) }
      let count = isWhole ? type.shape.product : Dim.minimum(type.shape.product, reads)
      let bytes = count * type.element.storage.bytes
      if constants[operand] == nil { otherBytes = otherBytes + bytes } else { constantBytes = constantBytes + bytes }
    }
    for result in node.results {
      let type = graph.type(of: result)
      otherBytes = otherBytes + Work.written(node.primitive, type.shape.product) * type.element.storage.bytes
    }
  }

  /// The work of nodes of which only the values that are read from outside and the last result go through memory.
  init(chain nodes: [Node], reading values: [ValueID], in graph: Graph, constants: [ValueID: ConstantTensor]) {
    let works = nodes.compactMap { Work($0, in: graph, constants: constants) }
    operations = works.reduce(0) { $0 + $1.operations }
    constantBytes = works.reduce(0) { $0 + $1.constantBytes }
    otherBytes = (values + (nodes.last?.results ?? [])).map { graph.type(of: $0) }.reduce(0) {
      $0 + $1.shape.product * $1.element.storage.bytes
    }
    factors = works.map(\.factors).first { $0 != .numbers } ?? .numbers
  }

  /// A scalar computation that is repeated.
  private struct Body {
    var graph: ScalarGraph
    var iterations: Dim
    /// Operations for each iteration beside the graph.
    var combining = 0
    /// Operands that are read once in each iteration beside the graph.
    var factors: Range<Int> = 0..<0

    func reads(_ operand: Int) -> Int {
      let inside = graph.reachable.count { if case .read(operand, _, _) = graph[$0] { true } else { false } }
      return inside + (factors.contains(operand) ? 1 : 0)
    }
  }

  private static func bodies(_ node: Node) -> [Body] {
    switch node.primitive {
    case .map(let map): [Body(graph: map.body, iterations: map.shape.product)]
    case .reduce(let reduce):
      [
        Body(graph: reduce.body, iterations: (reduce.shape + reduce.reduced).product, combining: 1),
        Body(graph: reduce.epilogue, iterations: reduce.shape.product),
      ]
    case .contract(let contract):
      [
        Body(
          graph: ScalarGraph(), iterations: (contract.shape + contract.summedExtents).product, combining: 2,
          factors: 0..<2),
        Body(graph: contract.epilogue, iterations: contract.shape.product),
      ]
    case .scatter(let scatter):
      [
        Body(
          graph: scatter.target, iterations: scatter.updates.product, combining: scatter.combiner == .assign ? 0 : 1,
          factors: scatter.combiner == .assign ? 0..<0 : 0..<1)
      ]
    case .compact(let compact): [Body(graph: compact.condition, iterations: compact.shape.product)]
    case .constant, .reshape, .scan, .branch, .sort, .external, .measure, .assume: []
    }
  }

  /// Whether a primitive reads its operands as a whole, not by its scalar graphs.
  private static func readsAll(_ primitive: Primitive) -> Bool {
    switch primitive {
    case .sort, .external: true
    case .map, .reduce, .contract, .scatter, .compact, .constant, .reshape, .scan, .branch, .measure, .assume: false
    }
  }

  /// The elements that a primitive writes of a result with `count` of them.
  private static func written(_ primitive: Primitive, _ count: Dim) -> Dim {
    guard case .scatter(let scatter) = primitive else { return count }
    return Dim.minimum(count, scatter.updates.product)
  }
}

extension ScalarGraph {
  /// The operations on data, as code does them.
  var operationCount: Int {
    let graph = legalized(encodingResults: true)
    var isData = [Bool](repeating: false, count: graph.nodes.count)
    var count = 0
    for id in graph.reachable {
      switch graph[id] {
      case .literal, .dim, .axis: continue
      case .read, .accumulator: isData[id.index] = true
      case .unary, .binary, .compare, .select, .multiplyAdd, .cast, .bitcast:
        guard ScalarGraph.operands(of: graph[id]).contains(where: { isData[$0.index] }) else { continue }
        isData[id.index] = true
        if case .multiplyAdd = graph[id] { count += 2 } else { count += 1 }
      }
    }
    return count
  }
}
