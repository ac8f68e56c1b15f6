import Support
import TensorIR

extension Forest {
  /// The same decisions with `x <= threshold` as the only comparison, for data and thresholds of type `element`.
  ///
  /// A NaN as threshold stands for a comparison that never holds.
  func withOneComparison(_ element: ElementType) throws(ModelError) -> Forest {
    var result = nodes
    for (position, node) in nodes.enumerated() {
      guard var branch = node.branch else { continue }
      branch.threshold = element.isDouble ? branch.threshold : Double(Float(branch.threshold))
      let below = element.isDouble ? branch.threshold.before : Double(Float(branch.threshold).before)
      let isNumber = !branch.threshold.isNaN
      switch branch.compare {
      case .lessOrEqual: break
      case .less: branch.threshold = below
      case .greater: if isNumber { branch.turn() }
      case .greaterOrEqual:
        if isNumber { branch.turn() }
        branch.threshold = below
      case .equal, .notEqual:
        if branch.compare == .notEqual {
          branch.turn()
          branch.missingIsTrue = false
        }
        var rest = branch
        (rest.compare, rest.threshold, rest.missingIsTrue) = (.lessOrEqual, below, false)
        (rest.yes, rest.no) = (branch.no, branch.yes)
        branch.yes = result.count
        result.append(.branch(rest))
      }
      branch.compare = .lessOrEqual
      result[position] = .branch(branch)
    }
    return try Forest(nodes: result, roots: roots, targets: targets)
  }
}

extension Forest.Branch {
  /// Makes the branch ask for the opposite of a comparison with a number; NaN, which fulfils neither, goes as before.
  fileprivate mutating func turn() {
    swap(&yes, &no)
    missingIsTrue.toggle()
  }
}

extension ElementType {
  fileprivate var isDouble: Bool { self == .f64 }
}

extension BinaryFloatingPoint {
  /// The greatest number below this one; NaN where there is none.
  fileprivate var before: Self { self == -.infinity ? .nan : nextDown }
}
