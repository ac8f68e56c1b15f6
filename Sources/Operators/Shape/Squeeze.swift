import Support
import TensorIR

/// Axes of extent 1 removed.
struct Squeeze: Operator {
  let name = OperatorName("Squeeze", versions: 1, 11, 13, 21, 23, 24, 25)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let shape = b.shape(of: x)
    guard let axes = try axesArgument(node, since: 13, b) else {
      for extent in shape where extent.constant == nil {
        // The rank of the result is that for extents other than 1.
        b.assume([DimFact(1, .atMost, .maximum(extent - 1, 1 - extent))])
      }
      return [b.reshape(x, shape.filter { $0 != 1 })]
    }
    guard case .known(let given) = axes else { return [try measured(x, axes, &b)] }
    var removed: [Int] = []
    for axis in given { removed.append(try normalizedAxis(axis, rank: shape.count, name: "axes:")) }
    for axis in removed { try b.requireEqual(shape[axis], 1, "dimension \(axis) is not of extent 1") }
    return [b.reshape(x, shape.indices.filter { !removed.contains($0) }.map { shape[$0] })]
  }

  private func measured(_ x: ValueID, _ axes: AxesArgument, _ b: inout GraphBuilder) throws(ModelError) -> ValueID {
    let shape = b.shape(of: x)
    let (vector, count) = try axes.vector(&b)
    guard count <= shape.count else { throw .invalid("\(count) axes of rank \(shape.count)") }
    let extents = b.computedExtents("extent", [vector]) { graph in
      let marks = graph.marks(graph.axes(0, count: count, rank: shape.count), rank: shape.count)
      let isKept = marks.map { graph.unary(.not, $0) }
      return graph.chosen(shape.map { graph.dim($0) }, where: isKept, count: shape.count - count)
    }
    return b.reshape(x, extents)
  }
}

/// Axes of extent 1 inserted.
struct Unsqueeze: Operator {
  let name = OperatorName("Unsqueeze", versions: 1, 11, 13, 21, 23, 24, 25)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    guard let axes = try axesArgument(node, since: 13, b) else { throw .invalid("the axes are missing") }
    guard case .known(let given) = axes else { return [try measured(x, axes, &b)] }
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
  private func measured(_ x: ValueID, _ axes: AxesArgument, _ b: inout GraphBuilder) throws(ModelError) -> ValueID {
    let shape = b.shape(of: x)
    let (vector, count) = try axes.vector(&b)
    let rank = shape.count + count
    let extents = b.computedExtents("extent", [vector]) { graph in
      let isNew = graph.marks(graph.axes(0, count: count, rank: rank), rank: rank)
      var next = graph.integer(0)
      return isNew.map { isNew in
        let here = next
        next = graph.plus(next, graph.cast(graph.unary(.not, isNew), to: .i64))
        let old = shape.enumerated().reduce(graph.integer(-1)) { found, axis in
          graph.select(graph.compare(.equal, here, graph.integer(axis.offset)), graph.dim(axis.element), found)
        }
        return graph.select(isNew, graph.integer(1), old)
      }
    }
    return b.reshape(x, extents)
  }
}

/// Axes that an operator works on.
enum AxesArgument {
  case known([Int])
  /// An argument that only a call knows.
  case open(ValueID)

  /// The axes as a vector with its length.
  func vector(_ b: inout GraphBuilder) throws(ModelError) -> (value: ValueID, count: Int) {
    switch self {
    case .known(let axes): return (b.constant(.integers(axes)), axes.count)
    case .open(let argument):
      let vector = try b.integerVector(argument, "the axes")
      return (vector, b.shape(of: vector)[0].constant ?? 0)
    }
  }
}

/// Axes from an attribute or, from a version on, from argument 1.
func axesArgument(_ node: OperatorNode, since version: Int, _ b: GraphBuilder) throws(ModelError) -> AxesArgument? {
  if node.version < version { return try node.ints("axes").map { .known($0) } }
  guard let argument = node.optionalInput(1) else { return nil }
  if b.knownIntegers(argument) == nil { return .open(argument) }
  return .known(try b.requireConstantIntegers(argument, "the axes"))
}
