import Support
import TensorIR

/// A weighted sum of kernels of support vectors, or whether that is positive.
struct SVMRegressor: Operator {
  let name = OperatorName("SVMRegressor", domain: "ai.onnx.ml", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try b.featureRows(try node.input(0))
    guard let rho = try node.floats("rho")?.first else { throw .invalid("attribute 'rho' is missing") }
    let supports = try node.int("n_supports", default: 0)
    let coefficients = try node.floats("coefficients")
    var sums: ValueID
    if supports > 0 {
      let vectors = try b.featureTable(try node.floats("support_vectors"), rows: supports, x, "support_vectors")
      guard let coefficients, coefficients.count >= supports else {
        throw .invalid("attribute 'coefficients' has fewer than \(supports) elements")
      }
      let kernels = try b.kernel(try SVMKernel(node), x, vectors)
      let column = ConstantTensor(.f32, dims: [supports, 1], doubles: Array(coefficients.prefix(supports)))
      sums = try b.matrixProduct(kernels, b.constant(column), accumulator: .f32)
    } else {
      let row = try b.featureTable(coefficients, rows: 1, x, "coefficients")
      sums = try b.matrixProduct(x, b.transpose(b.constant(row), [1, 0]), accumulator: .f32)
    }
    sums = try b.addColumns(sums, [rho])
    if try node.flag("one_class") {
      sums = try b.elementwise([sums]) { graph, values in
        let isPositive = graph.compare(.greater, values[0], graph.number(0, .f32))
        return graph.select(isPositive, graph.number(1, .f32), graph.number(-1, .f32))
      }
    }
    return [try b.transformedTargets(sums, try node.postTransform())]
  }
}
