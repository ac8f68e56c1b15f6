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

/// The Gelu family of ONNX Runtime.
let microsoftActivations: [any Operator] = [
  BiasedActivation(name: OperatorName("BiasGelu", domain: "com.microsoft", versions: 1)) { $0.gelu($1) },
  BiasedActivation(name: OperatorName("FastGelu", domain: "com.microsoft", versions: 1)) { $0.tanhGelu($1) },
  BiasedActivation(name: OperatorName("Gelu", domain: "com.microsoft", versions: 1)) { $0.gelu($1) },
  QuickGelu(),
]
