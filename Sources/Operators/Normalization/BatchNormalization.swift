import Support
import TensorIR

/// Normalization by running statistics per channel, or, in training, by those of the batch.
struct BatchNormalization: Operator {
  let name = OperatorName("BatchNormalization", versions: 1, 6, 7, 9, 14, 15)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    try b.requireFloat(x)
    let shape = b.shape(of: x)
    guard !shape.isEmpty else { throw .invalid("the data is a scalar") }
    let isSpatial = node.version >= 9 ? true : try node.flag("spatial", default: true)
    // Data of rank 1 has one channel.
    let statisticsShape = shape.count == 1 ? [1] : isSpatial ? [shape[1]] : Array(shape.dropFirst())
    var parameters: [ValueID] = []
    for position in 1...4 {
      let parameter = try node.input(position)
      let own = b.shape(of: parameter)
      let isFlat = own.count == 1 && statisticsShape.count != 1
      let expected = isFlat ? [statisticsShape.product] : statisticsShape
      try b.requireShape(parameter, expected, "argument \(position)")
      parameters.append(isFlat ? b.reshape(parameter, statisticsShape) : parameter)
    }
    let statistics = Statistics(
      axes: shape.indices.filter { isSpatial ? $0 != 1 || shape.count == 1 : $0 == 0 },
      trailing: [Dim](repeating: 1, count: isSpatial ? max(0, shape.count - 2) : 0))
    if try isTraining(node) { return try train(x, parameters, statistics, node, &b) }
    return [try normalize(x, parameters, statistics, try node.float("epsilon", default: 1e-5), &b)]
  }

  /// What the statistics are taken over, and how they are aligned with the data.
  private struct Statistics {
    var axes: [Int]
    /// Extents behind those of the parameters.
    var trailing: [Dim]
  }

  private func isTraining(_ node: OperatorNode) throws(ModelError) -> Bool {
    if node.version >= 14 { return try node.flag("training_mode") }
    if node.version < 7 { return try !node.flag("is_test") }
    return (1..<max(node.resultCount, 1)).contains { node.uses(result: $0) }
  }

  private func normalize(
    _ x: ValueID, _ parameters: [ValueID], _ statistics: Statistics, _ epsilon: Double, _ b: inout GraphBuilder
  ) throws(ModelError) -> ValueID {
    let element = b.type(of: x).element
    // Scale and shift per channel are constants when the parameters are.
    let scale = try b.elementwise([parameters[0], parameters[3]]) { graph, values in
      let variance = graph.plus(values[1], graph.number(epsilon, graph.type(of: values[1])))
      return graph.over(graph.cast(values[0], to: graph.type(of: values[1])), graph.unary(.sqrt, variance))
    }
    let shift = try b.elementwise([parameters[1], parameters[2], scale]) { graph, values in
      let type = graph.type(of: values[2])
      let product = graph.times(graph.cast(values[1], to: type), values[2])
      return graph.minus(graph.cast(values[0], to: type), product)
    }
    let channels = b.shape(of: scale) + statistics.trailing
    let columns = [b.reshape(scale, channels), b.reshape(shift, channels)]
    return try b.elementwise([x] + columns) { graph, values in
      let type = graph.type(of: values[1])
      let scaled = graph.times(graph.cast(values[0], to: type), values[1])
      return graph.cast(graph.plus(scaled, values[2]), to: element)
    }
  }

  private func train(
    _ x: ValueID, _ parameters: [ValueID], _ statistics: Statistics, _ node: OperatorNode, _ b: inout GraphBuilder
  ) throws(ModelError) -> [ValueID] {
    let element = b.type(of: x).element
    let stash = element.precise
    let epsilon = try node.float("epsilon", default: 1e-5)
    let momentum = try node.float("momentum", default: 0.9)
    let wide = try b.cast(x, to: stash)
    let mean = b.reduceAxes(wide, statistics.axes, keepsAxes: true, .sum, finish: { $0.mean($1, over: $2) })
    let centered = try b.elementwise([wide, mean]) { $0.minus($1[0], $1[1]) }
    let variance = b.reduceAxes(
      centered, statistics.axes, keepsAxes: true, .sum, prepare: { $0.times($1, $1) },
      finish: { $0.mean($1, over: $2) })
    let channels = b.shape(of: parameters[0]) + statistics.trailing
    let columns = [b.reshape(parameters[0], channels), b.reshape(parameters[1], channels)]
    let y = try b.elementwise([centered, variance] + columns) { graph, values in
      let deviation = graph.unary(.sqrt, graph.affineNumber(values[1], 1, epsilon))
      let scale = graph.over(graph.cast(values[2], to: stash), deviation)
      return graph.cast(graph.plus(graph.times(values[0], scale), graph.cast(values[3], to: stash)), to: element)
    }
    var running: [ValueID] = []
    var saved: [ValueID] = []
    for (parameter, current) in [(try node.input(3), mean), (try node.input(4), variance)] {
      let aligned = b.reshape(current, b.shape(of: parameter))
      let type = b.type(of: parameter).element
      running.append(
        try b.elementwise([parameter, aligned]) { graph, values in
          let old = graph.affineNumber(graph.cast(values[0], to: stash), momentum, 0)
          return graph.cast(graph.plus(old, graph.affineNumber(values[1], 1 - momentum, 0)), to: type)
        })
      saved.append(try b.cast(aligned, to: type))
    }
    return [y] + running + (node.version < 14 ? saved : [])
  }
}
