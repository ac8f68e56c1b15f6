import Support
import TensorIR

/// One of two body graphs.
struct If: Operator {
  let name = OperatorName("If", versions: 1, 11, 13, 16, 19, 21, 23, 24, 25)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let condition = try node.input(0)
    try b.require(condition, "the condition", isOneOf: .bool)
    guard b.shape(of: condition).constants?.reduce(1, *) == 1 else { throw .invalid("the condition must be a scalar") }
    if let known = b.knownIntegers(condition)?.first?.constant {
      return try node.inline(try node.graph(known != 0 ? "then_branch" : "else_branch"), [], in: &b)
    }
    let (then, otherwise) = (side("then_branch", node, b), side("else_branch", node, b))
    switch (then, otherwise) {
    case (.success(let then), .success(let otherwise)): return try choice(condition, then, otherwise, &b)
    case (.failure(let error), .failure): throw error
    case (.success, .failure(let error)):
      guard error.isInvalid else { throw error }
      return try only("then_branch", 1, node, condition, &b)
    case (.failure(let error), .success):
      guard error.isInvalid else { throw error }
      return try only("else_branch", 0, node, condition, &b)
    }
  }

  /// A body graph on its own, with the values of the graphs around it that it reads.
  private struct Side {
    var graph: Graph
    var captured: [ValueID]

    var results: [TensorType] { graph.outputs.map { graph.type(of: $0) } }

    /// Makes the graph take these values, its own among them, in this order.
    mutating func take(_ values: [ValueID], _ b: GraphBuilder) {
      let own = Dictionary(zip(captured, graph.inputs), uniquingKeysWith: { first, _ in first })
      graph.inputs = values.map { value in
        if let input = own[value] { return input }
        graph.values.append(Value(type: b.type(of: value)))
        return ValueID(graph.values.count - 1)
      }
      captured = values
    }
  }

  private func side(_ name: String, _ node: OperatorNode, _ b: GraphBuilder) -> Result<Side, ModelError> {
    var inner = GraphBuilder(inside: b, as: name)
    var captured: [ValueID] = []
    do throws(ModelError) {
      let outputs = try node.importApart(try node.graph(name), [], outer: b, captured: &captured, in: &inner)
      return .success(Side(graph: inner.finish(outputs: outputs), captured: captured))
    } catch {
      return .failure(error)
    }
  }

  private func choice(_ condition: ValueID, _ first: Side, _ second: Side, _ b: inout GraphBuilder) throws(ModelError)
    -> [ValueID]
  {
    var (then, otherwise) = (first, second)
    guard then.results.count == otherwise.results.count else {
      throw .invalid("the branches have \(then.results.count) and \(otherwise.results.count) results")
    }
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
          extents.append(BranchExtent(symbol: b.newSymbol("extent\(extents.count)."), then: x, otherwise: y))
          return Dim(symbol: extents[extents.count - 1].symbol)
        })
    }
    let captured = then.captured + otherwise.captured.filter { !then.captured.contains($0) }
    then.take(captured, b)
    otherwise.take(captured, b)
    let branch = Branch(then: then.graph, otherwise: otherwise.graph, shapes: shapes, extents: extents)
    return b.add(.branch(branch), [b.reshape(condition, [])] + captured)
  }

  /// The one branch that fits the shapes, with a check that the condition chooses it.
  ///
  /// A branch that does not fit is no fault of the model, which may never take it; a call in which it does fails.
  private func only(
    _ name: String, _ value: Int, _ node: OperatorNode, _ condition: ValueID, _ b: inout GraphBuilder
  ) throws(ModelError) -> [ValueID] {
    let choice = b.measured(b.reshape(try b.cast(condition, to: .i64), [1]), as: "condition")
    b.assume([DimFact(choice[0], .equal, Dim(value))], isRequired: true)
    return try node.inline(try node.graph(name), [], in: &b)
  }
}

extension ModelError {
  /// Whether all that is wrong is wrong with the model.
  fileprivate var isInvalid: Bool { diagnostics.allSatisfy { $0.kind == .invalid } }
}
