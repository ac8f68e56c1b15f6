import Support
import TensorIR

/// Hashes of the n-grams that end at every token of several sequences in one vector.
struct VarlenNGramHashMapping: Operator {
  let name = OperatorName("VarlenNGramHashMapping", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let tokens = try node.input(0)
    let hash = try NGramHash(node, tokens, rank: 1, offsets: node.optionalInput(5), end: node.optionalInput(6), &b)
    let count = b.shape(of: tokens)[0]
    let sequences = try PackedSequences(starts: try node.input(3), count: count, history: hash.order - 1, &b)
    let fillers = try b.broadcast(hash.filler, to: sequences.historyShape)
    let past = node.optionalInput(4) ?? fillers
    let ids = try sequences.elements(tokens, past: past, &b)
    var segments: PackedElements?
    if let given = node.optionalInput(7) {
      try b.requireShape(given, [count], "the segments")
      let past = node.optionalInput(8) ?? sequences.firstElements(given, &b)
      segments = try sequences.elements(given, past: past, &b)
    } else if node.optionalInput(8) != nil || node.uses(result: 2) {
      throw .invalid("segments of earlier or later calls need segments of this one")
    }
    let windows = ids.windows(hash.order, &b)
    let hashes = hash.hashes(of: windows, segments: segments?.windows(hash.order, &b), &b)
    let results = [hashes, ids.last(&b), segments?.last(&b) ?? hashes]
    return results + (try captured(node, ids, &b).map { [$0] } ?? [])
  }

  /// The histories after each of the first tokens of every sequence, as many as asked for.
  private func captured(_ node: OperatorNode, _ ids: PackedElements, _ b: inout GraphBuilder) throws(ModelError)
    -> ValueID?
  {
    let capacity = try node.int("state_update_capacity", default: 0)
    guard (0...8).contains(capacity) else {
      throw .invalid("attribute 'state_update_capacity' is \(capacity), not 0 to 8")
    }
    guard let counts = node.optionalInput(9), capacity > 0 else {
      guard node.optionalInput(9) == nil, capacity == 0 else {
        let given = capacity == 0 ? "given" : "not given"
        throw .invalid("attribute 'state_update_capacity' is \(capacity) where argument 9 is \(given)")
      }
      return nil
    }
    try b.require(counts, "argument 9", isOneOf: .i32)
    try b.requireShape(counts, [ids.sequences.batch], "argument 9")
    let padding = try node.int("pad_id", default: 0)
    return ids.histories(capacity, counts, otherwise: padding, &b)
  }
}

/// Sequences one after the other in a vector, each with elements of a history before its first.
struct PackedSequences {
  let batch: Dim
  /// How many elements the vector has.
  let count: Dim
  let history: Int
  /// Where every sequence starts and the last one ends, as `i64`.
  let starts: ValueID
  /// The sequence of every element.
  let owners: ValueID

  init(starts given: ValueID, count: Dim, history: Int, _ b: inout GraphBuilder) throws(ModelError) {
    try b.require(given, "the starts", isOneOf: .i32)
    guard b.shape(of: given).count == 1 else {
      throw .invalid("the starts have shape \(b.shape(of: given)), not rank 1")
    }
    batch = b.shape(of: given)[0] - 1
    try b.requireAtMost(1, batch, "the starts of sequences")
    starts = try b.cast(given, to: .i64)
    (self.count, self.history) = (count, history)
    var isWrong = ScalarGraph()
    let place = isWrong.axis(0)
    func start(_ place: ScalarID) -> ScalarID { isWrong.read(0, [place], type: .i64) }
    let (own, next) = (start(place), start(isWrong.plus(place, isWrong.integer(1))))
    func differs(_ a: ScalarID, _ b: ScalarID, at position: Dim) -> ScalarID {
      isWrong.all([isWrong.compare(.equal, place, isWrong.dim(position)), isWrong.compare(.notEqual, a, b)])
    }
    isWrong.results = [
      isWrong.any([
        isWrong.compare(.greaterOrEqual, own, next), differs(own, isWrong.integer(0), at: 0),
        differs(next, isWrong.dim(count), at: batch - 1),
      ])
    ]
    b.fail(.indexOutOfRange, ifAny: isWrong, over: [batch], [starts])
    var body = ScalarGraph()
    let end = body.read(0, [body.plus(body.axis(1), body.integer(1))], type: .i64)
    body.results = [body.cast(body.compare(.lessOrEqual, end, body.axis(0)), to: .i64)]
    owners = b.reduce(.sum, shape: [count], reduced: [batch], operands: [starts], body: body)[0]
  }

