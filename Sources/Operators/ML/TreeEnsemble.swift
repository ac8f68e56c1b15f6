import Support
import TensorIR

/// Trees whose branches and leaves are separate tables; the result has the type of the data.
struct TreeEnsemble: Operator {
  let name = OperatorName("TreeEnsemble", domain: "ai.onnx.ml", versions: 5)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    try b.requireFloat(x)
    let element = b.type(of: x).element.precise
    let aggregates: [TreeAggregate] = [.average, .sum, .min, .max]
    let transforms: [PostTransform] = [.none, .softmax, .logistic, .softmaxZero, .probit]
    let aggregate = try node.int("aggregate_function", default: 1)
    let transform = try node.int("post_transform", default: 0)
    guard aggregates.indices.contains(aggregate) else { throw .invalid("attribute 'aggregate_function' is \(aggregate)") }
    guard transforms.indices.contains(transform) else { throw .invalid("attribute 'post_transform' is \(transform)") }
    let scores = try b.evaluate(try forest(node), x, aggregates[aggregate], element)
    return [try b.cast(try b.transformedTargets(scores, transforms[transform]), to: b.type(of: x).element)]
  }

  private func forest(_ node: OperatorNode) throws(ModelError) -> Forest {
    guard let features = try node.ints("nodes_featureids") else { throw .invalid("attribute 'nodes_featureids' is missing") }
    let count = features.count
    let yes = try node.integers("nodes_truenodeids", count: count)
    let no = try node.integers("nodes_falsenodeids", count: count)
    let yesIsLeaf = try node.integers("nodes_trueleafs", count: count)
    let noIsLeaf = try node.integers("nodes_falseleafs", count: count)
    let missing = try node.ints("nodes_missing_value_tracks_true") ?? []
    guard let splits = try node.tensor("nodes_splits")?.doubles(), splits.count == count else {
      throw .invalid("attribute 'nodes_splits' does not have \(count) elements")
    }
    guard let modes = try node.tensor("nodes_modes")?.doubles(), modes.count == count else {
      throw .invalid("attribute 'nodes_modes' does not have \(count) elements")
    }
    guard missing.isEmpty || missing.count == count else {
      throw .invalid("attribute 'nodes_missing_value_tracks_true' has \(missing.count) elements, not \(count)")
    }
    guard let weights = try node.tensor("leaf_weights")?.doubles(), !weights.isEmpty else {
      throw .invalid("attribute 'leaf_weights' is missing")
    }
    let targets = try node.integers("leaf_targetids", count: weights.count)
    var sets = ArraySlice(try membershipSets(node))
    let comparisons: [ScalarCompare] = [.lessOrEqual, .less, .greaterOrEqual, .greater, .equal, .notEqual]
    func child(_ index: Int, isLeaf: Bool) throws(ModelError) -> Int {
      guard index >= 0, index < (isLeaf ? weights.count : count) else {
        throw .invalid("\(isLeaf ? "leaf" : "node") \(index) does not exist")
      }
      return isLeaf ? count + index : index
    }
    var nodes = [Forest.Node](repeating: .leaf([]), count: count)
    nodes += weights.indices.map { .leaf([Forest.Weight(target: targets[$0], value: weights[$0])]) }
    for index in 0..<count {
      var branch = Forest.Branch(
        compare: .equal, feature: features[index], threshold: splits[index],
        missingIsTrue: !missing.isEmpty && missing[index] != 0,
        yes: try child(yes[index], isLeaf: yesIsLeaf[index] != 0),
        no: try child(no[index], isLeaf: noIsLeaf[index] != 0))
      guard modes[index] != 6 else {
        guard let set = sets.popFirst(), !set.isEmpty else { throw .invalid("a BRANCH_MEMBER node has no set") }
        nodes.addMembership(of: Array(Set(set)).sorted()[...], branch, at: index)
        continue
      }
      guard let mode = Int(exactly: modes[index]), comparisons.indices.contains(mode) else {
        throw .invalid("attribute 'nodes_modes' has the unknown mode \(modes[index])")
      }
      branch.compare = comparisons[mode]
      nodes[index] = .branch(branch)
    }
    guard let roots = try node.ints("tree_roots") else { throw .invalid("attribute 'tree_roots' is missing") }
    var starts: [Int] = []
    for root in roots { starts.append(try child(root, isLeaf: false)) }
    return try Forest(nodes: nodes, roots: starts, targets: try node.int("n_targets", default: 1))
  }

  /// The sets of the BRANCH_MEMBER nodes in order; NaN ends each.
  private func membershipSets(_ node: OperatorNode) throws(ModelError) -> [[Double]] {
    guard let values = try node.tensor("membership_values")?.doubles() else { return [] }
    return values.split(whereSeparator: \.isNaN).map(Array.init)
  }
}

extension [Forest.Node] {
  /// Puts a search for the feature among sorted values at a position; its other nodes go to the end.
  fileprivate mutating func addMembership(of values: ArraySlice<Double>, _ branch: Forest.Branch, at position: Int) {
    let middle = values.startIndex + values.count / 2
    var equality = branch
    equality.threshold = values[middle]
    let (low, high) = (values[..<middle], values[(middle + 1)...])
    if low.isEmpty, high.isEmpty {
      self[position] = .branch(equality)
      return
    }
    equality.no = count
    self[position] = .branch(equality)
    var order = branch
    (order.compare, order.threshold, order.missingIsTrue) = (.less, values[middle], false)
    let place = count
    append(.branch(order))
    for (side, part) in [(\Forest.Branch.yes, low), (\Forest.Branch.no, high)] where !part.isEmpty {
      order[keyPath: side] = count
      append(.leaf([]))
      addMembership(of: part, branch, at: count - 1)
    }
    if low.isEmpty { order.yes = branch.no }
    self[place] = .branch(order)
  }
}
