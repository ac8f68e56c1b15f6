import Support
import TensorIR

/// Attention over projected queries, keys and values, which come apart, packed or from a cache.
struct MultiHeadAttention: Operator {
  let name: OperatorName
  /// Where the arguments behind query, key and value are.
  let bias: Int
  let mask: Int
  let attentionBias: Int
  /// The past keys, followed by the past values and, for buffers, how far they are filled.
  let past: Int

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    var heads = try ProjectedHeads(
      query: try node.input(0), key: node.optionalInput(1), value: node.optionalInput(2),
      bias: node.optionalInput(bias),
      count: try node.count("num_heads"), &b)
    try heads.prepend(node.optionalInput(past), node.optionalInput(past + 1), length: node.optionalInput(past + 2), &b)
    let beams = node.optionalInput(9)
    var attention = MaskedAttention(
      query: heads.query, key: try heads.redirected(\.key, beams, &b), value: try heads.redirected(\.value, beams, &b),
      past: heads.past)
    attention.keyPosition = heads.keyPosition
    attention.scale = try node.float("scale", default: 0)
    attention.mask = node.optionalInput(mask)
    attention.maskedScore = try node.float("mask_filter_value", default: -10000)
    attention.bias = node.optionalInput(attentionBias)
    // A single query sees all keys.
    attention.isCausal = try node.flag("unidirectional") && heads.query.extents(b).sequence != 1
    let (y, scores, _) = try attention.build(&b)
    return [
      y, node.uses(result: 1) ? heads.key.headsFirst(&b) : y, node.uses(result: 2) ? heads.value.headsFirst(&b) : y,
      node.uses(result: 3) ? try products(scores, heads, like: y, &b) : y,
    ]
  }

  /// The scores of the keys that there are, the least finite number where a query does not see a key.
  private func products(_ scores: ValueID, _ heads: ProjectedHeads, like y: ValueID, _ b: inout GraphBuilder)
    throws(ModelError) -> ValueID
  {
    var shape = b.shape(of: scores)
    if case .value(let length) = heads.past {
      shape[3] = try b.scalarExtent(length, "the length of the past", as: "past") + heads.added
    }
    var body = ScalarGraph()
    let axes = (0..<4).map { body.axis($0) }
    let score = body.read(0, axes, outside: body.number(0, .f32), type: .f32)
    let least = body.number(-Double(Float.greatestFiniteMagnitude), .f32)
    body.results = [body.cast(body.binary(.max, score, least), to: b.type(of: y).element)]
    return b.map(shape, body, [scores])
  }
}

/// Attention of any number of queries, and of one query while decoding.
let multiHeadAttentions: [any Operator] = [
  MultiHeadAttention(
    name: OperatorName("MultiHeadAttention", domain: "com.microsoft", versions: 1), bias: 3, mask: 4, attentionBias: 5,
    past: 6),
  MultiHeadAttention(
    name: OperatorName("DecoderMaskedMultiHeadAttention", domain: "com.microsoft", versions: 1), bias: 10, mask: 3,
    attentionBias: 4, past: 5),
]

/// Query, key and value of an attention operator of ONNX Runtime in any of their forms.
struct ProjectedHeads {
  var query: Heads
  var key: Heads
  var value: Heads
  var past = PastLength.extent(0)
  /// The number of keys that this call adds to those of the past.
  var added: Dim = 0

  init(query: Heads, key: Heads, value: Heads) {
    self.query = query
    self.key = key
    self.value = value
  }

  /// The bias, for queries, then keys, then values, is added; keys and values of rank 4 have it already.
  init(
    query: ValueID, key: ValueID?, value: ValueID?, bias: ValueID?, count: Int, _ b: inout GraphBuilder
  ) throws(ModelError) {
    try b.requireFloat(query, "the query")
    let shape = b.shape(of: query)
    if shape.count == 5 {
      let what = "a packed query of shape \(shape) does not hold \(count) heads of query, key and value alone"
      guard key == nil, value == nil else { throw .invalid(what) }
      try b.requireEqual(shape[2], Dim(count), what)
      try b.requireEqual(shape[3], 3, what)
      let width = (bias.map { b.shape(of: $0)[0].constant ?? 0 } ?? 0) / 3
      self.query = try Heads(part: 0, of: query, bias: bias, biasOffset: 0, &b)
      self.key = try Heads(part: 1, of: query, bias: bias, biasOffset: width, &b)
      self.value = try Heads(part: 2, of: query, bias: bias, biasOffset: 2 * width, &b)
      return
    }
    guard shape.count == 3 else { throw .invalid("the query has rank \(shape.count), not 3 or 5") }
    let width = try b.requireConstant(shape[2], "the width of all heads")
    guard width % count == 0 else {
      throw .invalid("the query has shape \(shape), which does not hold \(count) heads")
    }
    guard let key else {
      // Query, key and value of every position lie one after the other.
      guard value == nil, width % (3 * count) == 0 else {
        throw .invalid("the query has shape \(shape), which does not hold \(count) heads of query, key and value")
      }
      func part(_ index: Int, _ b: inout GraphBuilder) throws(ModelError) -> Heads {
        try Heads(in: query, from: index * width / 3, count: count, size: width / 3 / count, bias: bias, &b)
      }
      self.query = try part(0, &b)
      self.key = try part(1, &b)
      self.value = try part(2, &b)
      return
    }
    try b.requireSameType([query, key] + (value.map { [$0] } ?? []))
    self.query = try Heads(in: query, from: 0, count: count, size: width / count, bias: bias, &b)
    if b.shape(of: key).count == 5 {
      let what = "the packed key has shape \(b.shape(of: key)), which needs no value and no bias"
      guard value == nil, bias == nil else { throw .invalid(what) }
      try b.requireEqual(b.shape(of: key)[2], Dim(count), what)
      try b.requireEqual(b.shape(of: key)[3], 2, what)
      self.key = try Heads(part: 0, of: key, bias: nil, biasOffset: 0, &b)
      self.value = try Heads(part: 1, of: key, bias: nil, biasOffset: 0, &b)
      return
    }
    guard let value else { throw .invalid("the value is missing") }
    self.key = try ProjectedHeads.heads(key, count, bias, width, "the key", &b)
    self.value = try ProjectedHeads.heads(value, count, bias, 2 * width, "the value", &b)
  }

