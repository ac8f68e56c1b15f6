import Support
import TensorIR

/// Rows of scores as maps from labels to scores.
struct ZipMap: ContainerOperator {
  let name = OperatorName("ZipMap", domain: "ai.onnx.ml", versions: 1)

  func buildValues(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ImportedValue] {
    let x = try node.input(0)
    let labels: ImportedValue
    let count: Int
    if let strings = try node.byteStrings("classlabels_strings"), !strings.isEmpty {
      (labels, count) = (.strings(b.strings(strings)), strings.count)
    } else if let integers = try node.ints("classlabels_int64s") {
      (labels, count) = (.tensor(b.constant(.integers(integers))), integers.count)
    } else {
      throw .invalid("attribute 'classlabels_int64s' or 'classlabels_strings' is missing")
    }
    let shape = b.shape(of: x)
    let message = "scores of shape \(shape) do not fit \(count) labels"
    guard shape.count == 1 || shape.count == 2 else { throw .invalid(message) }
    try b.requireEqual(shape[shape.count - 1], Dim(count), message)
    let rows = b.reshape(x, shape.count == 2 ? shape : [1] + shape)
    return [.maps(keys: labels, values: rows)]
  }
}
