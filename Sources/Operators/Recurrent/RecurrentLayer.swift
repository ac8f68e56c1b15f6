import Support
import TensorIR

/// One step of a recurrent layer, inside the body of a scan.
struct RecurrentStep {
  /// The previous states, [batch, hidden] each.
  var states: [ValueID]
  /// The products of the input with all gates' weights plus biases: [batch, gates * hidden].
  var input: ValueID
  /// Recurrent weights [gates * hidden, hidden].
  var weights: ValueID
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

/// What RNN, GRU and LSTM share.
struct RecurrentLayer {
  let gates: Int
  let stateCount: Int
  let defaults: [String]
  /// Gates from this one on whose recurrent bias the cell adds itself.
  let ownBiasFrom: Int
  /// The next states from the previous ones.
  let cell: (RecurrentStep, Dim, inout GraphBuilder) throws(ModelError) -> [ValueID]

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
    let hidden = b.shape(of: recurrent).last ?? 0
    let rows = hidden * gates
    guard b.shape(of: weights) == [Dim(directions), rows, b.shape(of: x)[2]],
      b.shape(of: recurrent) == [Dim(directions), rows, hidden]
    else {
      throw .invalid(
        "weights \(b.shape(of: weights)) and \(b.shape(of: recurrent)) do not fit data of shape \(b.shape(of: x))"
      )
    }
    let activations = try RecurrentActivation.all(node, defaults: defaults, directions: directions)
    var sequences: [ValueID] = []
    var lasts: [[ValueID]] = []
    for number in 0..<directions {
      let results = try run(
        node, x, number, isReversed: direction == "reverse" || number == 1, hidden: hidden,
        activations: Array(activations[number * defaults.count..<(number + 1) * defaults.count]), isBatchFirst, &b)
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

  /// The last states and the states of every step of one direction.
  private func run(
    _ node: OperatorNode, _ x: ValueID, _ number: Int, isReversed: Bool, hidden: Dim,
    activations: [RecurrentActivation],
    _ isBatchFirst: Bool, _ b: inout GraphBuilder
  ) throws(ModelError) -> [ValueID] {
    let (steps, batch) = (b.shape(of: x)[0], b.shape(of: x)[1])
    let element = b.type(of: x).element
    let rows = hidden * gates
    let bias = try node.optionalInput(3).map { value throws(ModelError) in try b.row(value, number, "the bias") }
    let input = inputProducts(x, b.part(try node.input(1), number), bias, rows, &b)
    var inner = GraphBuilder(inside: b)
    let step = inner.input(TensorType(.i64, []))
    let type = TensorType(element, [batch, hidden])
    let states = (0..<stateCount).map { _ in inner.input(type) }
    var operands: [ValueID] = []
    for state in 0..<stateCount {
      operands.append(try initialState(node.optionalInput(5 + state), number, type, isBatchFirst, &b))
    }
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
    let cellStep = RecurrentStep(
      states: states, input: slice, weights: capture(b.part(try node.input(2), number)), recurrentBias: ownBias,
      peepholes: peepholes.map(capture), activations: activations, clip: try node.float("clip"))
    var next = try cell(cellStep, hidden, &inner)
    var output = next[0]
    if let lengths = node.optionalInput(4), !isFull(lengths, steps, b) {
      guard b.shape(of: lengths) == [batch] else {
        throw .invalid("sequence_lens has shape \(b.shape(of: lengths)), not [\(batch)]")
      }
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
    return b.add(.scan(scan), operands)
  }

  private func isFull(_ lengths: ValueID, _ steps: Dim, _ b: GraphBuilder) -> Bool {
    b.knownIntegers(lengths)?.allSatisfy { $0 == steps } ?? false
  }

  /// `x * W' + bias` for all steps at once: [steps, batch, rows].
  private func inputProducts(_ x: ValueID, _ weights: ValueID, _ bias: ValueID?, _ rows: Dim, _ b: inout GraphBuilder)
    -> ValueID
  {
    let type = b.type(of: x)
    let flat = b.reshape(x, [type.shape[0] * type.shape[1], type.shape[2]])
    var epilogue = ScalarGraph()
    var sum = epilogue.accumulator(0, type.element)
    var operands = [flat, weights]
    if let bias {
      operands.append(bias)
      let column = epilogue.axis(1)
      sum = epilogue.plus(sum, epilogue.read(2, [column], type: type.element))
      let second = epilogue.read(2, [epilogue.affine(column, scale: 1, offset: rows)], type: type.element)
      if ownBiasFrom == gates {
        sum = epilogue.plus(sum, second)
      } else {
        let limit = epilogue.dim(rows.floorDivided(by: Dim(gates)) * ownBiasFrom)
        let isShared = epilogue.compare(.less, column, limit)
        sum = epilogue.plus(sum, epilogue.select(isShared, second, epilogue.number(0, type.element)))
      }
    }
    epilogue.results = [sum]
    let contract = Contract(
      shape: [type.shape[0] * type.shape[1], rows], reduced: [type.shape[2]], lhs: [.axis(0), .axis(2)],
      rhs: [.axis(1), .axis(2)], accumulator: type.element, epilogue: epilogue)
    return b.reshape(b.add(.contract(contract), operands)[0], [type.shape[0], type.shape[1], rows])
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
  mutating func recurrentProduct(_ state: ValueID, _ weights: ValueID, from first: Dim = 0, rows: Dim) -> ValueID {
    let type = type(of: state)
    var epilogue = ScalarGraph()
    epilogue.results = [epilogue.accumulator(0, type.element)]
    let contract = Contract(
      shape: [type.shape[0], rows], reduced: [type.shape[1]], lhs: [.axis(0), .axis(2)],
      rhs: [AffineIndex([1: 1], offset: first), .axis(2)], accumulator: type.element, epilogue: epilogue)
    return add(.contract(contract), [state, weights])[0]
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
