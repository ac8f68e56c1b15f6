import TensorIR

/// A rewrite of a graph; it returns an equivalent graph.
public struct Pass: Sendable {
  /// The name for `--dump-after` and `--stop-after`.
  public var name: String
  public var run: @Sendable (Graph) -> Graph

  public init(_ name: String, _ run: @escaping @Sendable (Graph) -> Graph) {
    self.name = name
    self.run = run
  }
}

/// The passes over Tensor IR, in order.
public let tensorPasses: [Pass] = [
  Pass("fold-constants", foldConstants),
  Pass("read-through", readThrough),
  Pass("sink-reshapes", sinkReshapes),
  Pass("read-through-again", readThrough),
  Pass("inline-maps", inlineMaps),
  Pass("fuse-epilogues", fuseEpilogues),
  Pass("materialize-padding", materializePadding),
  Pass("eliminate-dead-code", eliminateDeadCode),
]
