import TensorIR
public import Tuning

/// What passes know of a processor's vectors, how it multiplies numbers that are narrower than `f32`, and what precision is asked for.
public struct VectorUnits: Hashable, Sendable {
  /// The bytes of a vector.
  public var vectorBytes: Int
  /// How `f32` factors are split; nil where they stay whole.
  public var split: FactorSplit?
  /// The most products of bytes that one instruction sums; nil where there is no such instruction.
  public var byteDepth: Int?
  /// Whether every result of `f16` operators is rounded to `f16`.
  public var roundsHalves: Bool

  public init(
    vectorBytes: Int = 64, split: FactorSplit? = nil, byteDepth: Int? = nil, roundsHalves: Bool = false
  ) {
    self.vectorBytes = vectorBytes
    self.split = split
    self.byteDepth = byteDepth
    self.roundsHalves = roundsHalves
  }
}

/// A rewrite of a graph; it returns an equivalent graph.
public struct Pass: Sendable {
  /// The name for `--dump-after` and `--stop-after`.
  public var name: String
  /// Whether the pass pays on processors with wide vectors only.
  public var isForVectors: Bool
  private let rewrite: @Sendable (Graph, inout Choices, VectorUnits) -> Graph

  public init(_ name: String, isForVectors: Bool = false, _ rewrite: @escaping @Sendable (Graph) -> Graph) {
    self.name = name
    self.isForVectors = isForVectors
    self.rewrite = { graph, _, _ in rewrite(graph) }
  }

  /// A pass that has choices.
  public init(
    choosing name: String, isForVectors: Bool = false, _ rewrite: @escaping @Sendable (Graph, inout Choices) -> Graph
  ) {
    self.name = name
    self.isForVectors = isForVectors
    self.rewrite = { graph, choices, _ in rewrite(graph, &choices) }
  }

  /// A pass that gets the bytes of a vector.
  init(_ name: String, vectors rewrite: @escaping @Sendable (Graph, Int) -> Graph) {
    self.name = name
    isForVectors = true
    self.rewrite = { graph, _, units in rewrite(graph, units.vectorBytes) }
  }

  /// A pass that runs where the processor multiplies parts of numbers faster than numbers.
  init(_ name: String, splitting rewrite: @escaping @Sendable (Graph, FactorSplit) -> Graph) {
    self.name = name
    isForVectors = true
    self.rewrite = { graph, _, units in units.split.map { rewrite(graph, $0) } ?? graph }
  }

  /// A pass that is left out where something is true of the processor or of what is asked for.
  init(
    _ name: String, unless isLeftOut: @escaping @Sendable (VectorUnits) -> Bool,
    _ rewrite: @escaping @Sendable (Graph) -> Graph
  ) {
    self.name = name
    isForVectors = false
    self.rewrite = { graph, _, units in isLeftOut(units) ? graph : rewrite(graph) }
  }

  /// A pass that runs where the processor multiplies groups of bytes; it gets the products that one instruction sums.
  init(_ name: String, multiplyingBytes rewrite: @escaping @Sendable (Graph, Int) -> Graph) {
    self.name = name
    isForVectors = true
    self.rewrite = { graph, _, units in units.byteDepth.map { rewrite(graph, $0) } ?? graph }
  }

  /// The rewritten graph, with choices as estimated.
  public func run(_ graph: Graph) -> Graph {
    var choices = Choices()
    return run(graph, &choices)
  }

  /// The rewritten graph; bodies are rewritten before the graph that they are in.
  public func run(_ graph: Graph, _ choices: inout Choices, _ units: VectorUnits = VectorUnits()) -> Graph {
    var graph = graph
    for index in graph.nodes.indices {
      switch graph.nodes[index].primitive {
      case .scan(var scan):
        scan.body = run(scan.body, &choices, units)
        graph.nodes[index].primitive = .scan(scan)
      case .branch(var branch):
        branch.then = run(branch.then, &choices, units)
        branch.otherwise = run(branch.otherwise, &choices, units)
        graph.nodes[index].primitive = .branch(branch)
      case .constant, .map, .reduce, .contract, .reshape, .scatter, .sort, .compact, .external, .measure, .assume:
        continue
      }
    }
    return rewrite(graph, &choices, units)
  }
}

/// The passes over Tensor IR, in order.
public let tensorPasses: [Pass] = [
  Pass("mask-trees", vectors: maskTrees),
  Pass("integer-products", multiplyingBytes: integerProducts),
  Pass("widen-sums", widenSums),
  Pass("widen-factors", isForVectors: true, widenFactors),
  Pass("narrow-factors") { narrowFactors($0) },
  Pass("fold-constants") { foldConstants($0) },
  Pass("widen-halves", unless: { $0.roundsHalves }, widenHalves),
  Pass("trim-sums", trimSums),
  Pass("read-through", readThrough),
  Pass("sink-transpositions", sinkTranspositions),
  Pass("sink-reshapes", sinkReshapes),
  Pass("split-sums", splitSums),
  Pass("share-factors", shareFactors),
  Pass("read-through-again", readThrough),
  Pass("hoist-divisors", hoistDivisors),
  Pass("inline-maps", inlineMaps),
  Pass("fuse-epilogues", fuseEpilogues),
  Pass("tabulate-bytes", tabulateBytes),
  Pass("divide-by-constants", isForVectors: true, divideByConstants),
  Pass("flush-weights", flushWeights),
  Pass("split-factors", splitting: splitFactors),
  Pass(choosing: "winograd", isForVectors: true, winograd),
  Pass("materialize-padding", materializePadding),
  Pass("split-terms", isForVectors: true, splitTerms),
  Pass(choosing: "block-rows", blockRows),
  Pass("eliminate-dead-code", eliminateDeadCode),
]
