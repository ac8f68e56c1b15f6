import Support
import TensorIR

/// Has trees look at whole groups of rows where there are enough of them: vectors of rows make every comparison of a
/// small tree sooner than each row walks down by itself. Rows behind the last whole group walk.
func maskTrees(_ graph: Graph, vectorBytes: Int) -> Graph {
  var result = graph
  let producers = graph.producers()
  result.nodes = []
  var keys: [ValueID: DividedKeys] = [:]
  for node in graph.nodes {
    if let lookup = TreeLookup(node, graph, producers, vectorBytes: vectorBytes) {
      lookup.append(to: &result, keys: &keys)
    } else {
      result.nodes.append(node)
    }
  }
  return result
}

/// A map or reduction over what a table has for the leaves that rows reach.
private struct TreeLookup {
  /// Rows of a group.
  static let rows = 32
  /// The comparisons of a tree for each step of a walk, up to which making them all takes less time: measured on a Xeon
  /// with vectors of 64 and 32 bytes.
  private static func comparisonsPerStep(_ vectorBytes: Int) -> Int { vectorBytes >= 64 ? 14 : 6 }
  /// Comparisons that code has room for.
  private static let mostComparisons = 288

  private let node: Node
  private let shape: [Dim]
  private let body: ScalarGraph
  private let walk: TreeWalk
  /// The operand that is read for leaves, by cell.
  private let leaves: Int
  /// The tensors of all operands that are constants.
  private let constants: [ConstantTensor?]
  /// The trees in the order of `walk.roots`.
  private let trees: [LeafMasks]
  /// The words of each tree.
  private let words: Int
  /// The masks of every word of every tree.
  private let masks: [[LeafMasks.Mask]]
  /// The most masks of a word.
  private let comparisons: Int
  /// The keys before their columns were numbered.
  private let source: ValueID

  /// Nil for other nodes, too few rows, and trees that are walked sooner.
  init?(_ node: Node, _ graph: Graph, _ producers: [Int?], vectorBytes: Int) {
    let (shape, body): ([Dim], ScalarGraph)
    switch node.primitive {
    case .map(let map): (shape, body) = (map.shape, map.body)
    case .reduce(let reduce) where reduce.epilogue.reachable.count == 1: (shape, body) = (reduce.shape, reduce.body)
    case .constant, .reduce, .contract, .reshape, .scan, .branch, .scatter, .sort, .compact, .external, .measure, .assume:
      return nil
    }
    guard case .read(let leaves, let cell, nil) = body[body.results[0]], cell.count == 1 else { return nil }
    let constants = node.operands.map { graph.constant($0, producers) }
    guard let walk = TreeWalk(endingAt: cell[0], of: body, constants), constants[leaves] != nil,
      let roots = constants[walk.roots], let rows = shape.first, rows.constant ?? Self.rows >= Self.rows
    else { return nil }
    let most = min(Self.mostComparisons, Self.comparisonsPerStep(vectorBytes) * walk.steps)
    let table = walk.words.integers
    let trees = roots.integers.compactMap { LeafMasks(root: $0, of: table, walk, mostComparisons: most) }
    let words = trees.reduce(1) { max($0, $1.words) }
    let masks = trees.flatMap { tree in tree.shares(words).map { tree.masks(of: $0) } }
    let comparisons = masks.reduce(1) { max($0, $1.count) }
    guard trees.count == roots.count, words * comparisons <= most else { return nil }
    (self.node, self.shape, self.body, self.walk) = (node, shape, body, walk)
    (self.leaves, self.constants) = (leaves, constants)
    (self.trees, self.words, self.masks, self.comparisons) = (trees, words, masks, comparisons)
    source = Self.source(of: node.operands[walk.keys], graph, producers)
  }

  private static func source(of keys: ValueID, _ graph: Graph, _ producers: [Int?]) -> ValueID {
    guard let node = producers[keys.index].map({ graph.nodes[$0] }), case .reshape = node.primitive,
      graph.shape(of: node.operands[0]).first == graph.shape(of: keys).first
    else { return keys }
    return node.operands[0]
  }

  private var groups: Dim { shape[0].floorDivided(by: Dim(Self.rows)) }
  private var rest: Dim { shape[0].remainder(by: Dim(Self.rows)) }
  private var wide: ElementType { walk.isOneWord ? .i32 : .i64 }

