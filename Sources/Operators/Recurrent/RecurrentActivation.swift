import Support
import TensorIR

/// An activation function of a recurrent layer with its parameters.
struct RecurrentActivation {
  var name: String
  var alpha: Double
  var beta: Double

  /// Reads 'activations', 'activation_alpha' and 'activation_beta': `defaults` for every direction unless given.
  static func all(_ node: OperatorNode, defaults: [String], directions: Int) throws(ModelError) -> [RecurrentActivation]
  {
    let names = try node.strings("activations") ?? (0..<directions).flatMap { _ in defaults }
    guard names.count == defaults.count * directions else {
      throw .invalid("there are \(names.count) activations, not \(defaults.count * directions)")
    }
    var alphas = try (node.floats("activation_alpha") ?? [])[...]
    var betas = try (node.floats("activation_beta") ?? [])[...]
    var result: [RecurrentActivation] = []
    for given in names {
      let name = given.lowercased()
      guard let (alpha, beta) = parameters[name] else { throw .invalid("'\(given)' is no activation function") }
      result.append(
        RecurrentActivation(
          name: name, alpha: alpha.map { alphas.popFirst() ?? $0 } ?? 0, beta: beta.map { betas.popFirst() ?? $0 } ?? 0)
      )
    }
    return result
  }

  /// The defaults of the parameters that a function has.
  private static let parameters: [String: (alpha: Double?, beta: Double?)] = [
    "relu": (nil, nil), "tanh": (nil, nil), "sigmoid": (nil, nil), "softsign": (nil, nil), "softplus": (nil, nil),
    "affine": (1, 0), "leakyrelu": (0.01, nil), "thresholdedrelu": (1, nil), "scaledtanh": (1, 1),
    "hardsigmoid": (0.2, 0.5), "elu": (1, nil),
  ]

  /// The function's value.
  func apply(_ x: ScalarID, _ graph: inout ScalarGraph) -> ScalarID {
    let type = graph.type(of: x)
    switch name {
    case "relu": return graph.binary(.max, graph.number(0, type), x)
    case "tanh": return graph.unary(.tanh, x)
    case "sigmoid": return graph.unary(.sigmoid, x)
    case "softsign": return graph.over(x, graph.plus(graph.number(1, type), graph.unary(.abs, x)))
    case "softplus": return graph.softplus(x)
    case "affine": return graph.affineNumber(x, alpha, beta)
    case "leakyrelu": return graph.leakyRelu(x, alpha: alpha)
    case "thresholdedrelu":
      return graph.select(graph.compare(.greater, x, graph.number(alpha, type)), x, graph.number(0, type))
    case "scaledtanh": return graph.affineNumber(graph.unary(.tanh, graph.affineNumber(x, beta, 0)), alpha, 0)
    case "hardsigmoid": return graph.hardSigmoid(x, alpha: alpha, beta: beta)
    case "elu": return graph.elu(x, alpha: alpha)
    default: fatalError("activation '\(name)' has parameters but no meaning")
    }
  }
}
