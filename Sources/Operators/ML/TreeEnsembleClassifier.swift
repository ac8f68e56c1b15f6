import Support
import TensorIR

/// Classes from the leaves that a row reaches in every tree.
///
/// Two classes with weights for one of them only are scored as ONNX Runtime does, which ONNX leaves open.
struct TreeEnsembleClassifier: Classifier {
  let name = OperatorName("TreeEnsembleClassifier", domain: "ai.onnx.ml", versions: 1, 3, 5)

  func classify(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let labels = try node.labels("classlabels_int64s")
    let forest = try node.forest(weights: "class", targets: labels.count)
    let element = b.type(of: x).element.precise
    let transform = try node.postTransform()
    let base = try node.numbers("base_values") ?? []
    guard base.isEmpty || base.count == labels.count || (base.count == 1 && labels.count == 2) else {
      throw .invalid("attribute 'base_values' has \(base.count) elements for \(labels.count) classes")
    }
    let sums = try b.evaluate(forest, x, .sum, element)
    if labels.count == 2, forest.weightedTargets.count <= 1 {
      return try binary(sums, forest, labels, base.last ?? 0, transform, &b)
    }
    let scores = try b.addColumns(sums, base.count == labels.count ? base : base + [0])
    let label = labels.count == 2
      ? b.label(scores, column: 1, above: 0, labels[1], labels[0]) : b.labelOfGreatest(scores, labels)
    return [label, try b.cast(try b.transformed(scores, transform), to: .f32)]
  }

  private func binary(
    _ sums: ValueID, _ forest: Forest, _ labels: [Int], _ base: Double, _ transform: PostTransform,
    _ b: inout GraphBuilder
  ) throws(ModelError) -> [ValueID] {
    let element = b.type(of: sums).element
    let isProbability = forest.weights.allSatisfy { $0.value >= 0 }
    let limit = isProbability ? 0.5 : 0
    if forest.weightedTargets == [1] {
      // The sums are the scores of both classes, and the base value is that of class 0, which has none.
      let label = b.label(sums, column: 1, above: limit, labels[1], labels[0])
      return [label, try b.cast(try b.transformed(sums, transform), to: .f32)]
    }
    var body = ScalarGraph()
    let sum = body.read(0, [body.axis(0), body.integer(0)], type: element)
    body.results = [body.plus(sum, body.number(base, element))]
    let score = b.map([b.shape(of: sums)[0], 1], body, [sums])
    let label = b.label(score, column: 0, above: limit, labels[1], labels[0])
    let scores = b.paired(score) { graph, value in
      if transform == .logistic { return (graph.unary(.sigmoid, graph.negate(value)), graph.unary(.sigmoid, value)) }
      if isProbability || transform == .probit { return (graph.minus(graph.number(1, element), value), value) }
      return (graph.negate(value), value)
    }
    return [label, try b.cast(transform == .probit ? try b.transformed(scores, .probit) : scores, to: .f32)]
  }
}
