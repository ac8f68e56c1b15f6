import Support
import TensorIR

/// Layer normalization of a sum, or, simplified, division by its root mean square.
struct SkipNormalization: Operator {
  let name: OperatorName
  let isSimplified: Bool

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    try b.requireFloat(x)
    let bias = node.optionalInput(isSimplified ? 3 : 4)
    let operands = [x, try node.input(1)] + (bias.map { [$0] } ?? [])
    try b.requireSameType(operands)
    let sum = try b.elementwise(operands) { graph, values in
      values.dropFirst().reduce(values[0]) { graph.plus($0, $1) }
    }
    let type = b.type(of: sum)
    guard type.rank >= 1 else { throw .invalid("the argument is a scalar") }
    let axes = [type.rank - 1]
    let epsilon = try node.float("epsilon", default: 1e-12)
    let stash = type.element.precise
    let scale = try node.input(2)
    if isSimplified {
      let (value, inverse) = try b.divideByRootMeanSquare(sum, axes, epsilon: epsilon, stash: stash)
      return [try b.scaleAndShift(try b.cast(value, to: type.element), scale, nil), inverse, inverse, sum]
    }
    let normal = try b.standardize(sum, axes, epsilon: epsilon, stash: stash)
    let rounded = try b.cast(normal.value, to: type.element)
    return [try b.scaleAndShift(rounded, scale, node.optionalInput(3)), normal.mean, normal.scale, sum]
  }
}

/// Normalizations of ONNX Runtime.
let microsoftNormalizations: [any Operator] = [
  MicrosoftGroupNorm(name: OperatorName("GroupNorm", domain: "com.microsoft", versions: 1), hasSkip: false),
  MicrosoftGroupNorm(name: OperatorName("SkipGroupNorm", domain: "com.microsoft", versions: 1), hasSkip: true),
  RMSNormalization(name: OperatorName("SimplifiedLayerNormalization", versions: 1)),
  RMSNormalization(name: OperatorName("SimplifiedLayerNormalization", domain: "com.microsoft", versions: 1)),
  SkipNormalization(
    name: OperatorName("SkipLayerNormalization", domain: "com.microsoft", versions: 1), isSimplified: false),
  SkipNormalization(
    name: OperatorName("SkipSimplifiedLayerNormalization", domain: "com.microsoft", versions: 1), isSimplified: true),
]
