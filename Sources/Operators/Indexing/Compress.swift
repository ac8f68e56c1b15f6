import Support
import TensorIR

/// Slices where a condition holds.
struct Compress: Operator {
  let name = OperatorName("Compress", versions: 9, 11, 28)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let given = try node.input(0)
    let condition = try node.input(1)
    try b.require(condition, "the condition", isOneOf: .bool)
    var x = given
    var axis = 0
    if let attribute = try node.int("axis") {
      axis = try normalizedAxis(attribute, rank: b.shape(of: x).count)
    } else {
      x = b.reshape(x, [b.shape(of: x).product])
    }
    let type = b.type(of: x)
    guard let known = b.knownIntegers(condition)?.constants else {
      let length = b.shape(of: condition)
      guard length.count == 1 else { throw .invalid("the condition has shape \(length)") }
      b.assume([DimFact(length[0], .atMost, type.shape[axis])])
      let (positions, count) = b.positions(in: length, "compress", [condition]) { graph in
        let here = graph.axis(0)
        return graph.read(0, [here], type: .bool)
      }
      return [b.pick(x, positions, count, axis: axis)]
    }
    let picked = known.indices.filter { known[$0] != 0 }
    if let last = picked.last, let extent = type.shape[axis].constant, last >= extent {
      throw .invalid("the condition picks position \(last) of \(extent)")
    }
    let positions = b.constant(.integers(picked))
    return [b.pick(x, positions, Dim(picked.count), axis: axis)]
  }
}

extension GraphBuilder {
  /// The slices at the first `count` of the given positions along an axis.
  mutating func pick(_ x: ValueID, _ positions: ValueID, _ count: Dim, axis: Int) -> ValueID {
    let type = type(of: x)
    var shape = type.shape
    shape[axis] = count
    var body = ScalarGraph()
    var indices = shape.indices.map { body.axis($0) }
    indices[axis] = body.clamped(body.read(1, [indices[axis]], type: .i64), extent: type.shape[axis])
    body.results = [body.read(0, indices, type: type.element)]
    return map(shape, body, [x, positions])
  }
}
