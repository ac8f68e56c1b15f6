import Support
import TensorIR

/// Keys or values of earlier calls with those of this call.
struct KeyValueCache {
  /// [batch, heads, positions, size] as stored
  var past: ValueID?
  /// Those of this call, as stored.
  var heads: Heads
  var quantization: CacheQuantization?
  var lengths: CacheLengths
  /// Whether the cache only keeps the last positions, at its front.
  var slides: Bool

  init(
    past: ValueID?, heads: Heads, quantization: CacheQuantization?, lengths: CacheLengths, slides: Bool,
    _ b: inout GraphBuilder
  ) throws(ModelError) {
    self.past = past
    self.quantization = quantization
    self.lengths = lengths
    self.slides = slides
    let element = past.map { b.type(of: $0).element }
    self.heads = try quantization?.quantized(heads, to: element, &b) ?? heads
    if let past { try b.requirePast(past, fits: self.heads) }
  }

  /// All keys that this call may see: those of the cache in their order, or, if it slides, all that it held and the new
  /// ones.
  func all(window: Int, _ b: inout GraphBuilder) throws(ModelError) -> Heads {
    let stored: Heads
    if slides {
      stored = try past.map { value throws(ModelError) in try b.following(value, heads) } ?? heads
    } else {
      stored = try b.cached(past, heads, at: .value(lengths.starts), capacity: capacity(b), keepsRest: false)
    }
    return try quantization?.restored(stored, &b) ?? stored
  }

  /// The number of positions of the cache after this call.
  private func capacity(_ b: GraphBuilder) -> Dim {
    let before = past.map { b.shape(of: $0)[2] } ?? 0
    if slides, past != nil { return before }
    return lengths.knownTotal.map { .maximum($0, before) } ?? before + lengths.added
  }

  /// The cache after this call.
  func present(window: Int, _ b: inout GraphBuilder) throws(ModelError) -> ValueID {
    let capacity = capacity(b)
    guard slides else {
      return try b.cached(past, heads, at: .value(lengths.starts), capacity: capacity, keepsRest: false).value
    }
    let extents = heads.extents(b)
    let element = b.type(of: heads.value).element
    var operands = [heads.value, lengths.starts, lengths.ends]
    var body = ScalarGraph()
    let axes = (0..<4).map { body.axis($0) }
    let (start, end) = (body.read(1, [axes[0]], type: .i64), body.read(2, [axes[0]], type: .i64))
    let held = body.held(end, capacity, window)
    let position = body.plus(body.minus(end, held), axes[2])
    let index = heads.index(axes[0], axes[1], body.minus(position, start), axes[3])
    let zero = body.number(0, element)
    var value = body.read(0, index, outside: zero, type: element)
    if let past {
      let row = body.minus(position, body.minus(start, body.held(start, capacity, window)))
      let old = body.read(operands.count, [axes[0], axes[1], row, axes[3]], outside: zero, type: element)
      operands.append(past)
      value = body.select(body.compare(.less, position, start), old, value)
    }
    body.results = [body.select(body.compare(.less, axes[2], held), value, zero)]
    return b.map([extents.batch, extents.heads, capacity, extents.size], body, operands)
  }

  /// Where the keys of `all` stand in the sequence.
  func keyPosition(window: Int) -> MaskedAttention.KeyPosition {
    { body, operands, b, batch, index in
      guard slides else { return lengths.keyPosition(&body, &operands, b, batch, index) }
      let first = operands.count
      operands += [lengths.starts, lengths.ends]
      let (start, end) = (body.read(first, [batch], type: .i64), body.read(first + 1, [batch], type: .i64))
      let capacity = past.map { b.shape(of: $0)[2] } ?? 0
      let held = body.held(start, capacity, window)
      let isOld = body.compare(.less, index, body.dim(capacity))
      let old = body.plus(body.minus(start, held), index)
      let new = body.plus(body.minus(index, body.dim(capacity)), start)
      let exists = body.select(isOld, body.compare(.less, index, held), body.compare(.less, new, end))
      return MaskedAttention.KeyPlace(position: body.select(isOld, old, new), exists: exists)
    }
  }
}

extension ScalarGraph {
  /// How many of `count` positions a sliding cache holds: enough for the window, and as many more as fit before it has
  /// to drop all that is older than the window.
  fileprivate mutating func held(_ count: ScalarID, _ capacity: Dim, _ window: Int) -> ScalarID {
    let step = dim(.maximum(capacity - window + 1, 1))
    let excess = binary(.max, minus(count, dim(capacity)), integer(0))
    let steps = binary(.floorDivide, plus(excess, minus(step, integer(1))), step)
    return minus(count, times(steps, step))
  }
}

