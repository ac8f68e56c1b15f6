import Support
import TensorIR

/// The Gaussian error linear unit, exact or through tanh.
struct Gelu: Operator {
  let name = OperatorName("Gelu", versions: 20)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    try b.requireFloat(x)
    let mode = try node.string("approximate", default: "none")
    guard mode == "none" || mode == "tanh" else { throw .invalid("attribute 'approximate' is '\(mode)'") }
    return [try b.elementwise([x]) { mode == "tanh" ? $0.tanhGelu($1[0]) : $0.gelu($1[0]) }]
  }
}

extension ScalarGraph {
  /// `x / 2 * (1 + erf(x / sqrt(2)))`.
  mutating func gelu(_ x: ScalarID) -> ScalarID {
    let type = type(of: x)
    let share = plus(number(1, type), unary(.erf, affineNumber(x, 0.70710678118654752, 0)))
    return times(affineNumber(x, 0.5, 0), share)
  }

  /// `x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))`.
  mutating func tanhGelu(_ x: ScalarID) -> ScalarID {
    let type = type(of: x)
    let cubed = times(times(x, x), x)
    let inner = affineNumber(plus(x, affineNumber(cubed, 0.044715, 0)), 0.79788456080286536, 0)
    return times(affineNumber(x, 0.5, 0), plus(number(1, type), unary(.tanh, inner)))
  }
}
