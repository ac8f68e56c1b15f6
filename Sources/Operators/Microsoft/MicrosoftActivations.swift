import Support
import TensorIR

/// An activation with an optional bias of ONNX Runtime's domain.
struct BiasedActivation: Operator {
  let name: OperatorName
  let compute: @Sendable (inout ScalarGraph, ScalarID) -> ScalarID

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    try b.requireFloat(x)
    let operands = [x] + (node.optionalInput(1).map { [$0] } ?? [])
    try b.requireSameType(operands)
    for bias in operands.dropFirst() { try b.requireShape(bias, Array(b.shape(of: x).suffix(1)), "the bias") }
    return [
      try b.elementwise(operands) { graph, values in
        compute(&graph, values.count == 2 ? graph.plus(values[0], values[1]) : values[0])
      }
    ]
  }
}

/// `x * sigmoid(alpha * x)`.
struct QuickGelu: Operator {
  let name = OperatorName("QuickGelu", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    try b.requireFloat(x)
    let alpha = try node.float("alpha", default: 1.702)
    return [try b.elementwise([x]) { $0.times($1[0], $0.unary(.sigmoid, $0.affineNumber($1[0], alpha, 0))) }]
  }
}

/// The left half of the last axis times the Gelu of the right half, after a bias is added to both.
struct BiasSplitGelu: Operator {
  let name = OperatorName("BiasSplitGelu", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let (x, bias) = (try node.input(0), try node.input(1))
    try b.requireFloat(x)
    try b.requireSameType([x, bias])
    var type = b.type(of: x)
    guard let width = type.shape.last else { throw .invalid("the data has rank 0") }
    try b.requireShape(bias, [width], "the bias")
    try b.requireEqual(width.remainder(by: 2), 0, "a last dimension of \(width) has no halves")
    let half = width.floorDivided(by: 2)
    type.shape[type.rank - 1] = half
    var body = ScalarGraph()
    let axes = type.shape.indices.map { body.axis($0) }
    let sums = [Dim(0), half].map { offset in
      let inner = body.plus(axes[type.rank - 1], body.dim(offset))
      return body.plus(
        body.read(0, axes.dropLast() + [inner], type: type.element), body.read(1, [inner], type: type.element))
    }
    body.results = [body.times(sums[0], body.gelu(sums[1]))]
    return [b.map(type.shape, body, [x, bias])]
  }
}

/// The sum of data, a bias and residual data.
struct BiasAdd: Operator {
  let name = OperatorName("BiasAdd", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let operands = [try node.input(0), try node.input(1), try node.input(2)]
    try b.requireSameType(operands)
    return [try b.elementwise(operands) { $0.plus($0.plus($1[0], $1[1]), $1[2]) }]
  }
}

/// A matrix product, a bias and the approximate Gelu.
struct GemmFastGelu: Operator {
  let name = OperatorName("GemmFastGelu", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let (x, w) = (try node.input(0), try node.input(1))
    try b.requireSameType([x, w])
    let product = try b.matrixProduct(x, w, accumulator: b.type(of: x).element)
    return [try b.elementwise([try b.biased(product, node.optionalInput(2))]) { $0.tanhGelu($1[0]) }]
  }
}

/// The Gelu family of ONNX Runtime.
let microsoftActivations: [any Operator] = [
  BiasedActivation(name: OperatorName("BiasGelu", domain: "com.microsoft", versions: 1)) { $0.gelu($1) },
  BiasedActivation(name: OperatorName("FastGelu", domain: "com.microsoft", versions: 1)) { $0.tanhGelu($1) },
  BiasedActivation(name: OperatorName("Gelu", domain: "com.microsoft", versions: 1)) { $0.gelu($1) },
  BiasAdd(),
  BiasSplitGelu(),
  GemmFastGelu(),
  QuickGelu(),
]