/// Storage of keys or values as small numbers with a scale for all or for every channel.
struct CacheQuantization {
  /// Broadcasts to the cache as [batch, heads, positions, size].
  var scale: ValueID
  /// Whether a byte holds two numbers of 4 bits, the first one low, each 8 more than its value.
  var isPacked: Bool

  func quantized(_ heads: Heads, to stored: ElementType?, _ b: inout GraphBuilder) throws(ModelError) -> Heads {
    let element = stored ?? (isPacked ? .u8 : .i8)
    guard isPacked ? element == .u8 : element == .i8 || element == .f8e4m3fn else {
      throw .unsupported("a cache of \(element.rawValue) with \(isPacked ? 4 : 8) bits is not supported")
    }
    var shape = b.shape(of: heads.value)
    let given = b.type(of: heads.value).element
    var body = ScalarGraph()
    let axes = (0..<4).map { body.axis($0) }
    func number(_ inner: ScalarID) throws(ModelError) -> ScalarID {
      let value = body.cast(body.read(0, Array(axes[..<3]) + [inner], type: given), to: .f32)
      let order = heads.index(0, 1, 2, 3)
      var position = [axes[0], axes[1], axes[2], inner]
      position = order.map { position[$0] }
      return body.over(value, try factor(position, &body, b))
    }
    guard isPacked else {
      body.results = [body.quantize(try number(axes[3]), zeroPoint: nil, to: element)]
      return Heads(value: b.map(shape, body, [heads.value, scale]), isSequenceFirst: heads.isSequenceFirst)
    }
    guard shape[3].remainder(by: 2) == 0 else { throw .invalid("heads of \(shape[3]) elements do not pack in pairs") }
    shape[3] = shape[3].floorDivided(by: 2)
    func nibble(_ offset: Int) throws(ModelError) -> ScalarID {
      let inner = body.affine(axes[3], scale: 2, offset: Dim(offset))
      let rounded = body.unary(.rint, try number(inner))
      let low = body.binary(.max, rounded, body.number(-8, .f32))
      return body.cast(body.affineNumber(body.binary(.min, low, body.number(7, .f32)), 1, 8), to: .i32)
    }
    let high = body.times(try nibble(1), body.integer(16, .i32))
    body.results = [body.cast(body.plus(high, try nibble(0)), to: .u8)]
    return Heads(value: b.map(shape, body, [heads.value, scale]), isSequenceFirst: heads.isSequenceFirst)
  }

  func restored(_ heads: Heads, _ b: inout GraphBuilder) throws(ModelError) -> Heads {
    let type = b.type(of: heads.value)
    var shape = type.shape
    var body = ScalarGraph()
    let axes = (0..<4).map { body.axis($0) }
    var indices = axes
    if isPacked {
      shape[3] = shape[3] * 2
      indices[3] = body.binary(.floorDivide, axes[3], body.integer(2))
    }
    let stored = body.read(0, indices, type: type.element)
    var value = body.cast(stored, to: .f32)
    if isPacked {
      let half = body.times(body.binary(.floorRemainder, axes[3], body.integer(2)), body.integer(4))
      let shifted = body.binary(.shiftRight, body.cast(stored, to: .i32), body.cast(half, to: .i32))
      let nibble = body.minus(body.binary(.and, shifted, body.integer(15, .i32)), body.integer(8, .i32))
      value = body.cast(nibble, to: .f32)
    }
    let position = heads.index(0, 1, 2, 3).map { axes[$0] }
    body.results = [body.times(value, try factor(position, &body, b))]
    return Heads(value: b.map(shape, body, [heads.value, scale]), isSequenceFirst: heads.isSequenceFirst)
  }

  /// The scale at [batch, head, position, element].
  private func factor(_ position: [ScalarID], _ body: inout ScalarGraph, _ b: GraphBuilder) throws(ModelError)
    -> ScalarID
  {
    let type = b.type(of: scale)
    guard type.element == .f32, type.rank <= 4 else { throw .invalid("the scale of the cache is \(type)") }
    let own = zip(type.shape, position.suffix(type.rank)).map { extent, index in
      extent == 1 ? body.integer(0) : index
    }
    return body.read(1, own, type: .f32)
  }
}
