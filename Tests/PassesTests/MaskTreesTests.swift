import Support
import TensorIR
import Testing

@testable import Operators
@testable import Passes

@Suite("Trees by masks")
struct MaskTreesTests {
  /// Every row reaches the same leaves as by walking, whose weights are added in the same order.
  @Test("masks give what walks give", arguments: ForestSample.all)
  func agrees(_ sample: ForestSample) throws {
    let graph = try sample.graph()
    let masked = maskTrees(graph, vectorBytes: 64)
    try verify(masked)
    #expect(masked.nodes.count > graph.nodes.count)
    let symbols = ["n": Dim(sample.rows)]
    #expect(try evaluate(masked, [sample.data], symbols: symbols) == evaluate(graph, [sample.data], symbols: symbols))
  }

  @Test("rows for less than one group walk")
  func fewRows() throws {
    let graph = try ForestSample("few rows", leaves: [9, 8], rows: 31).graph()
    #expect(maskTrees(graph, vectorBytes: 64) == graph)
  }

  @Test("large trees walk, sooner with short vectors")
  func largeTrees() throws {
    // 5 steps lead to 32 leaves, and 7 to 128.
    let middle = try ForestSample("middle", leaves: [32], rows: 40).graph()
    #expect(maskTrees(middle, vectorBytes: 32) == middle)
    #expect(maskTrees(middle, vectorBytes: 64) != middle)
    let large = try ForestSample("large", leaves: [128], rows: 40).graph()
    #expect(maskTrees(large, vectorBytes: 64) == large)
  }
}

/// A forest of given sizes with thresholds among few numbers, and data among the same ones, infinities and NaN.
struct ForestSample: Sendable, CustomTestStringConvertible {
  enum Weights { case oneTarget, targetByTree, allTargets }

  let testDescription: String
  /// By tree.
  var leaves: [Int]
  var rows: Int
  var isOpen = false
  var isChain = false
  var element = ElementType.f32
  var weights = Weights.oneTarget
  var comparisons: [ScalarCompare] = [.lessOrEqual]
  var hasMissing = false
  var aggregate = TreeAggregate.sum
  /// Columns of the data, of which trees test the first three.
  var columns = 3

  init(_ name: String, leaves: [Int], rows: Int, _ change: (inout ForestSample) -> Void = { _ in }) {
    testDescription = name
    (self.leaves, self.rows) = (leaves, rows)
    change(&self)
  }

  static let all = [
    ForestSample("two groups", leaves: [9, 8, 5, 9], rows: 64),
    ForestSample("rows behind groups", leaves: [9, 8, 5, 9], rows: 67),
    ForestSample("open rows", leaves: [9, 8], rows: 70) { $0.isOpen = true },
    ForestSample("open rows for no group", leaves: [9, 8], rows: 5) { $0.isOpen = true },
    ForestSample("one leaf", leaves: [1, 7, 2], rows: 33),
    ForestSample("a full word", leaves: [32, 31], rows: 33),
    ForestSample("two words", leaves: [33, 7], rows: 33),
    ForestSample("words of different trees", leaves: [40, 33, 64], rows: 32),
    ForestSample("chains", leaves: [20, 31], rows: 40) { $0.isChain = true },
    ForestSample("a chain of two words", leaves: [2, 33], rows: 32) { $0.isChain = true },
    ForestSample("three words", leaves: [80, 66], rows: 32),
    ForestSample("f64", leaves: [9, 30], rows: 35) { $0.element = .f64 },
    ForestSample("a target for each tree", leaves: [9, 8, 5, 6], rows: 40) { $0.weights = .targetByTree },
    ForestSample("all targets for each tree", leaves: [9, 8, 5, 6], rows: 40) { $0.weights = .allTargets },
    ForestSample("all comparisons", leaves: [6, 5, 7], rows: 40) {
      $0.comparisons = [.lessOrEqual, .less, .greaterOrEqual, .greater, .equal, .notEqual]
    },
    ForestSample("missing numbers", leaves: [9, 12], rows: 40) { $0.hasMissing = true },
    ForestSample("missing f64", leaves: [9, 12], rows: 40) { ($0.hasMissing, $0.element) = (true, .f64) },
    ForestSample("least", leaves: [9, 8], rows: 40) { $0.aggregate = .min },
    ForestSample("greatest of all targets", leaves: [9, 8], rows: 40) {
      ($0.aggregate, $0.weights) = (.max, .allTargets)
    },
    ForestSample("mean", leaves: [9, 8], rows: 40) { $0.aggregate = .average },
    ForestSample("columns that nothing tests", leaves: [9, 8], rows: 40) { $0.columns = 70 },
  ]

  private static let thresholds = [-2.5, -0.0, 0.0, 0.1, 1, 3]
  private static let numbers = thresholds + [-.infinity, .infinity, .nan, -1, 0.5, 7]

  var data: ConstantTensor {
    let values = (0..<rows * columns).map { Self.numbers[($0 * 7 + $0 / columns * 5 + $0 / 11) % Self.numbers.count] }
    return ConstantTensor(element, dims: [rows, columns], doubles: values)
  }

  func graph() throws -> Graph {
    var builder = GraphBuilder()
    let x = builder.input(TensorType(element, [isOpen ? Dim(symbol: "n") : Dim(rows), Dim(columns)]))
    let result = try builder.evaluate(try forest(), x, aggregate, element)
    return builder.finish(outputs: [result])
  }

  private func forest() throws -> Forest {
    var nodes: [Forest.Node] = []
    var roots: [Int] = []
    for (tree, count) in leaves.enumerated() {
      roots.append(nodes.count)
      add(0..<count, tree, to: &nodes)
    }
    return try Forest(nodes: nodes, roots: roots, targets: weights == .oneTarget ? 1 : 2)
  }

  /// Adds the part of a tree with some of its leaves.
  private func add(_ range: Range<Int>, _ tree: Int, to nodes: inout [Forest.Node]) {
    let place = nodes.count
    guard range.count > 1 else {
      let value = Double(range.lowerBound * 3 + tree * 17) / 8 - 2
      let targets = weights == .oneTarget ? [0] : weights == .targetByTree ? [tree % 2] : [0, 1]
      nodes.append(.leaf(targets.map { Forest.Weight(target: $0, value: value + Double($0)) }))
      return
    }
    nodes.append(.leaf([]))
    let end = place % 2 == 0 ? range.lowerBound + 1 : range.upperBound - 1
    let middle = isChain ? end : range.lowerBound + range.count / 2
    add(range.lowerBound..<middle, tree, to: &nodes)
    let no = nodes.count
    add(middle..<range.upperBound, tree, to: &nodes)
    nodes[place] = .branch(
      Forest.Branch(
        compare: comparisons[place % comparisons.count], feature: (place + tree) % 3,
        threshold: Self.thresholds[(place * 5 + tree) % Self.thresholds.count],
        missingIsTrue: hasMissing && place % 2 == 0, yes: place + 1, no: no))
  }
}
