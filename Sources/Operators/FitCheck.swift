import TensorIR

extension GraphBuilder {
  /// Whether nodes from a position on read within their operands for all that is known; a call checks that no symbolic
  /// extent of theirs is negative.
  mutating func completes(since start: Int) -> Bool {
    let nodes = graph.nodes[start...]
    for extent in nodes.flatMap(\.results).flatMap({ shape(of: $0) }) where extent.constant == nil {
      assume([DimFact(0, .atMost, extent)])
    }
    return !nodes.contains { graph.isUnsound($0) }
  }
}
