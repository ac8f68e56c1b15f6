import Support
import TensorIR

/// One step of a recurrent layer, inside the body of a scan.
struct RecurrentStep {
  /// The previous states, [batch, hidden] each.
  var states: [ValueID]
  /// The products of the input with all gates' weights plus biases: [batch, gates * hidden].
  var input: ValueID
  /// Recurrent weights [gates * hidden, hidden].
  var weights: RecurrentWeights
  /// Recurrent biases [gates * hidden], where the cell adds them itself.
  var recurrentBias: ValueID?
  var peepholes: ValueID?
  var activations: [RecurrentActivation]
  var clip: Double?

  /// The activation of a sum, clipped before.
  func activate(_ function: Int, _ sum: ScalarID, _ graph: inout ScalarGraph) -> ScalarID {
    var sum = sum
    if let clip {
      let type = graph.type(of: sum)
      sum = graph.binary(.min, graph.number(clip, type), graph.binary(.max, graph.number(-clip, type), sum))
    }
    return activations[function].apply(sum, &graph)
  }
}

/// Weights [rows, columns] of one direction.
struct RecurrentWeights {
  var values: ValueID
  /// One scale or one per row for integer weights [columns, rows], whose other factor is quantized by its range.
  var scale: ValueID? = nil
}

/// A vector that follows from the state of every step and enters the next step beside it.
struct RecurrentAttention {
  var size: Dim
  /// Values of the layer that steps read.
  var captured: [ValueID]
  /// The vector from the state and what is captured.
  var vector: (_ state: ValueID, _ captured: [ValueID], inout GraphBuilder) throws(ModelError) -> ValueID
}

