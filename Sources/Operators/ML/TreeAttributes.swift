import ONNXReader
import Support
import TensorIR

extension OperatorNode {
  /// Numbers of an attribute that is a list of floats, or a tensor under a name with `_as_tensor`.
  func numbers(_ name: String) throws(ModelError) -> [Double]? {
    if let tensor = try tensor(name + "_as_tensor") { return tensor.doubles() }
    return try floats(name)
  }

  /// A list attribute that must have a number of elements.
  func integers(_ name: String, count: Int) throws(ModelError) -> [Int] {
    guard let values = try ints(name) else { throw .invalid("attribute '\(name)' is missing") }
    guard values.count == count else { throw .invalid("attribute '\(name)' has \(values.count) elements, not \(count)") }
    return values
  }

  /// The trees of the node tables that TreeEnsembleClassifier and TreeEnsembleRegressor share.
  ///
  /// `prefix` begins the names of the attributes with the leaves' weights.
  func forest(weights prefix: String, targets: Int) throws(ModelError) -> Forest {
    guard let treeIDs = try ints("nodes_treeids") else { throw .invalid("attribute 'nodes_treeids' is missing") }
    let count = treeIDs.count
    let nodeIDs = try integers("nodes_nodeids", count: count)
    let features = try integers("nodes_featureids", count: count)
    let yes = try integers("nodes_truenodeids", count: count)
    let no = try integers("nodes_falsenodeids", count: count)
    let missing = try ints("nodes_missing_value_tracks_true") ?? []
    guard let modes = try strings("nodes_modes"), modes.count == count else {
      throw .invalid("attribute 'nodes_modes' does not have \(count) elements")
    }
    guard let values = try numbers("nodes_values"), values.count == count else {
      throw .invalid("attribute 'nodes_values' does not have \(count) elements")
    }
    guard missing.isEmpty || missing.count == count else {
      throw .invalid("attribute 'nodes_missing_value_tracks_true' has \(missing.count) elements, not \(count)")
    }
    var positions: [[Int]: Int] = [:]
    for node in 0..<count {
      guard positions.updateValue(node, forKey: [treeIDs[node], nodeIDs[node]]) == nil else {
        throw .invalid("node \(nodeIDs[node]) of tree \(treeIDs[node]) occurs twice")
      }
    }
    func position(_ tree: Int, _ node: Int) throws(ModelError) -> Int {
      guard let position = positions[[tree, node]] else { throw .invalid("tree \(tree) has no node \(node)") }
      return position
    }
    var nodes: [Forest.Node] = []
    var isChild = [Bool](repeating: false, count: count)
    for node in 0..<count {
      guard modes[node] != "LEAF" else {
        nodes.append(.leaf([]))
        continue
      }
      guard let compare = treeComparison(modes[node]) else {
        throw .invalid("attribute 'nodes_modes' has the unknown mode '\(modes[node])'")
      }
      let branch = Forest.Branch(
        compare: compare, feature: features[node], threshold: values[node],
        missingIsTrue: !missing.isEmpty && missing[node] != 0, yes: try position(treeIDs[node], yes[node]),
        no: try position(treeIDs[node], no[node]))
      isChild[branch.yes] = true
      isChild[branch.no] = true
      nodes.append(.branch(branch))
    }
    let weightTrees = try ints(prefix + "_treeids") ?? []
    let weightNodes = try integers(prefix + "_nodeids", count: weightTrees.count)
    let weightTargets = try integers(prefix + "_ids", count: weightTrees.count)
    guard let weights = try numbers(prefix + "_weights"), weights.count == weightTrees.count else {
      throw .invalid("attribute '\(prefix)_weights' does not have \(weightTrees.count) elements")
    }
    for index in weights.indices {
      let node = try position(weightTrees[index], weightNodes[index])
      // Weights of branches have no effect.
      guard case .leaf(let present) = nodes[node] else { continue }
      nodes[node] = .leaf(present + [Forest.Weight(target: weightTargets[index], value: weights[index])])
    }
    let roots = (0..<count).filter { !isChild[$0] }
    let rooted = Set(roots.map { treeIDs[$0] })
    if let wrong = treeIDs.first(where: { !rooted.contains($0) }) {
      throw .invalid("tree \(wrong) has no root: its nodes form a cycle")
    }
    let forest = try Forest(nodes: nodes, roots: roots, targets: targets)
    guard forest.reachesAllBranches else { throw .invalid("nodes of a tree form a cycle that no root leads to") }
    return forest
  }

  /// The way in which trees combine.
  func aggregate() throws(ModelError) -> TreeAggregate {
    let name = try string("aggregate_function", default: "SUM")
    guard let aggregate = TreeAggregate(rawValue: name) else {
      throw .invalid("attribute 'aggregate_function' is '\(name)'")
    }
    return aggregate
  }
}

private func treeComparison(_ mode: String) -> ScalarCompare? {
  switch mode {
  case "BRANCH_LEQ": .lessOrEqual
  case "BRANCH_LT": .less
  case "BRANCH_GTE": .greaterOrEqual
  case "BRANCH_GT": .greater
  case "BRANCH_EQ": .equal
  case "BRANCH_NEQ": .notEqual
  default: nil
  }
}
