import Support
import TensorIR

/// Euclidean distances, or their squares, of all rows of two matrices.
struct CDist: Operator {
  let name = OperatorName("CDist", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let operands = [try node.input(0), try node.input(1)]
    try b.requireFloat(operands[0])
    try b.requireSameType(operands)
    let metric = try node.string("metric", default: "sqeuclidean")
    guard metric == "euclidean" || metric == "sqeuclidean" else {
      throw .unsupported("attribute 'metric' is '\(metric)'; euclidean and sqeuclidean are supported")
    }
    let shapes = operands.map { b.shape(of: $0) }
    guard shapes.allSatisfy({ $0.count == 2 }) else { throw .invalid("an argument is no matrix") }
    try b.requireEqual(shapes[0][1], shapes[1][1], "the lengths of rows")
    let element = b.type(of: operands[0]).element
    var body = ScalarGraph()
    let position = body.axis(2)
    let difference = body.minus(
      body.read(0, [body.axis(0), position], type: element), body.read(1, [body.axis(1), position], type: element))
    body.results = [body.times(difference, difference)]
    return b.reduce(
      .sum, shape: [shapes[0][0], shapes[1][0]], reduced: [shapes[0][1]], operands: operands, body: body
    ) { graph, sums in metric == "euclidean" ? [graph.unary(.sqrt, sums[0])] : sums }
  }
}
