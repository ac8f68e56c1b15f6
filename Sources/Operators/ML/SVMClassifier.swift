import Support
import TensorIR

/// Classes by votes of a support vector machine for every pair of classes, or by linear functions.
///
/// What ONNX leaves open, such as the scores of two classes without probabilities, is as in ONNX Runtime.
struct SVMClassifier: Classifier {
  let name = OperatorName("SVMClassifier", domain: "ai.onnx.ml", versions: 1)

  func classify(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try b.featureRows(try node.input(0))
    let labels = try node.labels("classlabels_ints")
    let vectors = try node.ints("vectors_per_class") ?? []
    guard vectors.allSatisfy({ $0 >= 0 && $0 < 1 << 31 }) else {
      throw .invalid("attribute 'vectors_per_class' is \(vectors)")
    }
    if vectors.reduce(0, +) == 0 { return try linear(x, labels, node, &b) }
    guard vectors.count == labels.count, labels.count >= 2 else {
      throw .invalid("attribute 'vectors_per_class' has \(vectors.count) elements for \(labels.count) classes")
    }
    let pairs = ClassPairs(count: labels.count)
    let decisions = try decisions(x, vectors, pairs, node, &b)
    let votes = b.votes(decisions, pairs)
    let label = b.labelOfGreatest(votes, labels)
    let transform = try node.postTransform()
    if let first = try node.floats("prob_a"), !first.isEmpty {
      let probabilities = try b.classProbabilities(decisions, pairs, first, try node.floats("prob_b") ?? [])
      return [label, try b.transformed(probabilities, transform)]
    }
    if pairs.list.count > 1 { return [label, try b.transformed(decisions, transform)] }
    return [label, try b.binaryScores(decisions, transform)]
  }

  /// The sums that decide between two classes, for every pair: `[N, pairs]`.
  private func decisions(
    _ x: ValueID, _ vectors: [Int], _ pairs: ClassPairs, _ node: OperatorNode, _ b: inout GraphBuilder
  ) throws(ModelError) -> ValueID {
    let total = vectors.reduce(0, +)
    let table = try b.featureTable(try node.floats("support_vectors"), rows: total, x, "support_vectors")
    let kernels = try b.kernel(try SVMKernel(node), x, table)
    let coefficients = try node.floats("coefficients") ?? []
    guard coefficients.count >= (vectors.count - 1) * total else {
      throw .invalid("attribute 'coefficients' has \(coefficients.count) elements, not \((vectors.count - 1) * total)")
    }
    guard let rho = try node.floats("rho"), rho.count >= pairs.list.count else {
      throw .invalid("attribute 'rho' has fewer than \(pairs.list.count) elements")
    }
    var starts = [0]
    for count in vectors { starts.append(starts[starts.count - 1] + count) }
    var weights = [Double](repeating: 0, count: total * pairs.list.count)
    for (column, (first, second)) in pairs.list.enumerated() {
      for (own, other) in [(first, second - 1), (second, first)] {
        for vector in starts[own]..<starts[own + 1] {
          weights[vector * pairs.list.count + column] = coefficients[other * total + vector]
        }
      }
    }
    let matrix = b.constant(ConstantTensor(.f32, dims: [total, pairs.list.count], doubles: weights))
    let sums = try b.matrixProduct(kernels, matrix, accumulator: .f32)
    return try b.addColumns(sums, Array(rho.prefix(pairs.list.count)))
  }

  /// Without support vectors there is a linear function per class.
  private func linear(
    _ x: ValueID, _ labels: [Int], _ node: OperatorNode, _ b: inout GraphBuilder
  ) throws(ModelError) -> [ValueID] {
    let coefficients = try node.floats("coefficients")
    let table = try b.featureTable(coefficients, rows: labels.count, x, "coefficients")
    guard let rho = try node.floats("rho")?.first else { throw .invalid("attribute 'rho' is missing") }
    let product = try b.matrixProduct(x, b.transpose(b.constant(table), [1, 0]), accumulator: .f32)
    let scores = try b.addColumns(product, [Double](repeating: rho, count: labels.count))
    let transform = try node.postTransform()
    if labels.count == 1 {
      let label = b.labelOfGreatest(scores, labels)
      return [label, transform == .probit ? try b.transformed(scores, transform) : scores]
    }
    var label = b.labelOfGreatest(scores, labels)
    if labels.count == 2 {
      let isPositive = (coefficients ?? []).allSatisfy { $0 >= 0 }
      let greatest = b.reduceAxes(scores, [1], keepsAxes: false, .max)
      label = try b.elementwise([greatest, label]) { graph, values in
        let limit = graph.number(isPositive ? 0.5 : 0, .f32)
        let isAbove = graph.compare(isPositive ? .greaterOrEqual : .greater, values[0], limit)
        return graph.select(isAbove, graph.integer(labels[1]), values[1])
      }
    }
    return [label, try b.transformed(scores, transform)]
  }
}

/// All pairs of classes, the first before the second.
struct ClassPairs {
  let count: Int
  let list: [(first: Int, second: Int)]

  init(count: Int) {
    self.count = count
    list = (0..<count).flatMap { first in (first + 1..<count).map { (first, $0) } }
  }

  /// A constant with one integer per pair.
  func column(_ values: [Int]) -> ConstantTensor { ConstantTensor(.i32, dims: [values.count], integers: values) }
}

extension GraphBuilder {
  /// How many pairs decide for a class: `[N, classes]`.
  fileprivate mutating func votes(_ decisions: ValueID, _ pairs: ClassPairs) -> ValueID {
    let firsts = constant(pairs.column(pairs.list.map(\.first)))
    let seconds = constant(pairs.column(pairs.list.map(\.second)))
    var body = ScalarGraph()
    let pair = body.axis(2)
    let decision = body.read(0, [body.axis(0), pair], type: .f32)
    let winner = body.select(
      body.compare(.greater, decision, body.number(0, .f32)), body.read(1, [pair], type: .i32),
      body.read(2, [pair], type: .i32))
    let isOwn = body.compare(.equal, winner, body.cast(body.axis(1), to: .i32))
    body.results = [body.cast(isOwn, to: .i32)]
    return reduce(
      .sum, shape: [shape(of: decisions)[0], Dim(pairs.count)], reduced: [Dim(pairs.list.count)],
      operands: [decisions, firsts, seconds], body: body)[0]
  }

  /// The scores of two classes from one decision `[N, 1]`.
  fileprivate mutating func binaryScores(_ decision: ValueID, _ transform: PostTransform) throws(ModelError)
    -> ValueID
  {
    switch transform {
    case .none: return paired(decision) { ($0.negate($1), $1) }
    case .logistic: return paired(decision) { ($0.unary(.sigmoid, $0.negate($1)), $0.unary(.sigmoid, $1)) }
    case .softmax, .softmaxZero: return paired(decision) { ($0.minus($0.number(1, .f32), $1), $1) }
    case .probit:
      return try transformed(paired(decision) { ($0.minus($0.number(1, .f32), $1), $1) }, .probit)
    }
  }
}
