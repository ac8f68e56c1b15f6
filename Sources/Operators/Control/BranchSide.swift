import Support
import TensorIR

/// One of two graphs to choose from, with the values of the graph around it that it takes.
struct BranchSide {
  var graph: Graph
  var captured: [ValueID]

  fileprivate var results: [TensorType] { graph.outputs.map { graph.type(of: $0) } }

  /// Makes the graph take these values, its own among them, in this order.
  fileprivate mutating func take(_ values: [ValueID], _ b: GraphBuilder) {
    let own = Dictionary(zip(captured, graph.inputs), uniquingKeysWith: { first, _ in first })
    graph.inputs = values.map { value in
      if let input = own[value] { return input }
      graph.values.append(Value(type: b.type(of: value)))
      return ValueID(graph.values.count - 1)
    }
    captured = values
  }

  /// Gives results of one element the higher rank of their counterparts, which they broadcast like.
  fileprivate mutating func alignRanks(with other: BranchSide) {
    for (position, (own, theirs)) in zip(results, other.results).enumerated() {
      guard own.rank < theirs.rank, own.shape.product == 1, theirs.shape.product == 1 else { continue }
      let shape = [Dim](repeating: 1, count: theirs.rank)
      graph.values.append(Value(type: TensorType(own.element, shape)))
      let result = ValueID(graph.values.count - 1)
      graph.nodes.append(Node(.reshape(shape), operands: [graph.outputs[position]], results: [result], origin: ""))
      graph.outputs[position] = result
    }
  }
}

extension GraphBuilder {
  /// The results of the graph that a condition chooses; extents in which the graphs differ are measured.
  mutating func branch(_ condition: ValueID, _ first: BranchSide, _ second: BranchSide) throws(ModelError) -> [ValueID] {
    var (then, otherwise) = (first, second)
    guard then.results.count == otherwise.results.count else {
      throw .invalid("the branches have \(then.results.count) and \(otherwise.results.count) results")
    }
    then.alignRanks(with: otherwise)
    otherwise.alignRanks(with: then)
    var shapes: [[Dim]] = []
    var extents: [BranchExtent] = []
    for (a, c) in zip(then.results, otherwise.results) {
      guard a.element == c.element, a.rank == c.rank else {
        throw .unsupported(
          "the branches of a run-time condition have results of types \(a) and \(c)",
          hint: "make the condition a constant or give both branches results of the same rank")
      }
      shapes.append(
        zip(a.shape, c.shape).map { x, y in
          if x == y { return x }
          extents.append(BranchExtent(symbol: newSymbol("extent\(extents.count)."), then: x, otherwise: y))
          return Dim(symbol: extents[extents.count - 1].symbol)
        })
    }
    let captured = then.captured + otherwise.captured.filter { !then.captured.contains($0) }
    then.take(captured, self)
    otherwise.take(captured, self)
    let branch = Branch(then: then.graph, otherwise: otherwise.graph, shapes: shapes, extents: extents)
    return add(.branch(branch), [reshape(condition, [])] + captured)
  }

  /// The results of `build` for the case that the only element of an `i64` vector numbers; a call with another number fails.
  mutating func choose(
    _ number: ValueID, among cases: ArraySlice<Int>, _ operands: [ValueID],
    _ build: (Int, [ValueID], inout GraphBuilder) throws(ModelError) -> [ValueID]
  ) throws(ModelError) -> [ValueID] {
    guard let first = cases.first else { throw .invalid("there is no case to choose") }
    if cases.count == 1 {
      let choice = measured(number, as: "choice")[0]
      assume([DimFact(choice, .equal, Dim(first))], isRequired: true)
      return try build(first, operands, &self)
    }
    func side(
      _ name: String, _ fill: ([ValueID], inout GraphBuilder) throws(ModelError) -> [ValueID]
    ) throws(ModelError) -> BranchSide {
      var inner = GraphBuilder(inside: self, as: name)
      let inputs = ([number] + operands).map { inner.input(type(of: $0)) }
      let outputs = try fill(inputs, &inner)
      return BranchSide(graph: inner.finish(outputs: outputs), captured: [number] + operands)
    }
    let then = try side("then") { (inputs, inner) throws(ModelError) in try build(first, Array(inputs.dropFirst()), &inner) }
    let otherwise = try side("else") { (inputs, inner) throws(ModelError) in
      try inner.choose(inputs[0], among: cases.dropFirst(), Array(inputs.dropFirst()), build)
    }
    let isFirst = try elementwise([reshape(number, [])]) { $0.compare(.equal, $1[0], $0.integer(first)) }
    return try branch(isFirst, then, otherwise)
  }
}
