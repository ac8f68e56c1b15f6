import Support
import TensorIR

/// SiLU of a scaled argument, rounded to the argument's type after every step.
struct ScaledSiLU: Operator {
  let name = OperatorName("ScaledSiLU", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    try b.requireFloat(x)
    let element = b.type(of: x).element
    let alpha = try node.float("alpha", default: 1)
    let scale = node.optionalInput(1).map { b.reshape($0, []) } ?? b.scalar(alpha, .f32)
    return [
      try b.elementwise([x, scale]) { graph, values in
        let wide = values.map { graph.cast($0, to: .f32) }
        let scaled = graph.cast(graph.times(wide[0], wide[1]), to: element)
        let share = graph.cast(graph.unary(.sigmoid, graph.cast(scaled, to: .f32)), to: element)
        return graph.times(scaled, share)
      }
    ]
  }
}

/// A tensor plus another one times a gate per row.
struct GatedAdd: Operator {
  let name = OperatorName("GatedAdd", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let operands = [try node.input(0), try node.input(1), try node.input(2)]
    try b.requireSameType(operands)
    return [try b.elementwise(operands) { $0.plus($1[0], $0.times($1[1], $1[2])) }]
  }
}

/// Division by the root mean square of groups of the last axis, with a scale and an activated gate.
struct GatedRMSNorm: Operator {
  let name = OperatorName("GatedRMSNorm", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let (x, scale, gate) = (try node.input(0), try node.input(1), try node.input(2))
    try b.requireFloat(x)
    let type = b.type(of: x)
    guard let width = type.shape.last, b.shape(of: scale).count == 1 else {
      throw .invalid("data and scale of shapes \(type.shape) and \(b.shape(of: scale)) do not fit")
    }
    try b.requireShape(gate, type.shape, "the gate")
    let size = b.shape(of: scale)[0]
    try b.requireEqual(width.remainder(by: size), 0, "the scale of \(size) elements does not divide \(width)")
    let activation = try node.string("activation", default: "silu")
    guard ["silu", "swish", "sigmoid"].contains(activation) else {
      throw .invalid("attribute 'activation' is '\(activation)'")
    }
    let grouped = Array(type.shape.dropLast()) + [width.floorDivided(by: size), size]
    let (value, _) = try b.divideByRootMeanSquare(
      b.reshape(x, grouped), [type.rank], epsilon: try node.float("epsilon", default: 1e-5), stash: .f32)
    let y = try b.elementwise([value, scale, b.reshape(gate, grouped)]) { graph, values in
      let wide = values.map { graph.cast($0, to: .f32) }
      let share = graph.unary(.sigmoid, wide[2])
      let factor = activation == "sigmoid" ? share : graph.times(wide[2], share)
      return graph.cast(graph.times(graph.times(wide[0], wide[1]), factor), to: type.element)
    }
    return [b.reshape(y, type.shape)]
  }
}

/// The decay and the update rate of linear attention from their projections.
struct LinearAttentionGate: Operator {
  let name = OperatorName("LinearAttentionGate", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    try b.requireFloat(x)
    let element = b.type(of: x).element
    let decay = try b.elementwise([x, try node.input(1), try node.input(2)]) { graph, values in
      let wide = values.map { graph.cast($0, to: .f32) }
      return graph.cast(graph.times(wide[2], graph.softplus(graph.plus(wide[0], wide[1]))), to: element)
    }
    guard node.uses(result: 1) else { return [decay] }
    let rate = try b.elementwise([try node.input(3)]) { graph, values in
      graph.cast(graph.unary(.sigmoid, graph.cast(values[0], to: .f32)), to: element)
    }
    return [decay, rate]
  }
}