/// What RNN, GRU and LSTM share.
struct RecurrentLayer {
  let gates: Int
  let stateCount: Int
  let defaults: [String]
  /// Gates from this one on whose recurrent bias the cell adds itself.
  let ownBiasFrom: Int
  /// The next states from the previous ones.
  let cell: (RecurrentStep, Dim, inout GraphBuilder) throws(ModelError) -> [ValueID]
  /// Whether the weights are integers with scale and zero point as arguments 8 ... 11.
  var isQuantized = false
  /// The attention of a direction. The first state of a cell is then followed by its vector, and the weights of inputs
  /// by those of vectors.
  var attention: ((OperatorNode, _ number: Int, inout GraphBuilder) throws(ModelError) -> RecurrentAttention)?

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let direction = try node.string("direction", default: "forward")
    guard ["forward", "reverse", "bidirectional"].contains(direction) else {
      throw .invalid("attribute 'direction' is '\(direction)'")
    }
    let directions = direction == "bidirectional" ? 2 : 1
    let isBatchFirst = try node.flag("layout")
    let given = try node.input(0)
    try b.requireFloat(given)
    guard b.shape(of: given).count == 3 else { throw .invalid("the data has rank \(b.shape(of: given).count), not 3") }
    let x = isBatchFirst ? b.transpose(given, [1, 0, 2]) : given
    let weights = try node.input(1)
    let recurrent = try node.input(2)
    guard b.shape(of: recurrent).count == 3 else {
      throw .invalid("the recurrent weights have rank \(b.shape(of: recurrent).count), not 3")
    }
    let hidden = b.shape(of: recurrent)[isQuantized ? 1 : 2]
    if let declared = try node.int("hidden_size") {
      try b.requireEqual(hidden, Dim(declared), "attribute 'hidden_size' and the recurrent weights")
    }
    let rows = hidden * gates
    func expected(_ columns: Dim) -> [Dim] { [Dim(directions)] + (isQuantized ? [columns, rows] : [rows, columns]) }
    let attentions = try attention.map { attention throws(ModelError) in
      var all: [RecurrentAttention] = []
      for number in 0..<directions { all.append(try attention(node, number, &b)) }
      return all
    }
    try b.requireShape(weights, expected(b.shape(of: x)[2] + (attentions?[0].size ?? 0)), "the argument W")
    try b.requireShape(recurrent, expected(hidden), "the argument R")
    try checkParameters(node, [Dim(directions), b.shape(of: x)[1], hidden], isBatchFirst, &b)
    let activations = try RecurrentActivation.all(node, defaults: defaults, directions: directions)
    var sequences: [ValueID] = []
    var lasts: [[ValueID]] = []
    for number in 0..<directions {
      let results = try run(
        node, x, number, isReversed: direction == "reverse" || number == 1, hidden: hidden,
        activations: Array(activations[number * defaults.count..<(number + 1) * defaults.count]), isBatchFirst,
        attentions?[number], &b)
      lasts.append(Array(results.prefix(stateCount)))
      sequences.append(results[stateCount])
    }
    let (steps, batch) = (b.shape(of: x)[0], b.shape(of: x)[1])
    let parts = sequences.map { b.reshape($0, [steps, 1, batch, hidden]) }
    let all = b.concatenate(parts, axis: 1)
    var results = [isBatchFirst ? b.transpose(all, [2, 0, 1, 3]) : all]
    for state in 0..<stateCount {
      let last = b.concatenate(lasts.map { b.reshape($0[state], [1, batch, hidden]) }, axis: 0)
      results.append(isBatchFirst ? b.transpose(last, [1, 0, 2]) : last)
    }
    return results
  }

  /// Checks bias, initial states and peepholes, given the extents of a state.
  private func checkParameters(
    _ node: OperatorNode, _ state: [Dim], _ isBatchFirst: Bool, _ b: inout GraphBuilder
  ) throws(ModelError) {
    let (directions, hidden) = (state[0], state[2])
    if let bias = node.optionalInput(3) { try b.requireShape(bias, [directions, hidden * (2 * gates)], "the bias") }
    for position in 0..<stateCount {
      guard let initial = node.optionalInput(5 + position) else { continue }
      try b.requireShape(initial, isBatchFirst ? [state[1], directions, hidden] : state, "an initial state")
    }
    if stateCount == 2, let peepholes = node.optionalInput(7) {
      try b.requireShape(peepholes, [directions, hidden * 3], "the peepholes")
    }
  }

  /// The last states and the states of every step of one direction.
  private func run(
    _ node: OperatorNode, _ x: ValueID, _ number: Int, isReversed: Bool, hidden: Dim,
    activations: [RecurrentActivation], _ isBatchFirst: Bool, _ attention: RecurrentAttention?, _ b: inout GraphBuilder
  ) throws(ModelError) -> [ValueID] {
    let (steps, batch) = (b.shape(of: x)[0], b.shape(of: x)[1])
    let element = b.type(of: x).element
    let rows = hidden * gates
    let bias = try node.optionalInput(3).map { value throws(ModelError) in try b.row(value, number, "the bias") }
    var inputWeights = try directionWeights(node, 1, number, &b)
    var own = try directionWeights(node, 2, number, &b)
    if let attention {
      let all = inputWeights.values
      let size = b.shape(of: x)[2]
      inputWeights.values = b.slice(all, axis: 1, from: 0, count: size)
      own.values = b.concatenate([own.values, b.slice(all, axis: 1, from: size, count: attention.size)], axis: 1)
    }
    let input = try inputProducts(x, inputWeights, bias, rows, &b)
    var inner = GraphBuilder(inside: b)
    let step = inner.input(TensorType(.i64, []))
    let type = TensorType(element, [batch, hidden])
    var operands: [ValueID] = []
    for state in 0..<stateCount {
      operands.append(try initialState(node.optionalInput(5 + state), number, type, isBatchFirst, &b))
    }
    if let attention {
      let zeros = try b.broadcast(b.scalar(0, element), to: [batch, attention.size])
      operands[0] = b.concatenate([operands[0], zeros], axis: 1)
    }
    let states = operands.map { inner.input(b.type(of: $0)) }
    operands.append(input)
    let slice = inner.input(TensorType(element, [batch, rows]))
    func capture(_ value: ValueID) -> ValueID {
      if let constant = b.constantValue(value) { return inner.constant(constant) }
      operands.append(value)
      return inner.input(b.type(of: value))
    }
    var ownBias: ValueID?
    if let bias, ownBiasFrom < gates { ownBias = capture(b.slice(bias, axis: 0, from: rows, count: rows)) }
    let peepholes =
      try stateCount == 2
      ? node.optionalInput(7).map { value throws(ModelError) in try b.row(value, number, "the peepholes") } : nil
    let captured = RecurrentWeights(values: capture(own.values), scale: own.scale.map(capture))
    let cellStep = RecurrentStep(
      states: states, input: slice, weights: captured, recurrentBias: ownBias,
      peepholes: peepholes.map(capture), activations: activations, clip: try node.float("clip"))
    var next = try cell(cellStep, hidden, &inner)
    var output = next[0]
    if let attention {
      let vector = try attention.vector(output, attention.captured.map(capture), &inner)
      next[0] = inner.concatenate([output, vector], axis: 1)
    }
    if let lengths = node.optionalInput(4), !isFull(lengths, steps, b) {
      try b.requireShape(lengths, [batch], "sequence_lens")
      try b.checkIndices(lengths, extents: [steps + 1], allowsNegative: false)
      let limits = capture(b.reshape(lengths, [batch, 1]))
      let zero = inner.scalar(0, element)
      func masked(_ value: ValueID, _ otherwise: ValueID) throws(ModelError) -> ValueID {
        try inner.elementwise([step, limits, value, otherwise]) { graph, values in
          let time = isReversed ? graph.minus(graph.dim(steps - 1), values[0]) : values[0]
          let isActive = graph.compare(.less, time, graph.cast(values[1], to: .i64))
          return graph.select(isActive, values[2], values[3])
        }
      }
      output = try masked(output, zero)
      for state in next.indices { next[state] = try masked(next[state], states[state]) }
    }
    let scan = Scan(
      length: steps, carried: stateCount, scanned: 1, reversedInputs: [isReversed], reversedOutputs: [isReversed],
      body: inner.finish(outputs: next + [output]))
    var results = b.add(.scan(scan), operands)
    if attention != nil { results[0] = b.slice(results[0], axis: 1, from: 0, count: hidden) }
    return results
  }

  private func isFull(_ lengths: ValueID, _ steps: Dim, _ b: GraphBuilder) -> Bool {
    b.knownIntegers(lengths)?.allSatisfy { $0 == steps } ?? false
  }

  /// The weights of one direction from an argument.
  private func directionWeights(_ node: OperatorNode, _ position: Int, _ number: Int, _ b: inout GraphBuilder)
    throws(ModelError) -> RecurrentWeights
  {
    let values = b.part(try node.input(position), number)
    guard isQuantized else { return RecurrentWeights(values: values) }
    for place in [6, 7] {
      guard let value = node.optionalInput(place + 2 * position) else { continue }
      guard b.shape(of: value).count >= 1, number < b.shape(of: value)[0].constant ?? .max else {
        throw .invalid("a scale or zero point has shape \(b.shape(of: value)), which lacks a direction")
      }
    }
    try b.require(try node.input(6 + 2 * position), "the scale", isOneOf: .f32)
    let zeroPoint = node.optionalInput(7 + 2 * position).map { b.part($0, number) }
    return RecurrentWeights(
      values: try b.centered(values, zeroPoint: zeroPoint, axis: -1),
      scale: b.part(try node.input(6 + 2 * position), number))
  }

  /// `x * W' + bias` for all steps at once: [steps, batch, rows].
  private func inputProducts(
    _ x: ValueID, _ weights: RecurrentWeights, _ bias: ValueID?, _ rows: Dim, _ b: inout GraphBuilder
  ) throws(ModelError) -> ValueID {
    let type = b.type(of: x)
    let flat = b.reshape(x, [type.shape[0] * type.shape[1], type.shape[2]])
    let result = try b.recurrentProduct(flat, weights, rows: rows) { epilogue, sum, operands in
      guard let bias else { return sum }
      let own = operands.count
      operands.append(bias)
      let column = epilogue.axis(1)
      let first = epilogue.plus(sum, epilogue.read(own, [column], type: type.element))
      let second = epilogue.read(own, [epilogue.affine(column, scale: 1, offset: rows)], type: type.element)
      if ownBiasFrom == gates { return epilogue.plus(first, second) }
      let limit = epilogue.dim(rows.floorDivided(by: Dim(gates)) * ownBiasFrom)
      let isShared = epilogue.compare(.less, column, limit)
      return epilogue.plus(first, epilogue.select(isShared, second, epilogue.number(0, type.element)))
    }
    return b.reshape(result, [type.shape[0], type.shape[1], rows])
  }

  private func initialState(
    _ given: ValueID?, _ number: Int, _ type: TensorType, _ isBatchFirst: Bool, _ b: inout GraphBuilder
  ) throws(ModelError) -> ValueID {
    guard let given else { return try b.broadcast(b.scalar(0, type.element), to: type.shape) }
    guard b.shape(of: given).count == 3 else {
      throw .invalid("an initial state has rank \(b.shape(of: given).count), not 3")
    }
    return b.part(isBatchFirst ? b.transpose(given, [1, 0, 2]) : given, number)
  }
}

