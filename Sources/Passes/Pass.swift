import TensorIR
public import Tuning

/// A rewrite of a graph; it returns an equivalent graph.
public struct Pass: Sendable {
  /// The name for `--dump-after` and `--stop-after`.
  public var name: String
  /// Whether the pass trades memory for speed, which pays on processors with wide vectors.
  public var spendsMemory: Bool
  private let rewrite: @Sendable (Graph, inout Choices) -> Graph

  public init(_ name: String, spendsMemory: Bool = false, _ rewrite: @escaping @Sendable (Graph) -> Graph) {
    self.name = name
    self.spendsMemory = spendsMemory
    self.rewrite = { graph, _ in rewrite(graph) }
  }

  /// A pass that has choices.
  public init(
    choosing name: String, spendsMemory: Bool = false, _ rewrite: @escaping @Sendable (Graph, inout Choices) -> Graph
  ) {
    self.name = name
    self.spendsMemory = spendsMemory
    self.rewrite = rewrite
  }

  /// The rewritten graph, with choices as estimated.
  public func run(_ graph: Graph) -> Graph {
    var choices = Choices()
    return run(graph, &choices)
  }

  /// The rewritten graph; bodies are rewritten before the graph that they are in.
  public func run(_ graph: Graph, _ choices: inout Choices) -> Graph {
    var graph = graph
    for index in graph.nodes.indices {
      switch graph.nodes[index].primitive {
      case .scan(var scan):
        scan.body = run(scan.body, &choices)
        graph.nodes[index].primitive = .scan(scan)
      case .branch(var branch):
        branch.then = run(branch.then, &choices)
        branch.otherwise = run(branch.otherwise, &choices)
        graph.nodes[index].primitive = .branch(branch)
      case .constant, .map, .reduce, .contract, .reshape, .scatter, .sort, .compact, .external, .measure, .assume:
        continue
      }
    }
    return rewrite(graph, &choices)
  }
}

/// The passes over Tensor IR, in order.
public let tensorPasses: [Pass] = [
  Pass("widen-sums", widenSums),
  Pass("widen-factors", spendsMemory: true, widenFactors),
  Pass("fold-constants", foldConstants),
  Pass("trim-sums", trimSums),
  Pass("read-through", readThrough),
  Pass("sink-reshapes", sinkReshapes),
  Pass("split-sums", splitSums),
  Pass("read-through-again", readThrough),
  Pass("inline-maps", inlineMaps),
  Pass("fuse-epilogues", fuseEpilogues),
  Pass(choosing: "winograd", spendsMemory: true, winograd),
  Pass("materialize-padding", materializePadding),
  Pass(choosing: "block-rows", blockRows),
  Pass("eliminate-dead-code", eliminateDeadCode),
]
