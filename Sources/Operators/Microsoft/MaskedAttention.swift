import Support
import TensorIR

/// Scaled dot-product attention as ONNX Runtime computes it: in `f32`, with additive masks.
struct MaskedAttention {
  var query: Heads
  var key: Heads
  var value: Heads
  /// The number of keys before those of this call.
  var past = PastLength.extent(0)
  /// The factor of all products; 0 for the inverse root of the head size.
  var scale = 0.0
  /// The bound that scores approach, if it is positive.
  var softcap = 0.0
  /// Integers that tell which keys count; see `keyIsValid`.
  var mask: ValueID?
  /// What is added to the score of a key that does not count.
  var maskedScore = -10000.0
  /// Added to the scores: [batch or 1, heads or 1, queries or 1, keys or 1].
  var bias: ValueID?
  /// Whether queries only see keys up to their own position.
  var isCausal = false
  /// How many keys a query sees, itself included.
  var window: Int?
  /// One more score for every head, which takes part in the sum of the softmax alone.
  var sink: ValueID?
  /// The blocks of keys that blocks of queries see, if they do not see all.
  var blocks: Blocks?
  /// Computes the position of a key in the sequence, and whether there is a key at all, by batch and index.
  var keyPosition: KeyPosition?

  /// A mask [layouts, blocks of queries, blocks of keys] of integers; the layouts take turns with the heads.
  struct Blocks {
    var mask: ValueID
    var size: Int
  }

  typealias KeyPosition =
    (inout ScalarGraph, inout [ValueID], GraphBuilder, _ batch: ScalarID, _ index: ScalarID) -> KeyPlace

  /// The position of a key in its sequence, and the condition under which there is one.
  struct KeyPlace {
    var position: ScalarID
    var exists: ScalarID?
  }

  /// The result as [batch, queries, heads * size], the scores with masks, and the probabilities.
  func build(_ b: inout GraphBuilder) throws(ModelError) -> (result: ValueID, scores: ValueID, probabilities: ValueID) {
    let group = try query.group(over: key, b)
    let (rows, columns) = (query.extents(b), value.extents(b))
    let keys = key.extents(b)
    try b.requireEqual(rows.size, keys.size, "the sizes of query and key heads")
    try b.requireEqual(keys.heads, columns.heads, "the numbers of key and value heads")
    try b.requireEqual(rows.batch, keys.batch, "the batches of query and key")
    try b.requireEqual(keys.batch, columns.batch, "the batches of key and value")
    try b.requireEqual(keys.sequence, columns.sequence, "the lengths of key and value")
    let raw = b.scores(query, key, group, in: .f32) { graph, sum in
      let size = graph.cast(graph.dim(rows.size), to: .f32)
      let scaled = scale != 0 ? graph.affineNumber(sum, scale, 0) : graph.over(sum, graph.unary(.sqrt, size))
      guard softcap > 0 else { return scaled }
      return graph.affineNumber(graph.unary(.tanh, graph.affineNumber(scaled, 1 / softcap, 0)), softcap, 0)
    }
    let scores = try masked(raw, &b)
    let sinks = try sink.map { value throws(ModelError) in
      b.reshape(try b.cast(value, to: .f32), [1, rows.heads, 1, 1])
    }
    let probabilities = try b.maskedSoftmax(scores, sink: sinks)
    return (b.weighted(probabilities, value, group, isFlat: true), scores, probabilities)
  }

