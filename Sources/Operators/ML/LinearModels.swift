import Support
import TensorIR

/// Linear functions of the columns.
struct LinearRegressor: Operator {
  let name = OperatorName("LinearRegressor", domain: "ai.onnx.ml", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let targets = try node.int("targets", default: 1)
    let intercepts = try node.floats("intercepts") ?? []
    let scores = try b.linearScores(try node.input(0), node, rows: targets, intercepts)
    return [try b.transformedTargets(scores, try node.postTransform())]
  }
}

/// The class with the greatest linear score.
///
/// One function decides between two classes, or between 1 and 0 without labels; its scores are as in ONNX Runtime.
struct LinearClassifier: Classifier {
  let name = OperatorName("LinearClassifier", domain: "ai.onnx.ml", versions: 1)

  func classify(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let hasLabels = node.has("classlabels_ints") || node.has("classlabels_strings")
    let labels = hasLabels ? try node.labels("classlabels_ints") : []
    let intercepts = try node.floats("intercepts") ?? []
    let coefficients = try node.floats("coefficients") ?? []
    let isSingle = labels.count == 2 && coefficients.count == b.shape(of: x).last?.constant
    let rows = intercepts.isEmpty ? (isSingle ? 1 : max(labels.count, 1)) : intercepts.count
    let scores = try b.linearScores(x, node, rows: rows, intercepts)
    let transform = try node.postTransform()
    if labels.isEmpty, rows == 1 {
      return [
        b.label(scores, column: 0, above: 0, 1, 0), transform == .probit ? try b.transformed(scores, .probit) : scores,
      ]
    }
    if rows == 1, labels.count == 2 {
      let label = b.label(scores, column: 0, above: 0, labels[1], labels[0])
      let single = transform == .logistic ? try b.transformed(scores, .logistic) : scores
      let both = b.paired(single) { ($0.minus($0.number(1, .f32), $1), $1) }
      return [label, transform == .probit ? try b.transformed(both, .probit) : both]
    }
    guard rows == labels.count else { throw .invalid("there are \(labels.count) labels, but \(rows) intercepts") }
    return [b.labelOfGreatest(scores, labels), try b.transformed(scores, transform)]
  }
}

extension GraphBuilder {
  /// `x * coefficients' + intercepts` as `f32`, with `rows` rows of coefficients.
  fileprivate mutating func linearScores(
    _ given: ValueID, _ node: OperatorNode, rows: Int, _ intercepts: [Double]
  ) throws(ModelError) -> ValueID {
    let x = try featureRows(given)
    let coefficients = try featureTable(try node.floats("coefficients"), rows: rows, x, "coefficients")
    let table = constant(coefficients)
    guard intercepts.isEmpty || intercepts.count == rows else {
      throw .invalid("attribute 'intercepts' has \(intercepts.count) elements, not \(rows)")
    }
    let product = try matrixProduct(x, transpose(table, [1, 0]), accumulator: .f32)
    return intercepts.isEmpty ? product : try addColumns(product, intercepts)
  }
}