  /// Adds the node for groups and for the rows behind them, and the map that joins both.
  func append(to graph: inout Graph, keys: inout [ValueID: DividedKeys]) {
    let divided = keys[source] ?? dividedKeys(in: &graph)
    keys[source] = divided
    var parts = [masked(divided.grouped, in: &graph)]
    if let rest = divided.rest { parts.append(walking(rest, in: &graph)) }
    let joined = Map(shape: shape, body: join(graph.type(of: node.results[0]).element))
    graph.nodes.append(Node(.map(joined), operands: parts, results: node.results, origin: node.origin))
  }

  private func dividedKeys(in graph: inout Graph) -> DividedKeys {
    let columns = graph.shape(of: node.operands[walk.keys])[1]
    return DividedKeys(
      source, columns: columns, groups: groups, rest: rest, type: wide, origin: node.origin, in: &graph)
  }

  /// What the node computes, at other positions or with another body.
  private func primitive(_ shape: [Dim], _ body: ScalarGraph) -> Primitive {
    guard case .reduce(var reduce) = node.primitive else { return .map(Map(shape: shape, body: body)) }
    (reduce.shape, reduce.body) = (shape, body)
    return .reduce(reduce)
  }

  // MARK: Groups

  /// The node for whole groups: its axes, of which the first is that of groups, and then the rows of a group.
  private func masked(_ keys: ValueID, in graph: inout Graph) -> ValueID {
    let tables = [limits, places, exits].map { graph.add(.constant($0), [], origin: node.origin) }
    var masked = ScalarGraph()
    let rank = shape.count
    let place = walk.place.map { axis in
      axis.map { masked.axis($0 < rank ? $0 : $0 + 1) } ?? masked.integer(0)
    }
    let leaf = leaf(place, row: masked.axis(rank), &masked)
    let type = body.type(of: body.results[0])
    masked.results = [masked.read(3, place + [masked.cast(leaf, to: .i64)], type: type)]
    let grouped = [groups] + shape.dropFirst() + [Dim(Self.rows)]
    return graph.add(primitive(grouped, masked), [keys] + tables, origin: node.origin)
  }

  /// The number of the first leaf that no comparison strikes out, as `u32`.
  private func leaf(_ place: [ScalarID], row: ScalarID, _ graph: inout ScalarGraph) -> ScalarID {
    let none = graph.integer(0, .u32)
    let all = graph.integer(1 << LeafMasks.wordBits - 1, .u32)
    var leaf: ScalarID?
    for word in (0..<words).reversed() {
      var struck = none
      for number in word * comparisons..<(word + 1) * comparisons {
        let limit = graph.read(1, place + [graph.integer(number)], type: wide)
        let column = graph.cast(graph.read(2, place + [graph.integer(2 * number)], type: .i32), to: .i64)
        let bits = graph.bitcast(graph.read(2, place + [graph.integer(2 * number + 1)], type: .i32), to: .u32)
        let fails = graph.compare(.less, limit, graph.read(0, [graph.axis(0), column, row], type: wide))
        struck = graph.binary(.or, struck, graph.select(fails, bits, none))
      }
      let number = graph.plus(firstZero(struck, &graph), graph.integer(word * LeafMasks.wordBits, .u32))
      leaf = leaf.map { graph.select(graph.compare(.notEqual, struck, all), number, $0) } ?? number
    }
    return leaf ?? none
  }

  /// The number of the lowest bit that is not set, if there is one: the exponent of that bit as a float.
  private func firstZero(_ bits: ScalarID, _ graph: inout ScalarGraph) -> ScalarID {
    let lowest = graph.binary(.and, graph.unary(.not, bits), graph.plus(bits, graph.integer(1, .u32)))
    let float = graph.cast(graph.bitcast(lowest, to: .i32), to: .f32)
    let exponent = graph.binary(.shiftRight, graph.bitcast(float, to: .u32), graph.integer(23, .u32))
    // The greatest bit is a negative number, and without bits there is no exponent.
    return graph.binary(.and, graph.minus(exponent, graph.integer(127, .u32)), graph.integer(31, .u32))
  }

  private var dims: [Int] { constants[walk.roots]?.dims ?? [] }

  /// By tree, word and comparison.
  private func table(_ row: (LeafMasks.Mask?) -> [Int]) -> [Int] {
    masks.flatMap { masks in (0..<comparisons).flatMap { row($0 < masks.count ? masks[$0] : nil) } }
  }

