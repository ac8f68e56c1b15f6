import Support
import TensorIR

/// Long short-term memory whose steps also read what an additive attention took from a memory at the step before.
struct AttnLSTM: Operator {
  let name = OperatorName("AttnLSTM", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    var layer = try LSTM.layer(node)
    layer.attention = attention
    return try layer.build(node, in: &b)
  }

  /// The attention of one direction.
  private func attention(_ node: OperatorNode, _ number: Int, _ b: inout GraphBuilder) throws(ModelError)
    -> RecurrentAttention
  {
    let memory = try b.masked(try node.input(11), lengths: node.optionalInput(12))
    func weights(_ position: Int, _ value: ValueID, rank: Int) throws(ModelError) -> ValueID {
      let shape = b.shape(of: value)
      let message = "argument \(position) has shape \(shape), which is not rank \(rank + 1) with all directions first"
      guard shape.count == rank + 1 else { throw .invalid(message) }
      try b.requireAtMost(Dim(number + 1), shape[0], message)
      try b.requireSameType([memory, value])
      return b.part(value, number)
    }
    let query = try weights(8, try node.input(8), rank: 2)
    let scale = try weights(10, try node.input(10), rank: 1)
    let keys = try b.matrixProduct(
      memory, try weights(9, try node.input(9), rank: 2), accumulator: b.type(of: memory).element)
    try b.requireShape(scale, [b.shape(of: keys)[2]], "argument 10")
    let layer = try node.optionalInput(13).map { value throws(ModelError) in try weights(13, value, rank: 2) }
    let lengths = node.optionalInput(12)
    let optional = [layer, lengths].compactMap { $0 }
    return RecurrentAttention(
      size: layer.map { b.shape(of: $0)[1] } ?? b.shape(of: memory)[2],
      captured: [memory, keys, query, scale] + optional
    ) { (state, values, b) throws(ModelError) in
      let context = try b.additiveAttention(
        of: state, memory: values[0], keys: values[1], query: values[2], scale: values[3],
        lengths: lengths == nil ? nil : values[values.count - 1])
      guard layer != nil else { return context }
      return try b.matrixProduct(
        b.concatenate([state, context], axis: 1), values[4], accumulator: b.type(of: state).element)
    }
  }
}

extension GraphBuilder {
  /// A memory [batch, steps, depth] with zeros from every length on.
  fileprivate mutating func masked(_ memory: ValueID, lengths: ValueID?) throws(ModelError) -> ValueID {
    let type = type(of: memory)
    guard type.rank == 3 else { throw .invalid("the memory has rank \(type.rank), not 3") }
    guard let lengths else { return memory }
    try requireShape(lengths, [type.shape[0]], "the lengths of the memory")
    try checkIndices(lengths, extents: [type.shape[1] + 1], allowsNegative: false)
    return try elementwise([memory, reshape(lengths, [type.shape[0], 1, 1])]) { graph, values in
      let isInside = graph.compare(.less, graph.axis(1), graph.cast(values[1], to: .i64))
      return graph.select(isInside, values[0], graph.number(0, type.element))
    }
  }

  /// The mean of a memory [batch, steps, depth], weighted by the softmax of `scale · tanh(keys + state · query)`.
  fileprivate mutating func additiveAttention(
    of state: ValueID, memory: ValueID, keys: ValueID, query: ValueID, scale: ValueID, lengths: ValueID?
  ) throws(ModelError) -> ValueID {
    let (element, shape) = (type(of: keys).element, shape(of: keys))
    let queries = try matrixProduct(state, query, accumulator: element)
    var body = ScalarGraph()
    let (batch, place, column) = (body.axis(0), body.axis(1), body.axis(2))
    let sum = body.plus(
      body.read(0, [batch, place, column], type: element), body.read(1, [batch, column], type: element))
    body.results = [body.times(body.unary(.tanh, sum), body.read(2, [column], type: element))]
    var scores = reduce(
      .sum, shape: Array(shape.prefix(2)), reduced: [shape[2]], operands: [keys, queries, scale], body: body)[0]
    if let lengths {
      scores = try elementwise([scores, reshape(lengths, [shape[0], 1])]) { graph, values in
        let isInside = graph.compare(.less, graph.axis(1), graph.cast(values[1], to: .i64))
        return graph.select(isInside, values[0], graph.number(-.infinity, element))
      }
    }
    let weights = try maskedSoftmax(scores)
    let context = try matrixProduct(reshape(weights, [shape[0], 1, shape[1]]), memory, accumulator: element)
    return reshape(context, [shape[0], self.shape(of: memory)[2]])
  }
}
