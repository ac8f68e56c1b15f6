import TensorIR
public import Tuning

/// A rewrite of a graph; it returns an equivalent graph.
public struct Pass: Sendable {
  /// The name for `--dump-after` and `--stop-after`.
  public var name: String
  /// Whether the pass trades memory for speed, which pays on processors with wide vectors.
  public var spendsMemory: Bool
  private let rewrite: @Sendable (Graph, inout Choices, FactorSplit?) -> Graph

  public init(_ name: String, spendsMemory: Bool = false, _ rewrite: @escaping @Sendable (Graph) -> Graph) {
    self.name = name
    self.spendsMemory = spendsMemory
    self.rewrite = { graph, _, _ in rewrite(graph) }
  }

  /// A pass that has choices.
  public init(
    choosing name: String, spendsMemory: Bool = false, _ rewrite: @escaping @Sendable (Graph, inout Choices) -> Graph
  ) {
    self.name = name
    self.spendsMemory = spendsMemory
    self.rewrite = { graph, choices, _ in rewrite(graph, &choices) }
  }

  /// A pass that runs where the processor multiplies parts of numbers faster than numbers.
  init(_ name: String, splitting rewrite: @escaping @Sendable (Graph, FactorSplit) -> Graph) {
    self.name = name
    spendsMemory = true
    self.rewrite = { graph, _, split in split.map { rewrite(graph, $0) } ?? graph }
  }

  /// The rewritten graph, with choices as estimated.
  public func run(_ graph: Graph) -> Graph {
    var choices = Choices()
    return run(graph, &choices)
  }

  /// The rewritten graph; bodies are rewritten before the graph that they are in. With `split`, factors of contractions
  /// are split.
  public func run(_ graph: Graph, _ choices: inout Choices, split: FactorSplit? = nil) -> Graph {
    var graph = graph
    for index in graph.nodes.indices {
      switch graph.nodes[index].primitive {
      case .scan(var scan):
        scan.body = run(scan.body, &choices, split: split)
        graph.nodes[index].primitive = .scan(scan)
      case .branch(var branch):
        branch.then = run(branch.then, &choices, split: split)
        branch.otherwise = run(branch.otherwise, &choices, split: split)
        graph.nodes[index].primitive = .branch(branch)
      case .constant, .map, .reduce, .contract, .reshape, .scatter, .sort, .compact, .external, .measure, .assume:
        continue
      }
    }
    return rewrite(graph, &choices, split)
  }
}

/// The passes over Tensor IR, in order.
public let tensorPasses: [Pass] = [
  Pass("widen-sums", widenSums),
  Pass("widen-factors", spendsMemory: true, widenFactors),
  Pass("narrow-factors") { narrowFactors($0) },
  Pass("fold-constants") { foldConstants($0) },
  Pass("trim-sums", trimSums),
  Pass("read-through", readThrough),
  Pass("sink-reshapes", sinkReshapes),
  Pass("split-sums", splitSums),
  Pass("read-through-again", readThrough),
  Pass("inline-maps", inlineMaps),
  Pass("fuse-epilogues", fuseEpilogues),
  Pass("split-factors", splitting: splitFactors),
  Pass(choosing: "winograd", spendsMemory: true, winograd),
  Pass("materialize-padding", materializePadding),
  Pass(choosing: "block-rows", blockRows),
  Pass("eliminate-dead-code", eliminateDeadCode),
]