  /// The scores with mask and bias; -infinity where a query does not see a key.
  private func masked(_ raw: ValueID, _ b: inout GraphBuilder) throws(ModelError) -> ValueID {
    let shape = b.shape(of: raw)
    var operands = [raw]
    var body = ScalarGraph()
    let axes = (0..<4).map { body.axis($0) }
    var score = body.read(0, axes, type: .f32)
    let start = past.read(&body, &operands, axes[0], b)
    let key = keyPosition?(&body, &operands, b, axes[0], axes[3]) ?? KeyPlace(position: axes[3])
    if let bias {
      let type = b.type(of: bias)
      guard type.rank == 4 else { throw .invalid("the attention bias has rank \(type.rank), not 4") }
      let indices = type.shape.indices.map { axis in
        axis < 3 ? (type.shape[axis] == 1 ? body.integer(0) : axes[axis]) : key.position
      }
      // Entries that are missing at the end of the last axis count as 0.
      for axis in 0..<3 where type.shape[axis] != 1 {
        try b.requireEqual(type.shape[axis], shape[axis], "attention bias and scores in dimension \(axis)")
      }
      let added = body.read(operands.count, indices, outside: body.number(0, type.element), type: type.element)
      operands.append(bias)
      score = body.plus(score, body.cast(added, to: .f32))
    }
    if let mask {
      let isValid = try keyIsValid(mask, axes, shape, start, &body, operands.count, b)
      operands.append(mask)
      score = body.plus(score, body.select(isValid, body.number(0, .f32), body.number(maskedScore, .f32)))
    }
    let position = body.plus(axes[2], start)
    var conditions = key.exists.map { [$0] } ?? []
    if isCausal { conditions.append(body.compare(.lessOrEqual, key.position, position)) }
    if let window {
      conditions.append(body.compare(.less, body.minus(position, key.position), body.integer(window)))
    }
    if let blocks {
      let layouts = body.dim(.maximum(b.shape(of: blocks.mask)[0], 1))
      let places = [position, key.position].map { body.binary(.floorDivide, $0, body.integer(blocks.size)) }
      let index = [body.binary(.floorRemainder, axes[1], layouts)] + places
      let zero = body.integer(0, .i32)
      conditions.append(
        body.compare(.notEqual, body.read(operands.count, index, outside: zero, type: .i32), zero))
      operands.append(blocks.mask)
    }
    if !conditions.isEmpty { score = body.select(body.all(conditions), score, body.number(-.infinity, .f32)) }
    body.results = [score]
    return operands.count == 1 && conditions.isEmpty ? raw : b.map(shape, body, operands)
  }

  /// Whether a key counts, by a mask of one of these shapes: [batch], the keys' lengths; [2 * batch], ends followed by
  /// starts; [3 * batch + 2], lengths followed by what does not matter here; [batch, keys]; [batch, queries, keys];
  /// [batch, 1, positions, positions].
  private func keyIsValid(
    _ mask: ValueID, _ axes: [ScalarID], _ shape: [Dim], _ start: ScalarID, _ body: inout ScalarGraph, _ operand: Int,
    _ b: GraphBuilder
  ) throws(ModelError) -> ScalarID {
    let type = b.type(of: mask)
    guard type.element.isInteger else { throw .invalid("the mask is \(type.element.rawValue), not integers") }
    let zero = body.integer(0, type.element)
    func entry(_ indices: [ScalarID], _ body: inout ScalarGraph) -> ScalarID {
      let given = zip(type.shape, indices).map { extent, index in extent == 1 ? body.integer(0) : index }
      // A mask that is too short excludes the keys beyond it.
      return body.compare(.greater, body.read(operand, given, outside: zero, type: type.element), zero)
    }
    switch type.rank {
    case 1:
      let batch = shape[0]
      if let count = type.shape[0].constant, let batch = batch.constant,
        ![batch, 2 * batch, 3 * batch + 2].contains(count)
      {
        throw .invalid("a mask of \(count) elements does not fit \(batch) batches")
      }
      let end = body.cast(body.read(operand, [axes[0]], outside: zero, type: type.element), to: .i64)
      let isBefore = body.compare(.less, axes[3], end)
      guard type.shape[0] == shape[0] * 2 else { return isBefore }
      let first = body.plus(axes[0], body.dim(shape[0]))
      let begin = body.cast(body.read(operand, [first], outside: zero, type: type.element), to: .i64)
      return body.binary(.and, isBefore, body.compare(.lessOrEqual, begin, axes[3]))
    case 2:
      guard case .extent(let count) = past, count != 0, type.shape[1] == shape[3] - count else {
        return entry([axes[0], axes[3]], &body)
      }
      // It only covers the keys of this call.
      let isPast = body.compare(.less, axes[3], start)
      return body.binary(.or, isPast, entry([axes[0], body.minus(axes[3], start)], &body))
    case 3: return entry([axes[0], axes[2], axes[3]], &body)
    case 4: return entry([axes[0], body.integer(0), body.plus(axes[2], start), axes[3]], &body)
    default: throw .invalid("the mask has rank \(type.rank)")
    }
  }
}

/// The number of keys before those of this call.
enum PastLength {
  case extent(Dim)
  /// Known at run time: one number, or one by batch.
  case value(ValueID)

  /// The number as `i64`; its operand is added if there is one.
  func read(
    _ body: inout ScalarGraph, _ operands: inout [ValueID], _ batch: ScalarID, _ b: GraphBuilder
  ) -> ScalarID {
    switch self {
    case .extent(let extent): return body.dim(extent)
    case .value(let value):
      let type = b.type(of: value)
      operands.append(value)
      let index = type.shape.map { $0 == 1 ? body.integer(0) : batch }
      return body.cast(body.read(operands.count - 1, index, type: type.element), to: .i64)
    }
  }
}

