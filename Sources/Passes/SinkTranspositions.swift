import TensorIR

/// Moves transpositions behind scatters: a state that is updated in another order of its axes stays in its own, so that
/// it is neither copied there nor back.
func sinkTranspositions(_ graph: Graph) -> Graph {
  var result = graph
  let producers = graph.producers()
  result.nodes = []
  for node in graph.nodes {
    if let transposed = TransposedScatter(node, graph, producers) {
      transposed.rewrite(node, in: &result)
    } else {
      result.nodes.append(node)
    }
  }
  return eliminateDeadCode(result)
}

/// A scatter over a transposition.
private struct TransposedScatter {
  private let scatter: Scatter
  private let source: ValueID
  private let transposition: Map
  /// The scatter's axis along each of the source's.
  private let axes: [Int]

  init?(_ node: Node, _ graph: Graph, _ producers: [Int?]) {
    guard case .scatter(let scatter) = node.primitive, !reads(scatter.target, 0),
      let producer = producers[node.operands[0].index].map({ graph.nodes[$0] }),
      case .map(let transposition) = producer.primitive, let movement = Movement(producer, graph)
    else { return nil }
    let axes = movement.indices.compactMap { index -> Int? in
      if case .affine(let index) = index { index.singleAxis } else { nil }
    }
    let shape = graph.shape(of: movement.source)
    guard axes.count == shape.count, axes.sorted() == Array(transposition.shape.indices),
      axes.map({ transposition.shape[$0] }) == shape
    else { return nil }
    (self.scatter, self.transposition, self.axes) = (scatter, transposition, axes)
    source = movement.source
  }

  func rewrite(_ node: Node, in graph: inout Graph) {
    var own = scatter
    let results = scatter.target.results
    own.target.results = axes.map { results[$0] } + results.suffix(1)
    let state = graph.add(.scatter(own), [source] + node.operands.dropFirst(), origin: node.origin)
    graph.nodes.append(Node(.map(transposition), operands: [state], results: node.results, origin: node.origin))
  }
}
