import Support
import TensorIR

/// An element-wise function with numbers as attributes.
struct ActivationOperator: Operator {
  let name: OperatorName
  /// Names and default values of the attributes.
  let attributes: [(name: String, value: Double)]
  let takesIntegers: Bool
  let compute: @Sendable (inout ScalarGraph, ScalarID, [Double]) -> ScalarID

  init(
    _ name: String, versions: [Int], _ attributes: [(name: String, value: Double)] = [], takesIntegers: Bool = false,
    _ compute: @escaping @Sendable (inout ScalarGraph, ScalarID, [Double]) -> ScalarID
  ) {
    self.name = OperatorName(name, versions: versions)
    self.attributes = attributes
    self.takesIntegers = takesIntegers
    self.compute = compute
  }

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    if !takesIntegers { try b.requireFloat(x) }
    var numbers: [Double] = []
    for attribute in attributes { numbers.append(try node.float(attribute.name, default: attribute.value)) }
    return [try b.elementwise([x]) { compute(&$0, $1[0], numbers) }]
  }
}

/// Activation functions of one argument.
let activationOperators: [any Operator] = [
  ActivationOperator("Affine", versions: [1], [("alpha", 1), ("beta", 0)]) { $0.affineNumber($1, $2[0], $2[1]) },
  ActivationOperator("Celu", versions: [12, 28], [("alpha", 1)]) { graph, x, numbers in
    let type = graph.type(of: x)
    let (zero, alpha) = (graph.number(0, type), graph.number(numbers[0], type))
    let decay = graph.times(alpha, graph.unary(.expm1, graph.over(x, alpha)))
    return graph.plus(graph.binary(.max, zero, x), graph.binary(.min, zero, decay))
  },
  ActivationOperator("Elu", versions: [1, 6, 22], [("alpha", 1)]) { $0.elu($1, alpha: $2[0]) },
  ActivationOperator("HardSigmoid", versions: [1, 6, 22], [("alpha", 0.2), ("beta", 0.5)]) {
    $0.hardSigmoid($1, alpha: $2[0], beta: $2[1])
  },
  ActivationOperator("HardSwish", versions: [14, 22]) { graph, x, _ in
    graph.times(x, graph.hardSigmoid(x, alpha: 1 / 6, beta: 0.5))
  },
  ActivationOperator("LeakyRelu", versions: [1, 6, 16], [("alpha", 0.01)]) { $0.leakyRelu($1, alpha: $2[0]) },
  ActivationOperator("Mish", versions: [18, 22]) { graph, x, _ in
    graph.times(x, graph.unary(.tanh, graph.softplus(x)))
  },
  ActivationOperator("ParametricSoftplus", versions: [1], [("alpha", 1), ("beta", 1)]) { graph, x, numbers in
    graph.affineNumber(graph.softplus(graph.affineNumber(x, numbers[1], 0)), numbers[0], 0)
  },
  ActivationOperator("ScaledTanh", versions: [1], [("alpha", 1), ("beta", 1)]) { graph, x, numbers in
    graph.affineNumber(graph.unary(.tanh, graph.affineNumber(x, numbers[1], 0)), numbers[0], 0)
  },
  ActivationOperator(
    "Selu", versions: [1, 6, 22], [("alpha", 1.67326319217681884765625), ("gamma", 1.05070102214813232421875)]
  ) {
    graph, x, numbers in
    graph.times(graph.number(numbers[1], graph.type(of: x)), graph.elu(x, alpha: numbers[0]))
  },
  ActivationOperator("Shrink", versions: [9], [("lambd", 0.5), ("bias", 0)], takesIntegers: true) { graph, x, numbers in
    let type = graph.type(of: x)
    let wide = type.isFloat ? x : graph.cast(x, to: .f64)
    let wideType = graph.type(of: wide)
    let (limit, bias) = (graph.number(numbers[0], wideType), graph.number(numbers[1], wideType))
    let above = graph.select(graph.compare(.greater, wide, limit), graph.minus(wide, bias), graph.number(0, wideType))
    let below = graph.compare(.less, wide, graph.number(-numbers[0], wideType))
    return graph.cast(graph.select(below, graph.plus(wide, bias), above), to: type)
  },
  ActivationOperator("Swish", versions: [24], [("alpha", 1)]) { graph, x, numbers in
    graph.times(x, graph.unary(.sigmoid, graph.affineNumber(x, numbers[0], 0)))
  },
  ActivationOperator("ThresholdedRelu", versions: [10, 22], [("alpha", 1)]) { graph, x, numbers in
    let type = graph.type(of: x)
    return graph.select(graph.compare(.greater, x, graph.number(numbers[0], type)), x, graph.number(0, type))
  },
]

extension ScalarGraph {
  /// `x * scale + offset`.
  mutating func affineNumber(_ x: ScalarID, _ scale: Double, _ offset: Double) -> ScalarID {
    let type = type(of: x)
    let scaled = scale == 1 ? x : times(x, number(scale, type))
    return offset == 0 ? scaled : plus(scaled, number(offset, type))
  }

  /// The exponential linear unit.
  mutating func elu(_ x: ScalarID, alpha: Double) -> ScalarID {
    let type = type(of: x)
    let decay = affineNumber(unary(.expm1, x), alpha, 0)
    return select(compare(.less, x, number(0, type)), decay, x)
  }

  /// The argument, scaled by `alpha` where it is negative.
  mutating func leakyRelu(_ x: ScalarID, alpha: Double) -> ScalarID {
    select(compare(.less, x, number(0, type(of: x))), affineNumber(x, alpha, 0), x)
  }

  /// `alpha * x + beta`, limited to 0 ... 1.
  mutating func hardSigmoid(_ x: ScalarID, alpha: Double, beta: Double) -> ScalarID {
    let type = type(of: x)
    let line = affineNumber(x, alpha, beta)
    return binary(.max, number(0, type), binary(.min, number(1, type), line))
  }

  /// `log(1 + exp(x))` as `max(x, 0) + log1p(exp(-|x|))`, which does not overflow.
  mutating func softplus(_ x: ScalarID) -> ScalarID {
    let decay = unary(.exp, negate(unary(.abs, x)))
    return plus(binary(.max, number(0, type(of: x)), x), unary(.log1p, decay))
  }
}
