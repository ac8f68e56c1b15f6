import Support
import TensorIR

/// Decision trees in one list of nodes, checked to be walkable.
struct Forest {
  /// A comparison of a feature with a threshold, and where to go then.
  struct Branch {
    var compare: ScalarCompare
    var feature: Int
    var threshold: Double
    /// Whether a NaN counts as a comparison that holds.
    var missingIsTrue = false
    var yes: Int
    var no: Int
  }

  /// A contribution of a leaf to a target.
  struct Weight {
    var target: Int
    var value: Double
  }

  enum Node {
    case branch(Branch)
    case leaf([Weight])

    /// The branch, unless this is a leaf.
    var branch: Branch? { if case .branch(let branch) = self { branch } else { nil } }

    /// The weights of a leaf; none of a branch.
    var weights: [Weight] { if case .leaf(let weights) = self { weights } else { [] } }
  }

  let nodes: [Node]
  let roots: [Int]
  /// Whether every branch lies on a way from a root.
  let reachesAllBranches: Bool
  let targets: Int

  /// - Throws: `ModelError.invalid` for cycles, and for nodes, features and targets out of range.
  init(nodes: [Node], roots: [Int], targets: Int) throws(ModelError) {
    guard !roots.isEmpty else { throw .invalid("there are no trees") }
    guard targets > 0, targets < 1 << 24 else { throw .invalid("there are \(targets) targets, not 1 to 2^24 - 1") }
    for node in nodes {
      switch node {
      case .branch(let branch):
        guard branch.feature >= 0, branch.feature < 1 << 31 else {
          throw .invalid("feature \(branch.feature) is out of range")
        }
        for child in [branch.yes, branch.no] where !nodes.indices.contains(child) {
          throw .invalid("node \(child) does not exist")
        }
      case .leaf(let weights):
        if let wrong = weights.first(where: { $0.target < 0 || $0.target >= targets }) {
          throw .invalid("a leaf has a weight for target \(wrong.target) of \(targets)")
        }
      }
    }
    for root in roots where !nodes.indices.contains(root) { throw .invalid("root \(root) does not exist") }
    self.nodes = nodes
    self.roots = roots
    self.targets = targets
    let depths = try Forest.depths(nodes, roots)
    reachesAllBranches = nodes.indices.allSatisfy { nodes[$0].branch == nil || depths[$0] != nil }
  }

  /// The number of branches below every node that a root leads to.
  static func depths(_ nodes: [Node], _ roots: [Int]) throws(ModelError) -> [Int?] {
    var depths = [Int?](repeating: nil, count: nodes.count)
    var isOpen = [Bool](repeating: false, count: nodes.count)
    var pending = roots
    while let node = pending.last {
      guard depths[node] == nil, let branch = nodes[node].branch else {
        if depths[node] == nil { depths[node] = 0 }
        pending.removeLast()
        continue
      }
      if let yes = depths[branch.yes], let no = depths[branch.no] {
        depths[node] = 1 + max(yes, no)
        isOpen[node] = false
        pending.removeLast()
        continue
      }
      isOpen[node] = true
      for child in [branch.yes, branch.no] where depths[child] == nil {
        guard !isOpen[child] else { throw .invalid("the nodes of a tree form a cycle") }
        pending.append(child)
      }
    }
    return depths
  }

  /// The features that the trees read are those below this number.
  var featureCount: Int {
    nodes.reduce(0) { max($0, ($1.branch?.feature ?? -1) + 1) }
  }

  /// The targets that some leaf has a weight for.
  var weightedTargets: Set<Int> { Set(weights.map(\.target)) }

  /// The weights of all leaves.
  var weights: [Weight] { nodes.flatMap(\.weights) }
}
