import Support
import TensorIR

/// The constants that a walk through trees reads; leaves come first, so that a leaf's number is its row of weights.
struct ForestTables {
  private let forest: Forest
  private let rows: [Int]
  private let order: [Int]
  private let leafCount: Int

  init(_ forest: Forest) {
    self.forest = forest
    let leaves = forest.nodes.indices.filter { forest.nodes[$0].branch == nil }
    let branches = forest.nodes.indices.filter { forest.nodes[$0].branch != nil }
    order = leaves + branches
    leafCount = leaves.count
    var rows = [Int](repeating: 0, count: order.count)
    for (row, node) in order.enumerated() { rows[node] = row }
    self.rows = rows
  }

  /// A column with one integer per node; leaves have 0.
  private func column(_ element: ElementType, _ value: (Forest.Branch) -> Int) -> ConstantTensor {
    let integers = order.map { forest.nodes[$0].branch.map(value) ?? 0 }
    return ConstantTensor(element, dims: [order.count], integers: integers)
  }

  var roots: ConstantTensor {
    ConstantTensor(.i32, dims: [forest.roots.count], integers: forest.roots.map { rows[$0] })
  }

  var features: ConstantTensor { column(.i32) { $0.feature } }

  var missing: ConstantTensor { column(.bool) { $0.missingIsTrue ? 1 : 0 } }

  /// Positions of the nodes' comparisons in a list.
  func comparisons(_ list: [ScalarCompare]) -> ConstantTensor { column(.u8) { list.firstIndex(of: $0.compare) ?? 0 } }

  func thresholds(_ element: ElementType) -> ConstantTensor {
    let values = order.map { forest.nodes[$0].branch?.threshold ?? 0 }
    return ConstantTensor(element, dims: [order.count], doubles: values)
  }

  /// Where to go if the comparison fails and if it holds; leaves stay where they are.
  var children: ConstantTensor {
    var next: [Int] = []
    for (row, node) in order.enumerated() {
      if let branch = forest.nodes[node].branch {
        next += [rows[branch.no], rows[branch.yes]]
      } else {
        next += [row, row]
      }
    }
    return ConstantTensor(.i32, dims: [order.count, 2], integers: next)
  }

  /// The leaves' weights by target; `absent` stands for targets that a leaf has no weight for.
  func weights(_ element: ElementType, _ combiner: Combiner, absent: Double) -> ConstantTensor {
    var table = [Double](repeating: absent, count: leafCount * forest.targets)
    for (row, node) in order.prefix(leafCount).enumerated() {
      for weight in forest.nodes[node].weights {
        let cell = row * forest.targets + weight.target
        switch combiner {
        case .min: table[cell] = min(table[cell], weight.value)
        case .max: table[cell] = max(table[cell], weight.value)
        case .sum, .product, .argMinFirst, .argMinLast, .argMaxFirst, .argMaxLast: table[cell] += weight.value
        }
      }
    }
    return ConstantTensor(element, dims: [leafCount, forest.targets], doubles: table)
  }

  /// The comparisons that occur, each once.
  var usedComparisons: [ScalarCompare] {
    var used: [ScalarCompare] = []
    for node in forest.nodes {
      if let branch = node.branch, !used.contains(branch.compare) { used.append(branch.compare) }
    }
    return used
  }

  var hasMissing: Bool { forest.nodes.contains { $0.branch?.missingIsTrue ?? false } }
}