  var historyShape: [Dim] { [batch, Dim(history)] }

  func elements(_ values: ValueID, past: ValueID, _ b: inout GraphBuilder) throws(ModelError) -> PackedElements {
    try b.requireSameType([values, past])
    try b.requireShape(past, historyShape, "what precedes the sequences")
    return PackedElements(sequences: self, values: values, past: past)
  }

  /// The first element of every sequence as its history.
  func firstElements(_ values: ValueID, _ b: inout GraphBuilder) -> ValueID {
    let element = b.type(of: values).element
    var body = ScalarGraph()
    let start = body.read(1, [body.axis(0)], type: .i64)
    body.results = [body.read(0, [start], outside: body.integer(0, element), type: element)]
    return b.map(historyShape, body, [values, starts])
  }
}

/// The elements of packed sequences and of their histories.
struct PackedElements {
  let sequences: PackedSequences
  let values: ValueID
  let past: ValueID

  /// Elements of sequences at positions in the vector; those before the start of a sequence are of its history.
  private func map(
    _ shape: [Dim], _ further: [ValueID], _ b: inout GraphBuilder,
    place: (inout ScalarGraph) -> (sequence: ScalarID, position: ScalarID),
    finish: (inout ScalarGraph, ScalarID) -> ScalarID = { $1 }
  ) -> ValueID {
    let element = b.type(of: values).element
    var body = ScalarGraph()
    let (sequence, position) = place(&body)
    let start = body.read(2, [sequence], outside: body.integer(0), type: .i64)
    let (offset, zero) = (body.minus(position, start), body.integer(0, element))
    let earlier = body.read(
      1, [sequence, body.affine(offset, scale: 1, offset: Dim(sequences.history))], outside: zero, type: element)
    let isOwn = body.compare(.greaterOrEqual, offset, body.integer(0))
    let value = body.select(isOwn, body.read(0, [position], outside: zero, type: element), earlier)
    body.results = [finish(&body, value)]
    return b.map(shape, body, [values, past, sequences.starts] + further)
  }

  /// For every element of the vector itself and those before it.
  func windows(_ size: Int, _ b: inout GraphBuilder) -> ValueID {
    map([sequences.count, Dim(size)], [sequences.owners], &b) { body in
      (body.read(3, [body.axis(0)], type: .i64), body.minus(body.axis(0), body.axis(1)))
    }
  }

  /// The histories for a later call.
  func last(_ b: inout GraphBuilder) -> ValueID {
    map(sequences.historyShape, [], &b) { body in
      let end = body.read(2, [body.plus(body.axis(0), body.integer(1))], type: .i64)
      return (body.axis(0), body.plus(end, body.affine(body.axis(1), scale: 1, offset: Dim(-sequences.history))))
    }
  }

  /// The histories after each of the first elements of a sequence, up to a number of them and the sequence's length.
  func histories(_ capacity: Int, _ counts: ValueID, otherwise: Int, _ b: inout GraphBuilder) -> ValueID {
    let shape = [sequences.batch, Dim(capacity), Dim(sequences.history)]
    let element = b.type(of: values).element
    return map(shape, [counts], &b) { body in
      let start = body.read(2, [body.axis(0)], type: .i64)
      let place = body.plus(body.axis(1), body.affine(body.axis(2), scale: 1, offset: Dim(1 - sequences.history)))
      return (body.axis(0), body.plus(start, place))
    } finish: { body, value in
      let (sequence, turn) = (body.axis(0), body.axis(1))
      let start = body.read(2, [sequence], type: .i64)
      let end = body.read(2, [body.plus(sequence, body.integer(1))], type: .i64)
      let count = body.cast(body.read(3, [sequence], type: .i32), to: .i64)
      let isThere = body.all([
        body.compare(.less, turn, count), body.compare(.less, body.plus(start, turn), end),
      ])
      return body.select(isThere, value, body.integer(otherwise, element))
    }
  }
}
