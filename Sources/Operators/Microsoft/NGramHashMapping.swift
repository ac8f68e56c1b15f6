import Support
import TensorIR

/// Hashes of the n-grams that end at every token, for several n and several moduli each.
struct NGramHashMapping: Operator {
  let name = OperatorName("NGramHashMapping", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let tokens = try node.input(0)
    let type = b.type(of: tokens)
    try b.require(tokens, "the tokens", isOneOf: .i32, .i64)
    guard let order = try node.int("max_ngram_size"), order >= 2, let heads = try node.int("n_head_per_ngram"),
      heads > 0,
      let padding = try node.int("pad_id"), type.rank == 2
    else {
      throw .invalid("attributes 'max_ngram_size', 'n_head_per_ngram' and 'pad_id' must be given, for tokens of rank 2")
    }
    let history = try history(node, order, padding, &b)
    var operands = [history, try node.input(1), try node.input(2)]
    var body = ScalarGraph()
    let (batch, position, head) = (body.axis(0), body.axis(1), body.axis(2))
    func token(_ shift: Int) -> ScalarID {
      let own = body.read(
        0, [batch, body.affine(position, scale: 1, offset: Dim(order - 1 - shift))], type: type.element)
      return body.cast(own, to: .i64)
    }
    var first = body.integer(0)
    if let boundaries = try boundaries(node, history, order, &b) {
      operands.append(boundaries)
      first = body.read(operands.count - 1, [batch, position], type: .i64)
    }
    var end: ScalarID?
    if let token = node.optionalInput(5) {
      operands.append(b.reshape(token, []))
      end = body.cast(body.read(operands.count - 1, [], type: type.element), to: .i64)
    }
    var mixes: [ScalarID] = []
    for shift in 0..<order {
      var value = token(shift)
      if shift > 0, let end {
        let place = body.affine(position, scale: 1, offset: Dim(order - 1 - shift))
        value = body.select(body.compare(.less, place, first), end, value)
      } else if shift > 0 {
        let place = body.affine(position, scale: 1, offset: Dim(order - 1 - shift))
        value = body.select(body.compare(.less, place, first), body.integer(padding), value)
      }
      let factor = body.cast(body.read(1, [body.integer(shift)], type: type.element), to: .i64)
      let term = body.cast(body.cast(body.times(value, factor), to: type.element), to: .i64)
      mixes.append(mixes.last.map { body.binary(.xor, $0, term) } ?? term)
    }
    let number = body.binary(.floorDivide, head, body.integer(heads))
    var mix = mixes[1]
    for size in 2..<max(order, 2) {
      mix = body.select(body.compare(.equal, number, body.integer(size - 1)), mixes[size], mix)
    }
    let modulus = body.cast(body.read(2, [head], type: type.element), to: .i64)
    var hash = body.binary(.floorRemainder, mix, body.nonZeroDivisor(modulus))
    if let offsets = node.optionalInput(4) {
      operands.append(offsets)
      hash = body.plus(hash, body.cast(body.read(operands.count - 1, [head], type: type.element), to: .i64))
    }
    body.results = [body.cast(hash, to: type.element)]
    let count = (order - 1) * heads
    for (position, least) in [(1, order), (2, count), (4, count)] {
      guard let value = node.optionalInput(position) else { continue }
      guard b.shape(of: value).count == 1, b.shape(of: value)[0].constant ?? 0 >= least else {
        throw .invalid("argument \(position) has shape \(b.shape(of: value)); \(least) elements are needed")
      }
    }
    let y = b.map(type.shape + [Dim(count)], body, operands)
    return [y, b.slice(history, axis: 1, from: type.shape[1], count: Dim(order - 1))]
  }

  /// The tokens behind those of earlier calls.
  private func history(_ node: OperatorNode, _ order: Int, _ padding: Int, _ b: inout GraphBuilder) throws(ModelError)
    -> ValueID
  {
    let tokens = try node.input(0)
    let type = b.type(of: tokens)
    let shape = [type.shape[0], Dim(order - 1)]
    if let past = node.optionalInput(3) {
      try b.requireSameType([tokens, past])
      try b.requireShape(past, shape, "the past")
      return b.concatenate([past, tokens], axis: 1)
    }
    let filler = node.optionalInput(5).map { b.reshape($0, []) } ?? b.scalar(Double(padding), type.element)
    return b.concatenate([try b.broadcast(filler, to: shape), tokens], axis: 1)
  }

  /// For every token the first position of the history that its n-grams may reach, if ends of sequences cut them.
  private func boundaries(_ node: OperatorNode, _ history: ValueID, _ order: Int, _ b: inout GraphBuilder)
    throws(ModelError) -> ValueID?
  {
    let shape = b.shape(of: try node.input(0))
    let end = try node.flag("reset_on_eos") ? node.optionalInput(5) : nil
    let segments = node.optionalInput(6)
    guard end != nil || segments != nil else { return nil }
    let element = b.type(of: history).element
    var operands = [history]
    var body = ScalarGraph()
    let (batch, position, candidate) = (body.axis(0), body.axis(1), body.axis(2))
    // Candidates are positions of the history before that of the token.
    let own = body.affine(position, scale: 1, offset: Dim(order - 1))
    let isBefore = body.compare(.less, candidate, own)
    var first = body.integer(0)
    if let end {
      operands.append(b.reshape(end, []))
      let isEnd = body.compare(
        .equal, body.read(0, [batch, candidate], type: element), body.read(operands.count - 1, [], type: element))
      let next = body.affine(candidate, scale: 1, offset: 1)
      first = body.select(body.binary(.and, isBefore, isEnd), next, first)
    }
    if let segments {
      operands.append(segments)
      let type = b.type(of: segments)
      try b.requireShape(segments, shape, "the segments")
      let zero = body.integer(0, type.element)
      let place = body.affine(candidate, scale: 1, offset: Dim(1 - order))
      func segment(_ offset: Int) -> ScalarID {
        body.read(
          operands.count - 1, [batch, body.affine(place, scale: 1, offset: Dim(offset))], outside: zero,
          type: type.element)
      }
      let isNew = body.all([
        body.compare(.greater, place, body.integer(0)), body.compare(.lessOrEqual, candidate, own),
        body.compare(.notEqual, segment(0), segment(-1)),
      ])
      first = body.binary(.max, first, body.select(isNew, candidate, body.integer(0)))
    }
    body.results = [first]
    return b.reduce(.max, shape: shape, reduced: [b.shape(of: history)[1]], operands: operands, body: body)[0]
  }
}
