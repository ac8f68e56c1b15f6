import Support
import TensorIR

/// How the trees of an ensemble combine.
enum TreeAggregate: String {
  case average = "AVERAGE"
  case sum = "SUM"
  case min = "MIN"
  case max = "MAX"
}

extension GraphBuilder {
  /// The combined weights `[N, targets]` of the leaves that the rows of `x` reach, in `element`.
  mutating func evaluate(_ forest: Forest, _ x: ValueID, _ aggregate: TreeAggregate, _ element: ElementType)
    throws(ModelError) -> ValueID
  {
    let shape = shape(of: x)
    guard shape.count == 2 else { throw .invalid("the data has rank \(shape.count), not 2") }
    if let columns = shape[1].constant, columns < forest.featureCount {
      throw .invalid("feature \(forest.featureCount - 1) is tested, but the data has \(columns) columns")
    }
    let used = forest.weightedTargets.sorted()
    guard used.isEmpty || used.count == forest.targets else {
      let part = try evaluate(try forest.keeping(used), x, aggregate, element)
      return spread(part, used, targets: forest.targets)
    }
    let combiner: Combiner =
      switch aggregate {
      case .sum, .average: .sum
      case .min: .min
      case .max: .max
      }
    let absent = combiner == .sum ? 0 : combiner == .min ? Double.infinity : -Double.infinity
    let tables = try ForestTables(forest, element, combiner, absent: absent)
    let keys = treeKeys(try cast(x, to: element), tables)
    let walk = TreeWalk(tables: tables, keys: keys, combiner: combiner, targets: Dim(forest.targets))
    var parts: [ValueID] = []
    for segment in tables.segments { parts.append(walk.combined(segment, &self)) }
    return try elementwise(parts) { graph, values in
      let total = values.dropFirst().reduce(values[0]) { a, b in
        switch combiner {
        case .min: graph.binary(.min, a, b)
        case .max: graph.binary(.max, a, b)
        case .sum, .product, .argMinFirst, .argMinLast, .argMaxFirst, .argMaxLast: graph.plus(a, b)
        }
      }
      switch aggregate {
      case .sum: return total
      case .average: return graph.over(total, graph.number(Double(forest.roots.count), element))
      case .min, .max:
        let isAbsent = graph.compare(.equal, total, graph.number(absent, element))
        return graph.select(isAbsent, graph.number(0, element), total)
      }
    }
  }
}

extension GraphBuilder {
  /// Columns put to their places among zeros.
  private mutating func spread(_ part: ValueID, _ columns: [Int], targets: Int) -> ValueID {
    let places = constant(.integers((0..<targets).map { columns.firstIndex(of: $0) ?? -1 }))
    var body = ScalarGraph()
    let element = type(of: part).element
    let place = body.read(1, [body.axis(1)], type: .i64)
    body.results = [body.read(0, [body.axis(0), place], outside: body.number(0, element), type: element)]
    return map([shape(of: part)[0], Dim(targets)], body, [part, places])
  }
}

extension Forest {
  /// The same trees with some of the targets, which are the only ones that leaves have weights for.
  fileprivate func keeping(_ used: [Int]) throws(ModelError) -> Forest {
    let numbers = Dictionary(uniqueKeysWithValues: used.enumerated().map { ($1, $0) })
    let kept = nodes.map { node -> Node in
      guard case .leaf(let weights) = node else { return node }
      return .leaf(
        weights.compactMap { weight in numbers[weight.target].map { Weight(target: $0, value: weight.value) } })
    }
    return try Forest(nodes: kept, roots: roots, targets: used.count)
  }
}

/// Walks without branches through trees.
private struct TreeWalk {
  /// Longer walks are loops over walks of this many steps.
  private static let unrolledSteps = 32

  let tables: ForestTables
  let keys: ValueID
  let combiner: Combiner
  let targets: Dim

