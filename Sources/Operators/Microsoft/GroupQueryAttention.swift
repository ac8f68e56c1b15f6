import Support
import TensorIR

/// Causal attention of grouped heads with rotation and a cache of keys and values, which may be quantized or slide.
struct GroupQueryAttention: Operator {
  let name = OperatorName("GroupQueryAttention", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    try b.requireFloat(x, "the query")
    var (query, key, value) = try heads(node, x, &b)
    let last = try node.input(5)
    let ends = try b.elementwise([last]) { $0.plus($1[0], $0.integer(1, $0.type(of: $1[0]))) }
    // The sizes of results depend on the total; without results it need not be known.
    let lengths = try CacheLengths(
      ends: ends, total: try node.input(6), added: query.extents(b).sequence, batch: query.extents(b).batch,
      isMeasured: (1...3).contains { node.uses(result: $0) }, &b)
    if let queryWeight = node.optionalInput(14), let keyWeight = node.optionalInput(15) {
      let epsilon = try node.float("qk_norm_epsilon", default: 1e-6)
      query = try normalized(query, queryWeight, epsilon, &b)
      key = try normalized(key, keyWeight, epsilon, &b)
    }
    if try node.flag("do_rotary") {
      let rotation = try rotation(node, caches: 7, positions: node.optionalInput(9), lengths, &b)
      query = try b.turned(query, by: rotation)
      key = try b.turned(key, by: rotation)
    }
    let keys = try cache(node, key, past: 3, scale: 12, type: "k_quant_type", lengths, &b)
    let values = try cache(node, value, past: 4, scale: 13, type: "v_quant_type", lengths, &b)
    let window = try node.int("local_window_size", default: -1)
    guard window > 0 || !keys.slides else { throw .invalid("a sliding cache needs a 'local_window_size'") }
    var attention = MaskedAttention(
      query: query, key: try keys.all(window: window, &b), value: try values.all(window: window, &b),
      past: .value(lengths.starts))
    attention.keyPosition = keys.keyPosition(window: window)
    attention.scale = try node.float("scale", default: 0)
    attention.softcap = try node.float("softcap", default: 0)
    attention.bias = node.optionalInput(10)
    attention.isCausal = try node.flag("causal", default: true)
    attention.window = window > 0 ? window : nil
    attention.sink = node.optionalInput(11)
    if attention.sink == nil, try node.int("smooth_softmax", default: -1) == 1 {
      attention.sink = try b.broadcast(b.scalar(0, .f32), to: [query.extents(b).heads])
    }
    let (y, scores, probabilities) = try attention.build(&b)
    return [
      y, node.uses(result: 1) ? try keys.present(window: window, &b) : y,
      node.uses(result: 2) ? try values.present(window: window, &b) : y,
      node.uses(result: 3) ? try products(node, scores, probabilities, lengths, &b) : y,
    ]
  }

  /// Query, key and value as heads.
  func heads(_ node: OperatorNode, _ x: ValueID, _ b: inout GraphBuilder) throws(ModelError) -> (
    Heads, Heads, Heads
  ) {
    let count = try node.count("num_heads")
    let shared = try node.count("kv_num_heads")
    if let key = node.optionalInput(1) {
      let value = try node.input(2)
      try b.requireSameType([x, key, value])
      return (
        try Heads(x, count: count, "the query", &b), try Heads(key, count: shared, "the key", &b),
        try Heads(value, count: shared, "the value", &b)
      )
    }
    let parts = count + 2 * shared
    let width = try b.requireConstant(b.shape(of: x).last ?? 0, "the width of the packed query")
    guard width % parts == 0 else {
      throw .invalid("the packed query has shape \(b.shape(of: x)), which does not divide into \(parts) heads")
    }
    let size = width / parts
    return (
      try Heads(in: x, from: 0, count: count, size: size, bias: nil, &b),
      try Heads(in: x, from: count * size, count: shared, size: size, bias: nil, &b),
      try Heads(in: x, from: (count + shared) * size, count: shared, size: size, bias: nil, &b)
    )
  }

  private func normalized(_ heads: Heads, _ weight: ValueID, _ epsilon: Double, _ b: inout GraphBuilder)
    throws(ModelError) -> Heads
  {
    let element = b.type(of: heads.value).element
    let (value, _) = try b.divideByRootMeanSquare(heads.value, [3], epsilon: epsilon, stash: .f32)
    let scaled = try b.elementwise([value, weight]) { $0.times($1[0], $0.cast($1[1], to: .f32)) }
    return Heads(value: try b.cast(scaled, to: element), isSequenceFirst: heads.isSequenceFirst)
  }

  /// The rotation by caches at a position of the arguments.
  func rotation(
    _ node: OperatorNode, caches: Int, positions: ValueID?, _ lengths: CacheLengths, _ b: inout GraphBuilder
  ) throws(ModelError) -> Rotation {
    let (cosines, sines) = (try node.input(caches), try node.input(caches + 1))
    let half = try b.angleColumns(cosines, sines)
    return Rotation(
      cosines: cosines, sines: sines, rotated: 2 * half, isInterleaved: try node.flag("rotary_interleaved"),
      precision: .f32, positions: try lengths.positions(given: positions, &b))
  }

