import Support
import TensorIR

/// Linear functions of the columns.
struct LinearRegressor: Operator {
  let name = OperatorName("LinearRegressor", domain: "ai.onnx.ml", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let targets = try node.int("targets", default: 1)
    let intercepts = try node.floats("intercepts") ?? []
    let scores = try b.linearScores(try node.input(0), node, rows: targets, intercepts)
    return [try b.transformed(scores, try node.postTransform())]
  }
}

/// The class with the greatest linear score.
struct LinearClassifier: Operator {
  let name = OperatorName("LinearClassifier", domain: "ai.onnx.ml", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let labels = try node.labels("classlabels_ints")
    let intercepts = try node.floats("intercepts") ?? [Double](repeating: 0, count: labels.count)
    let scores = try b.linearScores(try node.input(0), node, rows: intercepts.count, intercepts)
    let transform = try node.postTransform()
    if intercepts.count == 1, labels.count == 2 {
      let label = b.label(scores, column: 0, above: 0, labels[1], labels[0])
      let single = transform == .logistic ? try b.transformed(scores, .logistic) : scores
      return [label, b.paired(single) { ($0.minus($0.number(1, .f32), $1), $1) }]
    }
    guard intercepts.count == labels.count else {
      throw .invalid("there are \(labels.count) labels, but \(intercepts.count) intercepts")
    }
    return [b.labelOfGreatest(scores, labels), try b.transformed(scores, transform)]
  }
}

extension GraphBuilder {
  /// `x * coefficients' + intercepts` as `f32`, with `rows` rows of coefficients.
  fileprivate mutating func linearScores(
    _ given: ValueID, _ node: OperatorNode, rows: Int, _ intercepts: [Double]
  ) throws(ModelError) -> ValueID {
    let cast = try cast(given, to: .f32)
    let x = shape(of: cast).count == 1 ? reshape(cast, [1] + shape(of: cast)) : cast
    guard shape(of: x).count == 2 else { throw .invalid("the data has rank \(shape(of: x).count), not 2") }
    guard let coefficients = try node.floats("coefficients"), !coefficients.isEmpty else {
      throw .invalid("attribute 'coefficients' is missing")
    }
    guard rows > 0, coefficients.count % rows == 0 else {
      throw .invalid("\(coefficients.count) coefficients are not \(rows) equal rows")
    }
    guard intercepts.isEmpty || intercepts.count == rows else {
      throw .invalid("attribute 'intercepts' has \(intercepts.count) elements, not \(rows)")
    }
    let columns = coefficients.count / rows
    let table = constant(ConstantTensor(.f32, dims: [rows, columns], doubles: coefficients))
    let product = try matrixProduct(x, transpose(table, [1, 0]), accumulator: .f32)
    return intercepts.isEmpty ? product : try addColumns(product, intercepts)
  }
}