  /// The combined weights `[N, targets]` of the leaves in the trees of a segment.
  func combined(_ segment: ForestTables.Segment, _ b: inout GraphBuilder) -> ValueID {
    let rows = b.shape(of: keys)[0]
    let trees = Dim(segment.roots.dims[1])
    guard let table = tables.rows else {
      var (body, cell, operands) = ends(segment, tree: [1, 2], &b)
      operands.append(b.constant(tables.leaves))
      body.results = [body.read(operands.count - 1, [cell], type: tables.leaves.type.element)]
      return b.reduce(combiner, shape: [rows, targets], reduced: [trees], operands: operands, body: body)[0]
    }
    var (body, cell, operands) = ends(segment, tree: [nil, 1], &b)
    operands.append(b.constant(tables.leaves))
    body.results = [body.read(operands.count - 1, [cell], type: .i32)]
    let leaves = b.map([rows, trees], body, operands)
    var sum = ScalarGraph()
    let leaf = sum.cast(sum.read(0, [sum.axis(0), sum.axis(2)], type: .i32), to: .i64)
    sum.results = [sum.read(1, [leaf, sum.axis(1)], type: table.type.element)]
    return b.reduce(
      combiner, shape: [rows, targets], reduced: [trees], operands: [leaves, b.constant(table)], body: sum)[0]
  }

  /// The leaf that row `axis(0)` reaches in the tree that the given axes number, as a scalar graph over operands.
  private func ends(_ segment: ForestTables.Segment, tree: [Int?], _ b: inout GraphBuilder)
    -> (body: ScalarGraph, cell: ScalarID, operands: [ValueID])
  {
    var body = ScalarGraph()
    let place = tree.map { $0.map { body.axis($0) } ?? body.integer(0) }
    let root = body.cast(body.read(0, place, type: .i32), to: .i64)
    let roots = b.constant(segment.roots)
    guard segment.steps > TreeWalk.unrolledSteps else {
      let cell = walk(from: root, segment.steps, &body, words: 1, x: 2)
      return (body, cell, [roots, b.constant(tables.words), keys])
    }
    let cells = looped(segment, &b)
    let indices = [body.axis(0)] + place
    let cell = body.read(1, indices, type: .i64)
    return (body, cell, [roots, cells])
  }

  /// The cells `[N, lanes, trees]` at the ends of long walks.
  private func looped(_ segment: ForestTables.Segment, _ b: inout GraphBuilder) -> ValueID {
    let shape = [b.shape(of: keys)[0]] + segment.roots.dims.map { Dim($0) }
    var start = ScalarGraph()
    start.results = [start.cast(start.read(0, [start.axis(1), start.axis(2)], type: .i32), to: .i64)]
    let initial = b.map(shape, start, [b.constant(segment.roots)])
    var inner = GraphBuilder(inside: b)
    _ = inner.input(TensorType(.i64, []))
    let state = inner.input(TensorType(.i64, shape))
    let data = inner.input(b.type(of: keys))
    var body = ScalarGraph()
    let cell = body.read(0, [body.axis(0), body.axis(1), body.axis(2)], type: .i64)
    body.results = [walk(from: cell, TreeWalk.unrolledSteps, &body, words: 1, x: 2)]
    let next = inner.map(
      shape, body, [state, inner.constant(tables.words), data])
    let length = (segment.steps + TreeWalk.unrolledSteps - 1) / TreeWalk.unrolledSteps
    let scan = Scan(
      length: Dim(length), carried: 1, scanned: 0, reversedInputs: [], reversedOutputs: [],
      body: inner.finish(outputs: [next]))
    return b.add(.scan(scan), [initial, keys])[0]
  }

  /// The cell some steps after `start` for row `axis(0)`.
  private func walk(
    from start: ScalarID, _ steps: Int, _ graph: inout ScalarGraph, words: Int, x data: Int
  ) -> ScalarID {
    // Numbers of 32 bits where they have room, so that adding a condition and widening the sum stay apart.
    let type = tables.isOneWord ? ElementType.u32 : .u64
    let mask = graph.integer(1 << tables.columnBits - 1, type)
    let bits = graph.integer(tables.columnBits, type)
    var cell = start
    for _ in 0..<steps {
      let limit: ScalarID
      let rest: ScalarID
      if tables.isOneWord {
        limit = graph.read(words, [cell], type: .u64)
        rest = graph.cast(limit, to: .u32)
      } else {
        limit = graph.read(words, [cell, graph.integer(0)], type: .u64)
        rest = graph.read(words, [cell, graph.integer(1)], type: .u64)
      }
      let column = graph.cast(graph.binary(.and, rest, mask), to: .i64)
      let key = graph.read(data, [graph.axis(0), column], type: .u64)
      let children = tables.columnBits == 0 ? rest : graph.binary(.shiftRight, rest, bits)
      // Not the sum with the condition as a number, which some C compilers get wrong when they vectorize it.
      let fails = graph.compare(.less, limit, key)
      cell = graph.cast(graph.select(fails, graph.plus(children, graph.integer(1, type)), children), to: .i64)
    }
    return cell
  }
}