  private func cache(
    _ node: OperatorNode, _ heads: Heads, past: Int, scale: Int, type: String, _ lengths: CacheLengths,
    _ b: inout GraphBuilder
  ) throws(ModelError) -> KeyValueCache {
    let kind = try node.string(type, default: "NONE")
    guard ["NONE", "PER_TENSOR", "PER_CHANNEL"].contains(kind) else {
      throw .invalid("attribute '\(type)' is '\(kind)'")
    }
    let width = try node.int("kv_cache_bit_width", default: 0)
    let quantization = kind == "NONE" ? nil : CacheQuantization(scale: try node.input(scale), isPacked: width == 4)
    return try KeyValueCache(
      past: node.optionalInput(past), heads: heads, quantization: quantization, lengths: lengths,
      slides: try node.flag("sliding_window_cache"), &b)
  }

  /// The scores or the probabilities of the keys that there are; 0 where a query does not see a key.
  private func products(
    _ node: OperatorNode, _ scores: ValueID, _ probabilities: ValueID, _ lengths: CacheLengths, _ b: inout GraphBuilder
  ) throws(ModelError) -> ValueID {
    let isScores = try node.int("qk_output", default: 0) == 1
    let element = b.type(of: try node.input(0)).element
    var shape = b.shape(of: scores)
    shape[3] = lengths.knownTotal ?? shape[3]
    var body = ScalarGraph()
    let zero = body.number(0, .f32)
    let value = body.read(0, (0..<4).map { body.axis($0) }, outside: zero, type: .f32)
    let isHidden = body.compare(.equal, value, body.number(-.infinity, .f32))
    body.results = [body.cast(body.select(isHidden, zero, value), to: element)]
    return b.map(shape, body, [isScores ? scores : probabilities])
  }
}

/// How many keys every batch has before and after a call.
struct CacheLengths {
  /// The number of positions of this call.
  let added: Dim
  /// The number of keys before this call, by batch.
  let starts: ValueID
  /// The number of keys after this call, by batch.
  let ends: ValueID
  /// The largest number of keys after this call, of all batches: one element.
  let total: ValueID
  /// The total as an extent, where something needs it.
  let knownTotal: Dim?

  init(
    ends given: ValueID, total: ValueID, added: Dim, batch: Dim, isMeasured: Bool, _ b: inout GraphBuilder
  ) throws(ModelError) {
    try b.requireEqual(b.shape(of: given).product, batch, "the number of lengths is not that of batches")
    try b.requireEqual(b.shape(of: total).product, 1, "the total is no single number")
    self.added = added
    self.total = b.reshape(total, [1])
    ends = try b.cast(b.reshape(given, [batch]), to: .i64)
    knownTotal =
      isMeasured
      ? try b.scalarExtent(total, "the total sequence length", as: "total") : b.knownIntegers(total).map { $0[0] }
    // The first call begins at 0, even if the sequence of a batch is shorter than the others.
    starts = try b.elementwise([ends, self.total]) { graph, values in
      let isFirst = graph.compare(.equal, graph.cast(values[1], to: .i64), graph.dim(added))
      return graph.select(isFirst, graph.integer(0), graph.minus(values[0], graph.dim(added)))
    }
  }

  /// The positions of this call's elements by batch; given ones count up from their first element in the first call.
  func positions(given: ValueID?, _ b: inout GraphBuilder) throws(ModelError) -> ValueID {
    let batch = b.shape(of: starts)[0]
    var body = ScalarGraph()
    let (row, column) = (body.axis(0), body.axis(1))
    guard let given else {
      body.results = [body.plus(body.read(0, [row], type: .i64), column)]
      return b.map([batch, added], body, [starts])
    }
    let type = b.type(of: given)
    guard type.rank == 2, type.element == .i64 else { throw .invalid("the positions are \(type), not i64 of rank 2") }
    let total = body.cast(body.read(1, [body.integer(0)], type: b.type(of: self.total).element), to: .i64)
    let zero = body.integer(0)
    let first = body.read(0, [zero, zero], outside: zero, type: .i64)
    let own = body.read(0, [type.shape[0] == 1 ? zero : row, column], outside: zero, type: .i64)
    let isFirst = body.compare(.equal, total, body.dim(added))
    body.results = [body.select(isFirst, body.plus(first, column), own)]
    return b.map([batch, added], body, [given, self.total])
  }

  /// Keys of a cache stand where their position is and exist up to their number.
  var keyPosition: MaskedAttention.KeyPosition {
    { body, operands, _, batch, index in
      operands.append(ends)
      let end = body.read(operands.count - 1, [batch], type: .i64)
      return MaskedAttention.KeyPlace(position: index, exists: body.compare(.less, index, end))
    }
  }
}
