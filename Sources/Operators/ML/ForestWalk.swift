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
  /// Walks of more steps are loops over walks of this many.
  private static var unrolledSteps: Int { 16 }

  /// The combined weights `[N, targets]` of the leaves that the rows of `x` reach, in `element`.
  mutating func evaluate(_ forest: Forest, _ x: ValueID, _ aggregate: TreeAggregate, _ element: ElementType)
    throws(ModelError) -> ValueID
  {
    let shape = shape(of: x)
    guard shape.count == 2 else { throw .invalid("the data has rank \(shape.count), not 2") }
    if let columns = shape[1].constant, columns < forest.featureCount {
      throw .invalid("feature \(forest.featureCount - 1) is tested, but the data has \(columns) columns")
    }
    let leaves = try leaves(forest, try cast(x, to: element), element)
    let combiner: Combiner =
      switch aggregate {
      case .sum, .average: .sum
      case .min: .min
      case .max: .max
      }
    let absent = combiner == .sum ? 0 : combiner == .min ? Double.infinity : -Double.infinity
    let table = constant(ForestTables(forest).weights(element, combiner, absent: absent))
    var body = ScalarGraph()
    let leaf = body.read(0, [body.axis(0), body.axis(2)], type: .i64)
    body.results = [body.read(1, [leaf, body.axis(1)], type: element)]
    let trees = Dim(forest.roots.count)
    return reduce(combiner, shape: [shape[0], Dim(forest.targets)], reduced: [trees], operands: [leaves, table], body: body)
    { graph, accumulators in
      let sum = accumulators[0]
      switch aggregate {
      case .sum: return [sum]
      case .average: return [graph.over(sum, graph.number(Double(forest.roots.count), element))]
      case .min, .max:
        let isAbsent = graph.compare(.equal, sum, graph.number(absent, element))
        return [graph.select(isAbsent, graph.number(0, element), sum)]
      }
    }[0]
  }

  /// The leaf `[N, trees]` that every row reaches in every tree.
  private mutating func leaves(_ forest: Forest, _ x: ValueID, _ element: ElementType) throws(ModelError) -> ValueID {
    let tables = ForestTables(forest)
    let shape = [shape(of: x)[0], Dim(forest.roots.count)]
    var start = ScalarGraph()
    start.results = [start.cast(start.read(0, [start.axis(1)], type: .i32), to: .i64)]
    let roots = constant(tables.roots)
    if forest.depth <= GraphBuilder.unrolledSteps {
      return walk(tables, x, element, shape, steps: forest.depth, start, [roots])
    }
    let initial = map(shape, start, [roots])
    var inner = GraphBuilder(inside: self)
    _ = inner.input(TensorType(.i64, []))
    let state = inner.input(TensorType(.i64, shape))
    let data = inner.input(type(of: x))
    var current = ScalarGraph()
    current.results = [current.read(0, [current.axis(0), current.axis(1)], type: .i64)]
    let next = inner.walk(tables, data, element, shape, steps: GraphBuilder.unrolledSteps, current, [state])
    let scan = Scan(
      length: Dim((forest.depth + GraphBuilder.unrolledSteps - 1) / GraphBuilder.unrolledSteps), carried: 1, scanned: 0,
      reversedInputs: [], reversedOutputs: [], body: inner.finish(outputs: [next]))
    return add(.scan(scan), [initial, x])[0]
  }

  /// The nodes after some steps from those that `start` computes of `sources`.
  private mutating func walk(
    _ tables: ForestTables, _ x: ValueID, _ element: ElementType, _ shape: [Dim], steps: Int, _ start: ScalarGraph,
    _ sources: [ValueID]
  ) -> ValueID {
    let comparisons = tables.usedComparisons
    let columns = self.shape(of: x)[1]
    var operands = sources
    func operand(_ tensor: ConstantTensor, _ b: inout GraphBuilder) -> Int {
      operands.append(b.constant(tensor))
      return operands.count - 1
    }
    let features = operand(tables.features, &self)
    let thresholds = operand(tables.thresholds(element), &self)
    let children = operand(tables.children, &self)
    let kinds = comparisons.count > 1 ? operand(tables.comparisons(comparisons), &self) : nil
    let missing = tables.hasMissing ? operand(tables.missing, &self) : nil
    operands.append(x)
    let data = operands.count - 1
    var graph = ScalarGraph()
    var node = graph.insert(start)[0]
    for _ in 0..<steps {
      let feature = graph.cast(graph.read(features, [node], type: .i32), to: .i64)
      let column = columns.constant == nil ? graph.clamped(feature, extent: columns) : feature
      let value = graph.read(data, [graph.axis(0), column], type: element)
      let threshold = graph.read(thresholds, [node], type: element)
      var holds = graph.compare(comparisons.first ?? .less, value, threshold)
      if let kinds {
        let kind = graph.read(kinds, [node], type: .u8)
        for (position, comparison) in comparisons.enumerated().dropFirst() {
          let isThis = graph.compare(.equal, kind, graph.integer(position, .u8))
          holds = graph.select(isThis, graph.compare(comparison, value, threshold), holds)
        }
      }
      if let missing {
        let isMissing = graph.compare(.notEqual, value, value)
        holds = graph.binary(.or, holds, graph.binary(.and, isMissing, graph.read(missing, [node], type: .bool)))
      }
      let next = graph.read(children, [node, graph.cast(holds, to: .i64)], type: .i32)
      node = graph.cast(next, to: .i64)
    }
    graph.results = [node]
    return map(shape, graph, operands)
  }
}
