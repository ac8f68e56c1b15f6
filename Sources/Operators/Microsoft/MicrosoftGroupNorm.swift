import Support
import TensorIR

/// Normalization over groups of channels, of a sum if there is more to add, with an optional activation.
struct MicrosoftGroupNorm: Operator {
  let name: OperatorName
  /// Whether a tensor and a bias are added first.
  let hasSkip: Bool

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let type = b.type(of: try node.input(0))
    try b.requireFloat(try node.input(0))
    let isLast = try node.flag("channels_last", default: true)
    guard type.rank >= 3 else { throw .invalid("the data has rank \(type.rank); at least 3 is needed") }
    let channel = isLast ? type.rank - 1 : 1
    let groups = try node.count("groups")
    try b.requireEqual(
      type.shape[channel].remainder(by: Dim(groups)), 0,
      "attribute 'groups' must divide \(type.shape[channel]) channels")
    let sum = try summed(node, channel, &b)
    let grouped =
      type.shape[..<channel] + [Dim(groups), type.shape[channel].floorDivided(by: Dim(groups))]
      + type.shape[(channel + 1)...]
    let axes = (1...type.rank).filter { $0 != channel }
    let normal = try b.standardize(
      b.reshape(sum, Array(grouped)), axes, epsilon: try node.float("epsilon", default: 1e-5), stash: .f32)
    let value = b.reshape(normal.value, type.shape)
    let scale = try b.perChannel(try node.input(1), type.shape, channel)
    let bias = try b.perChannel(try node.input(2), type.shape, channel)
    let activation = try node.int("activation", default: 0)
    guard activation == 0 || activation == 1 else { throw .invalid("attribute 'activation' is \(activation)") }
    let y = try b.elementwise([value, scale, bias]) { graph, values in
      let wide = values.map { graph.cast($0, to: .f32) }
      let line = graph.plus(graph.times(wide[0], wide[1]), wide[2])
      return graph.cast(activation == 1 ? graph.times(line, graph.unary(.sigmoid, line)) : line, to: type.element)
    }
    return [y, node.uses(result: 1) ? try b.cast(sum, to: type.element) : y]
  }

  /// The sum that is normalized, in `f32`.
  private func summed(_ node: OperatorNode, _ channel: Int, _ b: inout GraphBuilder) throws(ModelError) -> ValueID {
    let x = try node.input(0)
    guard hasSkip else { return try b.cast(x, to: .f32) }
    let shape = b.shape(of: x)
    var skip = try node.input(3)
    if b.shape(of: skip).count == 2 {
      let given = b.shape(of: skip)
      skip = b.reshape(skip, shape.indices.map { $0 == 0 ? given[0] : $0 == channel ? given[1] : 1 })
    }
    let bias = try node.optionalInput(4).map { value throws(ModelError) in try b.perChannel(value, shape, channel) }
    let sum = try b.elementwise([x, skip] + (bias.map { [$0] } ?? [])) { graph, values in
      let wide = values.map { graph.cast($0, to: .f32) }
      return wide.dropFirst().reduce(wide[0]) { graph.plus($0, $1) }
    }
    try b.requireShape(sum, shape, "the sum with skip and bias")
    return sum
  }
}

extension GraphBuilder {
  /// A vector with one element per channel as a tensor that broadcasts to a shape.
  mutating func perChannel(_ vector: ValueID, _ shape: [Dim], _ channel: Int) throws(ModelError) -> ValueID {
    let given = self.shape(of: vector)
    guard given.count == 1 else { throw .invalid("a parameter has shape \(given), not [\(shape[channel])]") }
    try requireEqual(given[0], shape[channel], "a parameter has another number of channels")
    return reshape(vector, shape.indices.map { $0 == channel ? given[0] : 1 })
  }
}
