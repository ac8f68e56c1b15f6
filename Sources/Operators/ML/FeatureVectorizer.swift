import Support
import TensorIR

/// Columns of several matrices side by side as `f32`.
struct FeatureVectorizer: Operator {
  let name = OperatorName("FeatureVectorizer", domain: "ai.onnx.ml", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    var parts: [ValueID] = []
    for input in try node.inputs() {
      let shape = b.shape(of: input)
      guard shape.count == 1 || shape.count == 2 else { throw .invalid("an argument has rank \(shape.count), not 1 or 2") }
      let matrix = shape.count == 2 ? input : b.reshape(input, [1] + shape)
      parts.append(try b.cast(matrix, to: .f32))
    }
    var start = Dim(0)
    var starts: [Dim] = []
    for part in parts {
      starts.append(start)
      start = start + b.shape(of: part)[1]
    }
    var body = ScalarGraph()
    var result = body.number(0, .f32)
    for (position, part) in parts.enumerated() {
      let column = body.minus(body.axis(1), body.dim(starts[position]))
      let value = body.read(position, [body.axis(0), body.clamped(column, extent: b.shape(of: part)[1])], type: .f32)
      result = body.select(body.compare(.less, column, body.integer(0)), result, value)
    }
    body.results = [result]
    return [b.map([b.shape(of: parts[0])[0], start], body, parts)]
  }
}
