import Support
import TensorIR

/// Columns of the last axis picked by indices.
struct ArrayFeatureExtractor: Operator {
  let name = OperatorName("ArrayFeatureExtractor", domain: "ai.onnx.ml", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let given = try node.input(1)
    try b.require(given, "the indices", isOneOf: .i64)
    let type = b.type(of: x)
    guard let last = type.shape.last else { throw .invalid("the data is a scalar") }
    try b.checkIndices(given, extents: [last])
    let count = b.shape(of: given).product
    let indices = b.reshape(given, [count])
    let shape = type.rank == 1 ? [1, count] : Array(type.shape.dropLast()) + [count]
    var body = ScalarGraph()
    let before = (0..<type.rank - 1).map { body.axis($0) }
    let index = body.read(1, [body.axis(shape.count - 1)], type: .i64)
    body.results = [body.read(0, before + [body.wrappedIndex(index, extent: last)], type: type.element)]
    return [b.map(shape, body, [x, indices])]
  }
}
