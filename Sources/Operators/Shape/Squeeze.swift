import Support
import TensorIR

/// Axes of extent 1 removed.
struct Squeeze: Operator {
  let name = OperatorName("Squeeze", versions: 1, 11, 13, 21, 23, 24, 25)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let shape = b.shape(of: x)
    guard let given = try axesArgument(node, since: 13, b) else { return [b.reshape(x, shape.filter { $0 != 1 })] }
    var removed: [Int] = []
    for axis in given { removed.append(try normalizedAxis(axis, rank: shape.count, name: "axes:")) }
    for axis in removed where shape[axis].constant ?? 1 != 1 {
      throw .invalid("dimension \(axis) has extent \(shape[axis]), not 1")
    }
    return [b.reshape(x, shape.indices.filter { !removed.contains($0) }.map { shape[$0] })]
  }
}

/// Axes of extent 1 inserted.
struct Unsqueeze: Operator {
  let name = OperatorName("Unsqueeze", versions: 1, 11, 13, 21, 23, 24, 25)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    guard let given = try axesArgument(node, since: 13, b) else { throw .invalid("the axes are missing") }
    let rank = b.shape(of: x).count + given.count
    var inserted: Set<Int> = []
    for axis in given {
      guard inserted.insert(try normalizedAxis(axis, rank: rank, name: "axes:")).inserted else {
        throw .invalid("axes \(given) name an axis twice")
      }
    }
    var rest = b.shape(of: x)[...]
    return [b.reshape(x, (0..<rank).map { inserted.contains($0) ? 1 : rest.removeFirst() })]
  }
}

/// Axes from an attribute or, from a version on, from argument 1.
func axesArgument(_ node: OperatorNode, since version: Int, _ b: GraphBuilder) throws(ModelError) -> [Int]? {
  if node.version < version { return try node.ints("axes") }
  guard let argument = node.optionalInput(1) else { return nil }
  return try b.requireConstantIntegers(argument, "the axes")
}
