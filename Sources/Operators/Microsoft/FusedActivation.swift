import Support
import TensorIR

/// An activation that ONNX Runtime has fused into the operator before it.
struct FusedActivation {
  let apply: @Sendable (inout ScalarGraph, ScalarID) -> ScalarID

  /// The operator of a name; its parameters are asked for by name and by position.
  private init(_ name: String, parameter: (String, Int) throws(ModelError) -> Double?) throws(ModelError) {
    if name.isEmpty {
      apply = { $1 }
    } else if name == "Clip" {
      let (low, high) = (try parameter("min", 0) ?? -.infinity, try parameter("max", 1) ?? .infinity)
      apply = { graph, x in
        let type = graph.type(of: x)
        return graph.binary(.min, graph.number(high, type), graph.binary(.max, graph.number(low, type), x))
      }
    } else if let unary = unaryOperators.first(where: { $0.name.name == name }) as? UnaryOperator {
      apply = unary.compute
    } else if let operation = activationOperators.first(where: { $0.name.name == name }) as? ActivationOperator {
      var numbers: [Double] = []
      for (position, attribute) in operation.attributes.enumerated() {
        numbers.append(try parameter(attribute.name, position) ?? attribute.value)
      }
      apply = { [numbers] in operation.compute(&$0, $1, numbers) }
    } else {
      throw .unsupported("activation '\(name)' is not supported")
    }
  }

  /// The activation of a convolution, with a list of parameters.
  init(ofConvolution node: OperatorNode) throws(ModelError) {
    let numbers = try node.floats("activation_params") ?? []
    try self.init(node.string("activation", default: "")) { _, position in
      numbers.indices.contains(position) ? numbers[position] : nil
    }
  }

  /// The activation of a matrix product, with an attribute for every parameter.
  init(ofProduct node: OperatorNode) throws(ModelError) {
    try self.init(node.string("activation", default: "")) { (name, _) throws(ModelError) in
      try node.float("activation_" + name)
    }
  }
}
