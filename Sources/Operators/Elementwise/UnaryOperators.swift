import Support
import TensorIR

/// An element-wise operator of one argument.
struct UnaryOperator: Operator {
  let name: OperatorName
  /// Whether integer and `bool` elements are allowed.
  let takesIntegers: Bool
  let compute: @Sendable (inout ScalarGraph, ScalarID) -> ScalarID

  init(
    _ name: String, versions: [Int], takesIntegers: Bool = false,
    _ compute: @escaping @Sendable (inout ScalarGraph, ScalarID) -> ScalarID
  ) {
    self.name = OperatorName(name, versions: versions)
    self.takesIntegers = takesIntegers
    self.compute = compute
  }

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    if !takesIntegers { try b.requireFloat(x) }
    return [try b.elementwise([x]) { compute(&$0, $1[0]) }]
  }
}

/// Element-wise operators of one argument without attributes.
let unaryOperators: [any Operator] = [
  UnaryOperator("Abs", versions: [1, 6, 13], takesIntegers: true) { $0.unary(.abs, $1) },
  UnaryOperator("Acos", versions: [7, 22]) { $0.unary(.acos, $1) },
  UnaryOperator("Acosh", versions: [9, 22]) { $0.unary(.acosh, $1) },
  UnaryOperator("Asin", versions: [7, 22]) { $0.unary(.asin, $1) },
  UnaryOperator("Asinh", versions: [9, 22]) { $0.unary(.asinh, $1) },
  UnaryOperator("Atan", versions: [7, 22]) { $0.unary(.atan, $1) },
  UnaryOperator("Atanh", versions: [9, 22]) { $0.unary(.atanh, $1) },
  UnaryOperator("BitwiseNot", versions: [18], takesIntegers: true) { $0.unary(.not, $1) },
  UnaryOperator("Ceil", versions: [1, 6, 13]) { $0.unary(.ceil, $1) },
  UnaryOperator("Cos", versions: [7, 22]) { $0.unary(.cos, $1) },
  UnaryOperator("Cosh", versions: [9, 22]) { $0.unary(.cosh, $1) },
  UnaryOperator("Erf", versions: [9, 13], takesIntegers: true) { graph, x in
    let type = graph.type(of: x)
    if type.isFloat { return graph.unary(.erf, x) }
    let wide = graph.unary(.erf, graph.cast(x, to: .f64))
    return graph.cast(wide, to: type)
  },
  UnaryOperator("Exp", versions: [1, 6, 13]) { $0.unary(.exp, $1) },
  UnaryOperator("Floor", versions: [1, 6, 13]) { $0.unary(.floor, $1) },
  UnaryOperator("IsNaN", versions: [9, 13, 20]) { $0.compare(.notEqual, $1, $1) },
  UnaryOperator("Log", versions: [1, 6, 13]) { $0.unary(.log, $1) },
  UnaryOperator("Neg", versions: [1, 6, 13], takesIntegers: true) { $0.unary(.negate, $1) },
  UnaryOperator("Not", versions: [1], takesIntegers: true) { $0.unary(.not, $1) },
  UnaryOperator("Reciprocal", versions: [1, 6, 13]) { graph, x in
    graph.over(graph.number(1, graph.type(of: x)), x)
  },
  UnaryOperator("Relu", versions: [1, 6, 13, 14], takesIntegers: true) { graph, x in
    // The comparison is false for NaN, which passes through.
    let zero = graph.number(0, graph.type(of: x))
    return graph.binary(.max, zero, x)
  },
  UnaryOperator("Round", versions: [11, 22]) { $0.unary(.rint, $1) },
  UnaryOperator("Sigmoid", versions: [1, 6, 13]) { $0.unary(.sigmoid, $1) },
  UnaryOperator("Sign", versions: [9, 13], takesIntegers: true) { graph, x in
    let type = graph.type(of: x)
    let zero = graph.number(0, type)
    let one = graph.number(1, type)
    let positive = graph.compare(.greater, x, zero)
    guard !type.isUnsignedInteger else { return graph.select(positive, one, zero) }
    let negative = graph.compare(.less, x, zero)
    let below = graph.select(negative, graph.number(-1, type), type.isFloat ? x : zero)
    return graph.select(positive, one, below)
  },
  UnaryOperator("Sin", versions: [7, 22]) { $0.unary(.sin, $1) },
  UnaryOperator("Sinh", versions: [9, 22]) { $0.unary(.sinh, $1) },
  UnaryOperator("Softplus", versions: [1, 22]) { $0.softplus($1) },
  UnaryOperator("Softsign", versions: [1, 22]) { graph, x in
    let one = graph.number(1, graph.type(of: x))
    return graph.over(x, graph.plus(one, graph.unary(.abs, x)))
  },
  UnaryOperator("Sqrt", versions: [1, 6, 13]) { $0.unary(.sqrt, $1) },
  UnaryOperator("Tan", versions: [7, 22]) { $0.unary(.tan, $1) },
  UnaryOperator("Tanh", versions: [1, 6, 13]) { $0.unary(.tanh, $1) },
]