  /// The limits of all comparisons, of which those that are none never fail.
  private var limits: ConstantTensor {
    let sign = walk.isOneWord ? 1 << 31 : UInt(bitPattern: Int.min)
    let values = table { mask in
      [mask.map { Int(bitPattern: $0.comparison.limit ^ sign) } ?? (walk.isOneWord ? Int(Int32.max) : .max)]
    }
    return ConstantTensor(wide, dims: dims + [words * comparisons], integers: values)
  }

  /// The columns of all comparisons and the bits that they strike out.
  private var places: ConstantTensor {
    let values = table { [$0?.comparison.column ?? 0, $0?.struck ?? 0] }
    return ConstantTensor(.i32, dims: dims + [2 * words * comparisons], integers: values)
  }

  /// What the node reads for leaves, by tree, word and bit.
  private var exits: ConstantTensor {
    guard let values = constants[leaves] else { fatalError("the leaves are no constant") }
    let numbers = trees.flatMap { tree in
      tree.shares(words).flatMap { share in
        (0..<LeafMasks.wordBits).map { tree.leaves[min(share.lowerBound + $0, tree.leaves.count - 1)] }
      }
    }
    let dims = dims + [words * LeafMasks.wordBits]
    if values.type.element.isFloat {
      let all = values.doubles
      return ConstantTensor(values.type.element, dims: dims, doubles: numbers.map { all[$0] })
    }
    let all = values.integers
    return ConstantTensor(values.type.element, dims: dims, integers: numbers.map { all[$0] })
  }

  // MARK: Other rows

  /// The node as it is for the rows behind the groups.
  private func walking(_ keys: ValueID, in graph: inout Graph) -> ValueID {
    var operands = node.operands
    operands[walk.keys] = keys
    return graph.add(primitive([rest] + shape.dropFirst(), body), operands, origin: node.origin)
  }

  /// The results of groups, and then those of the rows behind them.
  private func join(_ element: ElementType) -> ScalarGraph {
    var body = ScalarGraph()
    let row = body.axis(0)
    let others = shape.indices.dropFirst().map { body.axis($0) }
    let (group, size) = (body.dim(groups), body.integer(Self.rows))
    let number = body.binary(.floorDivide, row, size)
    let inGroup = [number] + others + [body.binary(.floorRemainder, row, size)]
    guard rest != 0 else {
      body.results = [body.read(0, inGroup, type: element)]
      return body
    }
    let zero = body.number(0, element)
    let behind = body.read(1, [body.minus(row, body.times(group, size))] + others, outside: zero, type: element)
    let within = body.read(0, inGroup, outside: zero, type: element)
    body.results = [body.select(body.compare(.less, number, group), within, behind)]
    return body
  }
}

/// The keys of rows, divided and with numbered columns.
private struct DividedKeys {
  /// By group, column and row, as signed numbers of the same order.
  let grouped: ValueID
  /// The rows behind the groups, if there may be any.
  let rest: ValueID?

  init(
    _ source: ValueID, columns: Dim, groups: Dim, rest: Dim, type: ElementType, origin: String, in graph: inout Graph
  ) {
    let axes = Array(graph.shape(of: source).dropFirst())
    let size = Dim(TreeLookup.rows)

    var body = ScalarGraph()
    let first = body.times(body.axis(0), body.dim(size))
    let row = body.plus(first, body.axis(axes.count + 1))
    let key = body.read(0, [row] + axes.indices.map { body.axis($0 + 1) }, type: .u64)
    body.results = [DividedKeys.signed(key, type, &body)]
    let parts = graph.add(.map(Map(shape: [groups] + axes + [size], body: body)), [source], origin: origin)
    grouped = graph.add(.reshape([groups, columns, size]), [parts], origin: origin)

    guard rest != 0 else {
      self.rest = nil
      return
    }
    var behind = ScalarGraph()
    let place = behind.plus(behind.axis(0), behind.dim(groups * size))
    behind.results = [behind.read(0, [place] + axes.indices.map { behind.axis($0 + 1) }, type: .u64)]
    let others = graph.add(.map(Map(shape: [rest] + axes, body: behind)), [source], origin: origin)
    self.rest = graph.add(.reshape([rest, columns]), [others], origin: origin)
  }

  private static func signed(_ key: ScalarID, _ type: ElementType, _ graph: inout ScalarGraph) -> ScalarID {
    if type == .i64 { return graph.bitcast(graph.binary(.xor, key, graph.integer(.min, .u64)), to: .i64) }
    let upper = graph.cast(graph.binary(.shiftRight, key, graph.integer(32, .u64)), to: .u32)
    return graph.bitcast(graph.binary(.xor, upper, graph.integer(1 << 31, .u32)), to: .i32)
  }
}
