import Support
import TensorIR

/// Version 8 of Scan: a body graph run over the slices of every batch, for as many steps as each batch is long.
struct BatchedScan {
  private let node: OperatorNode
  private let lengths: ValueID?
  private let states: [ValueID]
  private let scanned: [ValueID]
  private let reversed: [Bool]

  init(_ node: OperatorNode, _ b: inout GraphBuilder) throws(ModelError) {
    self.node = node
    lengths = node.optionalInput(0)
    var values: [ValueID] = []
    for position in node.arguments.indices.dropFirst() { values.append(try node.input(position)) }
    guard let count = try node.int("num_scan_inputs"), count >= 1, count <= values.count else {
      throw .invalid("attribute 'num_scan_inputs' does not fit \(values.count) arguments")
    }
    states = Array(values.dropLast(count))
    scanned = Array(values.suffix(count))
    let directions = try node.ints("directions") ?? [Int](repeating: 0, count: count)
    guard directions.count == count else {
      throw .invalid("attribute 'directions' has \(directions.count) numbers, not \(count)")
    }
    reversed = directions.map { $0 != 0 }
    let first = b.shape(of: scanned[0])
    for value in scanned {
      let shape = b.shape(of: value)
      let what = "the scanned arguments have shapes \(scanned.map { b.shape(of: $0) })"
      guard shape.count >= 2 else { throw .invalid(what) }
      for axis in 0..<2 { try b.requireEqual(shape[axis], first[axis], what) }
    }
    for value in states {
      let shape = b.shape(of: value)
      try b.requireEqual(shape.first ?? 0, first[0], "a state has shape \(shape)")
    }
    if let lengths, b.shape(of: lengths).count != 1 { throw .invalid("the lengths must have rank 1") }
  }

  func build(in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let shape = b.shape(of: scanned[0])
    var perBatch = states + scanned
    if let lengths { perBatch.append(try b.cast(lengths, to: .i64)) }
    var batch = GraphBuilder(inside: b)
    _ = batch.input(TensorType(.i64, []))
    let slices = perBatch.map { value in
      batch.input(TensorType(b.type(of: value).element, Array(b.shape(of: value).dropFirst())))
    }
    let (results, captured) = try steps(slices, outer: b, in: &batch)
    let scan = Scan(
      length: shape[0], carried: 0, scanned: slices.count, reversedInputs: slices.map { _ in false },
      reversedOutputs: results.map { _ in false }, body: batch.finish(outputs: results))
    return b.add(.scan(scan), perBatch + captured)
  }

  /// Adds the steps of one batch to its graph; returns its results and what the body takes from the graphs around.
  private func steps(
    _ slices: [ValueID], outer b: GraphBuilder, in batch: inout GraphBuilder
  ) throws(ModelError) -> (results: [ValueID], captured: [ValueID]) {
    let length = lengths == nil ? nil : slices[slices.count - 1]
    var inputs = Array(slices.prefix(states.count + scanned.count))
    if let length {
      for position in scanned.indices where reversed[position] {
        inputs[states.count + position] = backwards(inputs[states.count + position], length, &batch)
      }
    }
    var inner = GraphBuilder(inside: batch)
    let step = inner.input(TensorType(.i64, []))
    let arguments = inputs.enumerated().map { position, value in
      let type = batch.type(of: value)
      return inner.input(position < states.count ? type : TensorType(type.element, Array(type.shape.dropFirst())))
    }
    let limit = length.map { inner.input(batch.type(of: $0)) }
    var captured: [ValueID] = []
    var outputs = try node.importApart(
      try node.graph("body"), arguments, outer: b, captured: &captured, in: &inner)
    guard outputs.count >= states.count else {
      throw .invalid("the body graph has \(outputs.count) outputs for \(states.count) states")
    }
    for (position, state) in arguments.prefix(states.count).enumerated() {
      outputs[position] = inner.settled(outputs[position], inner.shape(of: state)) { ($0 - $1).constant == nil }
    }
    for (output, state) in zip(outputs, arguments.prefix(states.count))
    where inner.type(of: output) != inner.type(of: state) {
      throw .invalid("a state changes from \(inner.type(of: state)) to \(inner.type(of: output))")
    }
    if let limit {
      // Beyond its length a batch keeps its states; what it would stack there is zero.
      for (position, output) in outputs.enumerated() {
        let element = inner.type(of: output).element
        let otherwise = position < states.count ? arguments[position] : inner.scalar(0, element)
        outputs[position] = try inner.elementwise([step, limit, output, otherwise]) { graph, values in
          graph.select(graph.compare(.less, values[0], values[1]), values[2], values[3])
        }
      }
    }
    try inner.requireStackable(outputs.dropFirst(states.count))
    let scan = Scan(
      length: b.shape(of: scanned[0])[1], carried: states.count, scanned: scanned.count,
      reversedInputs: lengths == nil ? reversed : reversed.map { _ in false },
      reversedOutputs: [Bool](repeating: false, count: outputs.count - states.count),
      body: inner.finish(outputs: outputs))
    let passed = captured.map { batch.input(b.type(of: $0)) }
    return (batch.add(.scan(scan), inputs + (length.map { [$0] } ?? []) + passed), captured)
  }

  /// The first `length` slices in reverse.
  private func backwards(_ value: ValueID, _ length: ValueID, _ b: inout GraphBuilder) -> ValueID {
    let type = b.type(of: value)
    var body = ScalarGraph()
    let last = body.plus(body.read(1, [], type: .i64), body.integer(-1))
    let index = body.clamped(body.minus(last, body.axis(0)), extent: type.shape[0])
    let rest = type.shape.indices.dropFirst().map { body.axis($0) }
    body.results = [body.read(0, [index] + rest, type: type.element)]
    return b.map(type.shape, body, [value, length])
  }
}
