import Support
import TensorIR

/// Columns of several matrices side by side as `f32`, each cut or filled with zeros to the width that is asked for.
struct FeatureVectorizer: Operator {
  let name = OperatorName("FeatureVectorizer", domain: "ai.onnx.ml", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    var parts: [ValueID] = []
    let widths = try node.ints("inputdimensions")
    for (position, input) in try node.inputs().enumerated() {
      let shape = b.shape(of: input)
      guard !shape.isEmpty else { throw .invalid("argument \(position) is a scalar") }
      let rows = shape.count == 1 ? 1 : shape[0]
      let columns = shape.count == 1 ? shape[0] : Array(shape.dropFirst()).product
      let matrix = b.reshape(try b.cast(input, to: .f32), [rows, columns])
      guard let widths else {
        parts.append(matrix)
        continue
      }
      guard position < widths.count, widths[position] >= 0 else {
        throw .invalid("attribute 'inputdimensions' is \(widths), which does not fit argument \(position)")
      }
      parts.append(b.resized(matrix, columns: widths[position]))
    }
    return [b.concatenate(parts, axis: 1)]
  }
}

extension GraphBuilder {
  /// The first columns of a matrix, followed by zeros if it has too few.
  fileprivate mutating func resized(_ matrix: ValueID, columns: Int) -> ValueID {
    let type = type(of: matrix)
    if type.shape[1] == Dim(columns) { return matrix }
    var body = ScalarGraph()
    body.results = [
      body.read(0, [body.axis(0), body.axis(1)], outside: body.number(0, type.element), type: type.element)
    ]
    return map([type.shape[0], Dim(columns)], body, [matrix])
  }
}
