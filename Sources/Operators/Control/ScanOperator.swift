import Support
import TensorIR

/// A body graph run over slices of tensors.
struct ScanOperator: Operator {
  let name = OperatorName("Scan", versions: 8, 9, 11, 16, 19, 21, 23, 24, 25)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    if node.version < 9 { return try BatchedScan(node, &b).build(in: &b) }
    let body = try node.graph("body")
    let values = try node.inputs()
    guard let scanned = try node.int("num_scan_inputs"), scanned >= 1, scanned <= values.count else {
      throw .invalid("attribute 'num_scan_inputs' does not fit \(values.count) arguments")
    }
    let carried = values.count - scanned
    let stackedCount = body.outputs.count - carried
    guard stackedCount >= 0 else {
      throw .invalid("the body graph has \(body.outputs.count) outputs for \(carried) states")
    }
    let inputAxes = try list(node, "scan_input_axes", scanned)
    let outputAxes = try list(node, "scan_output_axes", stackedCount)
    var operands = Array(values.prefix(carried))
    for (value, axis) in zip(values.dropFirst(carried), inputAxes) {
      let rank = b.shape(of: value).count
      let from = try normalizedAxis(axis, rank: rank, name: "scan_input_axes:")
      operands.append(b.transpose(value, [from] + (0..<rank).filter { $0 != from }))
    }
    let lengths = operands.dropFirst(carried).map { b.shape(of: $0)[0] }
    for length in lengths { try b.requireEqual(length, lengths[0], "the scanned arguments have lengths \(lengths)") }
    var inner = GraphBuilder(inside: b)
    _ = inner.input(TensorType(.i64, []))
    var inputs = operands.prefix(carried).map { inner.input(b.type(of: $0)) }
    for value in operands.dropFirst(carried) {
      let type = b.type(of: value)
      inputs.append(inner.input(TensorType(type.element, Array(type.shape.dropFirst()))))
    }
    var captured: [ValueID] = []
    var outputs = try node.importApart(body, inputs, outer: b, captured: &captured, in: &inner)
    for (position, state) in inputs.prefix(carried).enumerated() where position < outputs.count {
      let shape = inner.shape(of: state)
      outputs[position] = inner.settled(outputs[position], shape) { ($0 - $1).constant == nil }
    }
    for (output, state) in zip(outputs, inputs.prefix(carried)) where inner.type(of: output) != inner.type(of: state) {
      throw .invalid("a state changes from \(inner.type(of: state)) to \(inner.type(of: output))")
    }
    try inner.requireStackable(outputs.dropFirst(carried))
    let scan = Scan(
      length: lengths[0], carried: carried, scanned: scanned,
      reversedInputs: try list(node, "scan_input_directions", scanned).map { $0 != 0 },
      reversedOutputs: try list(node, "scan_output_directions", stackedCount).map { $0 != 0 },
      body: inner.finish(outputs: outputs))
    var results = b.add(.scan(scan), operands + captured)
    for (position, axis) in outputAxes.enumerated() {
      let value = results[carried + position]
      let rank = b.shape(of: value).count
      let to = try normalizedAxis(axis, rank: rank, name: "scan_output_axes:")
      var order = Array(1..<rank)
      order.insert(0, at: to)
      results[carried + position] = b.transpose(value, order)
    }
    return results
  }

  private func list(_ node: OperatorNode, _ name: String, _ count: Int) throws(ModelError) -> [Int] {
    let values = try node.ints(name) ?? [Int](repeating: 0, count: count)
    guard values.count == count else { throw .invalid("attribute '\(name)' has \(values.count) numbers, not \(count)") }
    return values
  }
}
