import Support
import TensorIR

/// An element-wise operator of arguments that broadcast against each other.
struct BinaryOperator: Operator {
  let name: OperatorName
  /// Whether more or fewer than two arguments are combined from the left.
  let isVariadic: Bool
  let compute: @Sendable (inout ScalarGraph, ScalarID, ScalarID) -> ScalarID

  init(
    _ name: String, versions: [Int], isVariadic: Bool = false,
    _ compute: @escaping @Sendable (inout ScalarGraph, ScalarID, ScalarID) -> ScalarID
  ) {
    self.name = OperatorName(name, versions: versions)
    self.isVariadic = isVariadic
    self.compute = compute
  }

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    var operands = isVariadic ? try node.inputs() : [try node.input(0), try node.input(1)]
    try b.requireSameType(operands)
    if !isVariadic { operands[1] = try b.alignedLegacy(operands, node) }
    return [
      try b.elementwise(operands) { graph, values in
        values.dropFirst().reduce(values[0]) { compute(&graph, $0, $1) }
      }
    ]
  }
}

extension GraphBuilder {
  /// The second of two arguments arranged to broadcast with the first: before operator set 7 it does so only on request,
  /// from an axis on.
  mutating func alignedLegacy(_ operands: [ValueID], _ node: OperatorNode) throws(ModelError) -> ValueID {
    guard node.version < 7, try node.flag("broadcast"), let axis = try node.int("axis") else { return operands[1] }
    let rank = shape(of: operands[0]).count
    let shape = shape(of: operands[1])
    let first = try normalizedAxis(axis, rank: rank)
    guard first + shape.count <= rank else { throw .invalid("axis \(axis) leaves no room for shape \(shape)") }
    return reshape(operands[1], shape + [Dim](repeating: 1, count: rank - first - shape.count))
  }
}

/// Floats give NaN if either operand is NaN; `min` and `max` of Tensor IR give the second operand then.
private func extreme(_ op: ScalarBinary) -> @Sendable (inout ScalarGraph, ScalarID, ScalarID) -> ScalarID {
  { graph, a, b in
    let result = graph.binary(op, a, b)
    guard graph.type(of: a).isFloat else { return result }
    return graph.select(graph.compare(.notEqual, a, a), a, result)
  }
}

/// Integer division truncates; a zero divisor, which ONNX leaves open, counts as one.
private func quotient(_ graph: inout ScalarGraph, _ a: ScalarID, _ b: ScalarID) -> ScalarID {
  let type = graph.type(of: a)
  guard type.isInteger else { return graph.over(a, b) }
  return graph.over(a, graph.nonZeroDivisor(b))
}

extension ScalarGraph {
  /// An integer divisor with 0 replaced by 1, and -1 applied to the least integer avoided by the caller's type.
  mutating func nonZeroDivisor(_ divisor: ScalarID) -> ScalarID {
    if let known = integerValue(divisor), known != 0 { return divisor }
    let type = type(of: divisor)
    return select(compare(.equal, divisor, integer(0, type)), integer(1, type), divisor)
  }
}

/// Element-wise operators of two or more arguments without attributes.
let binaryOperators: [any Operator] = [
  BinaryOperator("Add", versions: [1, 6, 7, 13, 14]) { $0.plus($1, $2) },
  BinaryOperator("And", versions: [1, 7]) { $0.binary(.and, $1, $2) },
  BinaryOperator("BitwiseAnd", versions: [18]) { $0.binary(.and, $1, $2) },
  BinaryOperator("BitwiseOr", versions: [18]) { $0.binary(.or, $1, $2) },
  BinaryOperator("BitwiseXor", versions: [18]) { $0.binary(.xor, $1, $2) },
  BinaryOperator("Div", versions: [1, 6, 7, 13, 14], quotient),
  BinaryOperator("Equal", versions: [1, 7, 11, 13, 19]) { $0.compare(.equal, $1, $2) },
  BinaryOperator("Greater", versions: [1, 7, 9, 13]) { $0.compare(.greater, $1, $2) },
  BinaryOperator("GreaterOrEqual", versions: [12, 16]) { $0.compare(.greaterOrEqual, $1, $2) },
  BinaryOperator("Less", versions: [1, 7, 9, 13]) { $0.compare(.less, $1, $2) },
  BinaryOperator("LessOrEqual", versions: [12, 16]) { $0.compare(.lessOrEqual, $1, $2) },
  BinaryOperator("Max", versions: [1, 6, 8, 12, 13], isVariadic: true, extreme(.max)),
  BinaryOperator("Min", versions: [1, 6, 8, 12, 13], isVariadic: true, extreme(.min)),
  BinaryOperator("Mul", versions: [1, 6, 7, 13, 14]) { $0.times($1, $2) },
  BinaryOperator("Or", versions: [1, 7]) { $0.binary(.or, $1, $2) },
  BinaryOperator("Sub", versions: [1, 6, 7, 13, 14]) { $0.minus($1, $2) },
  BinaryOperator("Sum", versions: [1, 6, 8, 13], isVariadic: true) { $0.plus($1, $2) },
  BinaryOperator("Xor", versions: [1, 7]) { $0.binary(.xor, $1, $2) },
]