  private static func heads(
    _ x: ValueID, _ count: Int, _ bias: ValueID?, _ offset: Int, _ what: String, _ b: inout GraphBuilder
  ) throws(ModelError) -> Heads {
    guard b.shape(of: x).count == 3 else { return try Heads(x, count: count, what, &b) }
    guard let bias else { return try Heads(x, count: count, what, &b) }
    let width = try b.requireConstant(b.shape(of: x)[2], "the width of all heads")
    guard width % count == 0 else {
      throw .invalid("\(what) has shape \(b.shape(of: x)), which does not hold \(count) heads")
    }
    return try Heads(in: x, from: 0, count: count, size: width / count, bias: bias, biasOffset: offset, &b)
  }

  /// Puts keys and values of earlier calls in front; with a length, they are buffers that are filled up to it.
  mutating func prepend(_ pastKey: ValueID?, _ pastValue: ValueID?, length: ValueID?, _ b: inout GraphBuilder)
    throws(ModelError)
  {
    guard let pastKey, let pastValue else {
      guard pastKey == nil, pastValue == nil else { throw .invalid("past key and value must both be given") }
      return
    }
    guard b.shape(of: pastKey).count == 4 else {
      throw .invalid("the past key has rank \(b.shape(of: pastKey).count), not 4")
    }
    added = key.extents(b).sequence
    if let length {
      past = .value(b.reshape(length, []))
      let capacity = b.shape(of: pastKey)[2]
      try b.checkIndices(length, extents: [capacity - added + 1], allowsNegative: false)
      key = try b.cached(pastKey, key, at: past, capacity: capacity, keepsRest: true)
      value = try b.cached(pastValue, value, at: past, capacity: capacity, keepsRest: true)
    } else {
      past = .extent(b.shape(of: pastKey)[2])
      key = try b.following(pastKey, key)
      value = try b.following(pastValue, value)
    }
  }

  /// Keys of a buffer exist up to those of this call.
  var keyPosition: MaskedAttention.KeyPosition? {
    guard case .value = past else { return nil }
    return { [past, added] body, operands, b, batch, index in
      let end = body.plus(past.read(&body, &operands, batch, b), body.dim(added))
      return MaskedAttention.KeyPlace(position: index, exists: body.compare(.less, index, end))
    }
  }

  /// Keys or values with the past taken from the beam that [batches, beams, positions] names.
  func redirected(_ part: KeyPath<ProjectedHeads, Heads>, _ beams: ValueID?, _ b: inout GraphBuilder)
    throws(ModelError) -> Heads
  {
    let heads = self[keyPath: part]
    guard let beams, case .value = past else { return heads }
    let type = b.type(of: beams)
    guard type.rank == 3, let count = type.shape[1].constant, count > 0 else {
      throw .invalid("the cache indirection has shape \(type.shape), not [batches, beams, positions]")
    }
    checkBeams(beams, count, &b)
    let source = b.type(of: heads.value)
    var body = ScalarGraph()
    let axes = (0..<4).map { body.axis($0) }
    var operands = [heads.value, beams]
    let isPast = body.compare(.less, axes[2], past.read(&body, &operands, axes[0], b))
    let group = body.binary(.floorDivide, axes[0], body.integer(count))
    let own = body.binary(.floorRemainder, axes[0], body.integer(count))
    let beam = body.read(1, [group, own, axes[2]], outside: body.integer(0, type.element), type: type.element)
    let row = body.plus(body.times(group, body.integer(count)), body.cast(beam, to: .i64))
    let batch = body.clamped(body.select(isPast, row, axes[0]), extent: source.shape[0])
    body.results = [body.read(0, [batch] + axes[1...], type: source.element)]
    return Heads(value: b.map(source.shape, body, operands), isSequenceFirst: false)
  }

  /// Makes a call fail that takes a past position from a beam that is not there.
  private func checkBeams(_ beams: ValueID, _ count: Int, _ b: inout GraphBuilder) {
    let type = b.type(of: beams)
    var operands = [beams]
    var body = ScalarGraph()
    let axes = (0..<3).map { body.axis($0) }
    let beam = body.cast(body.read(0, axes, type: type.element), to: .i64)
    let batch = body.plus(body.affine(axes[0], scale: count, offset: 0), axes[1])
    let isPast = body.compare(.less, axes[2], past.read(&body, &operands, batch, b))
    let isNone = body.any([
      body.compare(.less, beam, body.integer(0)), body.compare(.greaterOrEqual, beam, body.integer(count)),
    ])
    body.results = [body.all([isPast, isNone])]
    b.fail(.indexOutOfRange, ifAny: body, over: type.shape, operands)
  }
}