extension GraphBuilder {
  /// The part at a position of axis 0, without that axis; constants stay constants.
  mutating func part(_ value: ValueID, _ number: Int) -> ValueID {
    let shape = shape(of: value)
    if let constant = constantValue(value), constant.dims[0] > 0 {
      let bytes = constant.bytes.count / constant.dims[0]
      let copy = constant.bytes.withUnsafeBytes { Array($0[number * bytes..<(number + 1) * bytes]) }
      return self.constant(ConstantTensor(constant.type.element, dims: Array(constant.dims.dropFirst()), bytes: copy))
    }
    return reshape(slice(value, axis: 0, from: Dim(number), count: 1), Array(shape.dropFirst()))
  }

  /// A row of a matrix.
  fileprivate mutating func row(_ value: ValueID, _ number: Int, _ what: String) throws(ModelError) -> ValueID {
    guard shape(of: value).count == 2 else { throw .invalid("\(what) has rank \(shape(of: value).count), not 2") }
    return part(value, number)
  }

  /// The product of states [batch, hidden] with rows of recurrent weights [rows, hidden], transposed.
  ///
  /// `finish` computes the result from the sum; it may add operands.
  mutating func recurrentProduct(
    _ state: ValueID, _ weights: RecurrentWeights, from first: Dim = 0, rows: Dim,
    finish: (inout ScalarGraph, ScalarID, inout [ValueID]) -> ScalarID = { _, sum, _ in sum }
  ) throws(ModelError) -> ValueID {
    let type = type(of: state)
    var operands = [state, weights.values]
    var epilogue = ScalarGraph()
    var sum = epilogue.accumulator(0, weights.scale == nil ? type.element : .i32)
    let row = AffineIndex([1: 1], offset: first)
    var rhs = [row, .axis(2)]
    if let scale = weights.scale {
      let left = try dynamicallyQuantized(state)
      operands = [try centered(left.value, zeroPoint: left.zeroPoint, axis: -1), weights.values, left.scale, scale]
      let column = self.shape(of: scale).map { $0 == 1 ? epilogue.integer(0) : epilogue.affineIndex(row) }
      let factor = epilogue.times(epilogue.read(2, [], type: .f32), epilogue.read(3, column, type: .f32))
      sum = epilogue.times(epilogue.cast(sum, to: .f32), factor)
      rhs = [.axis(2), row]
    }
    epilogue.results = [finish(&epilogue, sum, &operands)]
    let contract = Contract(
      shape: [type.shape[0], rows], reduced: [type.shape[1]], lhs: [.axis(0), .axis(2)], rhs: rhs,
      accumulator: weights.scale == nil ? type.element : .i32, epilogue: epilogue)
    return add(.contract(contract), operands)[0]
  }

  /// A map over [batch, hidden]; `gate` reads an operand with several gates per row.
  mutating func recurrentMap(
    _ shape: [Dim], _ operands: [ValueID],
    _ compute: (inout ScalarGraph, _ read: (inout ScalarGraph, Int, Int) -> ScalarID) -> ScalarID
  ) -> ValueID {
    let types = operands.map { type(of: $0) }
    var body = ScalarGraph()
    let result = compute(&body) { graph, operand, gate in
      let column = graph.affine(graph.axis(1), scale: 1, offset: shape[1] * gate)
      let indices = types[operand].rank == 1 ? [column] : [graph.axis(0), column]
      return graph.read(operand, indices, type: types[operand].element)
    }
    body.results = [result]
    return map(shape, body, operands)
  }
}
