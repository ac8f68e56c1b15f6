import Support
import TensorIR

/// Slices where a condition holds that is known at compile time.
struct Compress: Operator {
  let name = OperatorName("Compress", versions: 9, 11, 28)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let given = try node.input(0)
    let condition = try node.input(1)
    try b.require(condition, "the condition", isOneOf: .bool)
    guard let known = b.knownIntegers(condition)?.constants else {
      throw .unsupported(
        "the size of the result depends on a condition that is computed at run time", hint: "make it a constant")
    }
    var x = given
    var axis = 0
    if let attribute = try node.int("axis") {
      axis = try normalizedAxis(attribute, rank: b.shape(of: x).count)
    } else {
      x = b.reshape(x, [b.shape(of: x).product])
    }
    let type = b.type(of: x)
    let picked = known.indices.filter { known[$0] != 0 }
    if let last = picked.last, let extent = type.shape[axis].constant, last >= extent {
      throw .invalid("the condition picks position \(last) of \(extent)")
    }
    let positions = b.constant(.integers(picked))
    var shape = type.shape
    shape[axis] = Dim(picked.count)
    var body = ScalarGraph()
    var indices = shape.indices.map { body.axis($0) }
    indices[axis] = body.clamped(body.read(1, [indices[axis]], type: .i64), extent: type.shape[axis])
    body.results = [body.read(0, indices, type: type.element)]
    return [b.map(shape, body, [x, positions])]
  }
}
