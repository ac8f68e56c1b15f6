import Support
import TensorIR

/// Normalization by the squares of neighbouring channels.
struct LRN: Operator {
  let name = OperatorName("LRN", versions: 1, 13)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    try b.requireFloat(x)
    let type = b.type(of: x)
    guard type.rank >= 2 else { throw .invalid("the data has rank \(type.rank); at least 2 is needed") }
    guard let size = try node.int("size"), size > 0 else { throw .invalid("attribute 'size' must be positive") }
    let alpha = try node.float("alpha", default: 1e-4)
    let beta = try node.float("beta", default: 0.75)
    let bias = try node.float("bias", default: 1)
    var body = ScalarGraph()
    var indices = type.shape.indices.map { body.axis($0) }
    let neighbour = body.plus(indices[1], body.axis(type.rank))
    indices[1] = body.affine(neighbour, scale: 1, offset: Dim(-((size - 1) / 2)))
    let value = body.read(0, indices, outside: body.number(0, type.element), type: type.element)
    body.results = [body.times(value, value)]
    let squares = b.reduce(.sum, shape: type.shape, reduced: [Dim(size)], operands: [x], body: body)[0]
    return [
      try b.elementwise([x, squares]) { graph, values in
        let base = graph.affineNumber(values[1], alpha / Double(size), bias)
        return graph.over(values[0], graph.binary(.power, base, graph.number(beta, type.element)))
      }
    ]
  }
}
