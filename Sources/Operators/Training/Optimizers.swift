import Support
import TensorIR

/// One step of a gradient method on any number of tensors.
struct Optimizer: Operator {
  let name: OperatorName
  /// How many tensors describe one that is optimized: itself, its gradient and what is accumulated.
  let inputsPerTensor: Int
  /// The new tensor and its new accumulated ones, from those values after rate and step count.
  let update: @Sendable (OperatorNode, inout ScalarGraph, Step, [ScalarID]) throws(ModelError) -> [ScalarID]

  /// The scalars that all tensors share, in the type of the tensors.
  struct Step {
    var rate: ScalarID
    var count: ScalarID
    var type: ElementType
  }

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let arguments = try node.inputs()
    let count = (arguments.count - 2) / inputsPerTensor
    guard count > 0, arguments.count == 2 + count * inputsPerTensor else {
      throw .invalid("\(arguments.count) arguments are not a rate, a count and \(inputsPerTensor) for every tensor")
    }
    for (value, what) in [(arguments[0], "the rate"), (arguments[1], "the update count")]
    where b.shape(of: value).constants?.reduce(1, *) != 1 {
      throw .invalid("\(what) must be a scalar")
    }
    let scalars = arguments.prefix(2).map { b.reshape($0, []) }
    var results: [[ValueID]] = []
    for tensor in 0..<count {
      let own = (0..<inputsPerTensor).map { arguments[2 + $0 * count + tensor] }
      try b.requireFloat(own[0], "tensor \(tensor)")
      try b.requireSameType(own)
      for value in own { try b.requireShape(value, b.shape(of: own[0]), "what belongs to tensor \(tensor)") }
      results.append(try updated(scalars + own, node, &b))
    }
    // All new tensors come first, then what is accumulated.
    return results[0].indices.flatMap { position in results.map { $0[position] } }
  }

  private func updated(
    _ operands: [ValueID], _ node: OperatorNode, _ b: inout GraphBuilder
  ) throws(ModelError) -> [ValueID] {
    let type = b.type(of: operands[2])
    var body = ScalarGraph()
    let values = operands.enumerated().map { position, operand in
      let own = b.type(of: operand)
      let axes = own.shape.indices.map { body.axis($0) }
      return body.cast(body.read(position, axes, type: own.element), to: type.element)
    }
    let step = Step(rate: values[0], count: values[1], type: type.element)
    let updates = try update(node, &body, step, Array(values.dropFirst(2)))
    return updates.map { value in
      body.results = [value]
      return b.map(type.shape, body, operands)
    }
  }
}

extension ScalarGraph {
  /// The gradient of a tensor with that of its squared norm.
  fileprivate mutating func regularized(_ values: [ScalarID], _ coefficient: Double) -> ScalarID {
    coefficient == 0 ? values[1] : plus(times(number(coefficient, type(of: values[0])), values[0]), values[1])
  }
}

private let momentum = Optimizer(
  name: OperatorName("Momentum", domain: "ai.onnx.preview.training", versions: 1), inputsPerTensor: 3
) { (node, graph, step, values) throws(ModelError) in
  guard let alpha = try node.float("alpha"), let beta = try node.float("beta"),
    let coefficient = try node.float("norm_coefficient")
  else { throw .invalid("attribute 'alpha', 'beta' or 'norm_coefficient' is missing") }
  let mode = try node.string("mode", default: "")
  guard mode == "standard" || mode == "nesterov" else { throw .invalid("attribute 'mode' is '\(mode)'") }
  let gradient = graph.regularized(values, coefficient)
  let isLater = graph.compare(.greater, step.count, graph.number(0, step.type))
  let factor = graph.select(isLater, graph.number(beta, step.type), graph.number(1, step.type))
  let velocity = graph.plus(graph.affineNumber(values[2], alpha, 0), graph.times(factor, gradient))
  let direction = mode == "standard" ? velocity : graph.plus(gradient, graph.affineNumber(velocity, alpha, 0))
  return [graph.minus(values[0], graph.times(step.rate, direction)), velocity]
}

private let adagrad = Optimizer(
  name: OperatorName("Adagrad", domain: "ai.onnx.preview.training", versions: 1), inputsPerTensor: 3
) { (node, graph, step, values) throws(ModelError) in
  let epsilon = try node.float("epsilon", default: 1e-6)
  let gradient = graph.regularized(values, try node.float("norm_coefficient", default: 0))
  let decay = graph.affineNumber(step.count, try node.float("decay_factor", default: 0), 1)
  let squares = graph.plus(values[2], graph.times(gradient, gradient))
  let scale = graph.affineNumber(graph.unary(.sqrt, squares), 1, epsilon)
  let change = graph.over(graph.times(graph.over(step.rate, decay), gradient), scale)
  return [graph.minus(values[0], change), squares]
}

private let adam = Optimizer(
  name: OperatorName("Adam", domain: "ai.onnx.preview.training", versions: 1), inputsPerTensor: 4
) { (node, graph, step, values) throws(ModelError) in
  let alpha = try node.float("alpha", default: Double(Float(0.9)))
  let beta = try node.float("beta", default: Double(Float(0.999)))
  let epsilon = try node.float("epsilon", default: 1e-6)
  let post = try node.float("norm_coefficient_post", default: 0)
  let gradient = graph.regularized(values, try node.float("norm_coefficient", default: 0))
  let mean = graph.plus(graph.affineNumber(values[2], alpha, 0), graph.affineNumber(gradient, 1 - alpha, 0))
  let square = graph.affineNumber(graph.times(gradient, gradient), 1 - beta, 0)
  let squares = graph.plus(graph.affineNumber(values[3], beta, 0), square)
  let scale = graph.affineNumber(graph.unary(.sqrt, squares), 1, epsilon)
  // 1 minus a power close to 1 needs the digits of f64.
  func bias(_ base: Double) -> ScalarID {
    let power = graph.binary(.power, graph.number(base, .f64), graph.cast(step.count, to: .f64))
    return graph.minus(graph.number(1, .f64), power)
  }
  let correction = graph.cast(graph.over(graph.unary(.sqrt, bias(beta)), bias(alpha)), to: step.type)
  let isLater = graph.compare(.greater, step.count, graph.number(0, step.type))
  let rate = graph.select(isLater, graph.times(step.rate, correction), step.rate)
  let moved = graph.minus(values[0], graph.times(rate, graph.over(mean, scale)))
  return [graph.affineNumber(moved, 1 - post, 0), mean, squares]
}

/// Gradient methods of ai.onnx.preview.training.
let optimizers: [any Operator] = [adagrad, adam, momentum]