extension Heads {
  /// Heads of `size` elements beside each other in the last axis of [batch, sequence, width], from an element on, plus
  /// a bias of the same width.
  init(
    in x: ValueID, from offset: Int, count: Int, size: Int, bias: ValueID?, biasOffset: Int? = nil,
    _ b: inout GraphBuilder
  ) throws(ModelError) {
    let type = b.type(of: x)
    guard type.rank == 3, offset + count * size <= type.shape[2].constant ?? .max else {
      throw .invalid("an argument of shape \(type.shape) does not hold \(count) heads of \(size) elements")
    }
    try self.init(
      shape: [type.shape[0], type.shape[1], Dim(count), Dim(size)], reading: x, bias: bias,
      biasOffset: biasOffset ?? offset, &b
    ) { body, axes in
      let inner = body.plus(body.times(axes[2], body.integer(size)), body.plus(axes[3], body.integer(offset)))
      return [axes[0], axes[1], inner]
    }
  }

  /// One part of heads that are packed as [batch, sequence, heads, parts, size].
  init(part: Int, of x: ValueID, bias: ValueID?, biasOffset: Int, _ b: inout GraphBuilder) throws(ModelError) {
    let shape = b.shape(of: x)
    try self.init(
      shape: [shape[0], shape[1], shape[2], shape[4]], reading: x, bias: bias, biasOffset: biasOffset, &b
    ) { body, axes in [axes[0], axes[1], axes[2], body.integer(part), axes[3]] }
  }

  private init(
    shape: [Dim], reading x: ValueID, bias: ValueID?, biasOffset: Int, _ b: inout GraphBuilder,
    at index: (inout ScalarGraph, [ScalarID]) -> [ScalarID]
  ) throws(ModelError) {
    var body = ScalarGraph()
    let axes = (0..<4).map { body.axis($0) }
    var element = body.read(0, index(&body, axes), type: b.type(of: x).element)
    if let bias {
      try b.requireSameType([x, bias])
      guard let size = shape[3].constant, let count = shape[2].constant else {
        throw .unsupported("the head size is symbolic", hint: "bind it with --dim")
      }
      let given = b.shape(of: bias)
      guard given.count == 1, biasOffset + count * size <= given[0].constant ?? .max else {
        throw .invalid("the bias has shape \(given), which is too short for \(count) heads of \(size) elements")
      }
      let inner = body.plus(body.times(axes[2], body.integer(size)), body.plus(axes[3], body.integer(biasOffset)))
      element = body.plus(element, body.read(1, [inner], type: b.type(of: bias).element))
    }
    body.results = [element]
    self.init(value: b.map(shape, body, [x] + (bias.map { [$0] } ?? [])), isSequenceFirst: true)
  }
}

extension GraphBuilder {
  /// Past heads [batch, heads, positions, size] with those of this call behind them.
  mutating func following(_ past: ValueID, _ heads: Heads) throws(ModelError) -> Heads {
    try requirePast(past, fits: heads)
    return Heads(value: concatenate([past, heads.headsFirst(&self)], axis: 2), isSequenceFirst: false)
  }

  /// Past heads [batch, heads, positions, size] with those of this call from a position on, in a cache of `capacity`
  /// positions; what lies behind them is zero or, if it is kept, as it was.
  mutating func cached(
    _ past: ValueID?, _ heads: Heads, at start: PastLength, capacity: Dim, keepsRest: Bool
  ) throws(ModelError) -> Heads {
    let new = heads.extents(self)
    let element = type(of: heads.value).element
    var operands = [heads.value]
    var body = ScalarGraph()
    let axes = (0..<4).map { body.axis($0) }
    let first = start.read(&body, &operands, axes[0], self)
    var old = body.number(0, element)
    if let past {
      try requirePast(past, fits: heads)
      old = body.read(operands.count, axes, outside: old, type: element)
      operands.append(past)
    }
    let index = heads.index(axes[0], axes[1], body.minus(axes[2], first), axes[3])
    let added = body.read(0, index, outside: keepsRest ? old : body.number(0, element), type: element)
    body.results = [body.select(body.compare(.less, axes[2], first), old, added)]
    return Heads(value: map([new.batch, new.heads, capacity, new.size], body, operands), isSequenceFirst: false)
  }

  mutating func requirePast(_ past: ValueID, fits heads: Heads) throws(ModelError) {
    let (given, new) = (shape(of: past), heads.extents(self))
    let what = "the past has shape \(given), which does not fit \(new.heads) heads of \(new.size)"
    guard given.count == 4 else { throw .invalid(what) }
    try requireEqual(given[1], new.heads, what)
    try requireEqual(given[0], new.batch, "the batches of past and present")
    try requireEqual(given[3], new.size, "the head sizes of past and present")
    try requireSameType([past, heads.value])
  }
}
