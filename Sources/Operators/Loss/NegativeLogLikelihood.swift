import Support
import TensorIR

/// The weighted mean, sum or list of negated probabilities of target classes.
struct NegativeLogLikelihoodLoss: Operator {
  let name = OperatorName("NegativeLogLikelihoodLoss", versions: 12, 13, 22)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    [try b.likelihoodLoss(try node.input(0), node)]
  }
}

/// Softmax, logarithm and negative log likelihood in one.
struct SoftmaxCrossEntropyLoss: Operator {
  let name = OperatorName("SoftmaxCrossEntropyLoss", versions: 12, 13)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let scores = try node.input(0)
    try b.requireFloat(scores)
    guard b.shape(of: scores).count >= 2 else { throw .invalid("the scores must have rank 2 or more") }
    let logarithms = try b.logSoftmax(scores, [1])
    return [try b.likelihoodLoss(logarithms, node), logarithms]
  }
}

extension GraphBuilder {
  fileprivate mutating func likelihoodLoss(_ x: ValueID, _ node: OperatorNode) throws(ModelError) -> ValueID {
    let target = try node.input(1)
    let weights = node.optionalInput(2)
    let ignored = try node.int("ignore_index")
    let reduction = try node.string("reduction", default: "mean")
    guard ["none", "sum", "mean"].contains(reduction) else { throw .invalid("attribute 'reduction' is '\(reduction)'") }
    let type = type(of: x)
    let targetType = self.type(of: target)
    guard type.rank >= 2, targetType.rank == type.rank - 1 else {
      throw .invalid("scores of shape \(type.shape) and targets of shape \(targetType.shape) do not fit")
    }
    try requireShape(target, [type.shape[0]] + type.shape.dropFirst(2), "the target")
    if let weights { try requireShape(weights, [type.shape[1]], "the weight") }
    func isIgnored(_ index: ScalarID, _ graph: inout ScalarGraph) -> ScalarID? {
      ignored.map { graph.compare(.equal, index, graph.integer($0)) }
    }
    var weightBody = ScalarGraph()
    let here = targetType.shape.indices.map { weightBody.axis($0) }
    let index = weightBody.cast(weightBody.read(0, here, type: targetType.element), to: .i64)
    var weight = weightBody.number(1, type.element)
    if let weights {
      weight = weightBody.read(1, [weightBody.clamped(index, extent: shape(of: weights)[0])], type: type.element)
    }
    if let condition = isIgnored(index, &weightBody) {
      weight = weightBody.select(condition, weightBody.number(0, type.element), weight)
    }
    weightBody.results = [weight]
    var classes = ScalarGraph()
    let place = targetType.shape.indices.map { classes.axis($0) }
    let given = classes.cast(classes.read(0, place, type: targetType.element), to: .i64)
    classes.results = [isIgnored(given, &classes).map { classes.select($0, classes.integer(0), given) } ?? given]
    try checkIndices(map(targetType.shape, classes, [target]), extents: [type.shape[1]], allowsNegative: false)
    let factors = map(targetType.shape, weightBody, [target] + (weights.map { [$0] } ?? []))
    var body = ScalarGraph()
    let axes = targetType.shape.indices.map { body.axis($0) }
    let picked = body.cast(body.read(1, axes, type: targetType.element), to: .i64)
    let position = [axes[0], body.clamped(picked, extent: type.shape[1])] + axes.dropFirst()
    let term = body.negate(body.read(0, position, type: type.element))
    let factor = body.read(2, axes, type: type.element)
    let weighted = body.times(factor, term)
    let isZero = body.compare(.equal, factor, body.number(0, type.element))
    body.results = [body.select(isZero, body.number(0, type.element), weighted)]
    let losses = map(targetType.shape, body, [x, target, factors])
    if reduction == "none" { return losses }
    let all = Array(targetType.shape.indices)
    let sum = reduceAxes(losses, all, keepsAxes: false, .sum)
    if reduction == "sum" { return sum }
    let total = reduceAxes(factors, all, keepsAxes: false, .sum)
    return try elementwise([sum, total]) { $0.over($1[0], $1[1]) }
  }
}
