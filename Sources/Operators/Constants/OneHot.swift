import Support
import TensorIR

/// A new axis that holds one value at an index and another elsewhere.
struct OneHot: Operator {
  let name = OperatorName("OneHot", versions: 9, 11, 28)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let indices = try node.input(0)
    let values = try node.input(2)
    let type = b.type(of: indices)
    let depth = try b.scalarExtent(try node.input(1), "the depth", as: "depth")
    try b.requireShape(values, [2], "argument 2")
    let axis = try normalizedAxis(try node.int("axis", default: -1), rank: type.rank + 1)
    var shape = type.shape
    shape.insert(depth, at: axis)
    var body = ScalarGraph()
    let position = body.axis(axis)
    let index = body.cast(
      body.read(0, shape.indices.filter { $0 != axis }.map { body.axis($0) }, type: type.element), to: .i64)
    let fromFront = body.select(body.compare(.less, index, body.integer(0)), body.plus(index, body.dim(depth)), index)
    let element = b.type(of: values).element
    let off = body.read(1, [body.integer(0)], type: element)
    let on = body.read(1, [body.integer(1)], type: element)
    body.results = [body.select(body.compare(.equal, fromFront, position), on, off)]
    return [b.map(shape, body, [indices, values])]
  }
}
