import Support
import TensorIR

/// Rows of scores as maps from labels to scores.
struct ZipMap: ContainerOperator {
  let name = OperatorName("ZipMap", domain: "ai.onnx.ml", versions: 1)

  func buildValues(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ImportedValue] {
    let x = try node.input(0)
    guard let labels = try node.ints("classlabels_int64s") else {
      throw .unsupported("labels that are strings are not supported", hint: "export the model with zipmap=False")
    }
    let shape = b.shape(of: x)
    guard shape.count == 1 || shape.count == 2, shape[shape.count - 1] == Dim(labels.count) else {
      throw .invalid("scores of shape \(shape) do not fit \(labels.count) labels")
    }
    let rows = b.reshape(x, shape.count == 2 ? shape : [1] + shape)
    return [.maps(keys: b.constant(.integers(labels)), values: rows)]
  }
}
