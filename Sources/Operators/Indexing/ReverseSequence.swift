import Support
import TensorIR

/// The first positions of every sequence in reverse order.
struct ReverseSequence: Operator {
  let name = OperatorName("ReverseSequence", versions: 10, 28)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let lengths = try node.input(1)
    let type = b.type(of: x)
    let batch = try normalizedAxis(try node.int("batch_axis", default: 1), rank: type.rank)
    let time = try normalizedAxis(try node.int("time_axis", default: 0), rank: type.rank)
    guard batch != time else { throw .invalid("attributes 'batch_axis' and 'time_axis' are both \(batch)") }
    try b.require(lengths, "the lengths", isOneOf: .i64)
    try b.requireShape(lengths, [type.shape[batch]], "sequence_lens")
    try b.checkIndices(lengths, extents: [type.shape[time] + 1], allowsNegative: false)
    var body = ScalarGraph()
    var indices = type.shape.indices.map { body.axis($0) }
    let length = body.read(1, [indices[batch]], type: .i64)
    let mirrored = body.minus(body.plus(length, body.integer(-1)), indices[time])
    let isWithin = body.compare(.less, indices[time], length)
    indices[time] = body.clamped(body.select(isWithin, mirrored, indices[time]), extent: type.shape[time])
    body.results = [body.read(0, indices, type: type.element)]
    return [b.map(type.shape, body, [x, lengths])]
  }
}
