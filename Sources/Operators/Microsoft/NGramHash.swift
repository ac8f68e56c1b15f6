import Support
import TensorIR

/// How n-grams are hashed: for every n from 2 to `order` and each of its moduli, which are called heads.
struct NGramHash {
  /// The greatest n.
  let order: Int
  private let heads: Int
  private let multipliers: ValueID
  private let moduli: ValueID
  /// Added to a hash, by head.
  private let offsets: ValueID?
  /// Stands for tokens that are missing or cut off, a scalar.
  let filler: ValueID
  /// Tokens before this one are cut off, where it is given.
  private let end: ValueID?

  init(
    _ node: OperatorNode, _ tokens: ValueID, rank: Int, offsets: ValueID?, end: ValueID?, _ b: inout GraphBuilder
  ) throws(ModelError) {
    let type = b.type(of: tokens)
    try b.require(tokens, "the tokens", isOneOf: .i32, .i64)
    guard let order = try node.int("max_ngram_size"), order >= 2, let heads = try node.int("n_head_per_ngram"),
      heads > 0, let padding = try node.int("pad_id"), type.rank == rank
    else {
      throw .invalid(
        "attributes 'max_ngram_size', 'n_head_per_ngram' and 'pad_id' must be given, for tokens of rank \(rank)")
    }
    guard order <= 64, heads <= 1 << 20 else {
      throw .unsupported("\(heads) hashes of up to \(order) tokens are not supported")
    }
    (self.order, self.heads, self.offsets) = (order, heads, offsets)
    (multipliers, moduli) = (try node.input(1), try node.input(2))
    let count = (order - 1) * heads
    for (value, least) in [(multipliers, order), (moduli, count)] + (offsets.map { [($0, count)] } ?? []) {
      try b.requireSameType([tokens, value])
      let shape = b.shape(of: value)
      let message = "multipliers, moduli or offsets have shape \(shape); \(least) elements are needed"
      guard shape.count == 1 else { throw .invalid(message) }
      try b.requireAtMost(Dim(least), shape[0], message)
    }
    var isBad = ScalarGraph()
    let modulus = isBad.read(0, [isBad.axis(0)], type: type.element)
    isBad.results = [isBad.compare(.lessOrEqual, modulus, isBad.integer(0, type.element))]
    b.fail(.badDimension, ifAny: isBad, over: [Dim(count)], [moduli])
    if let end {
      try b.requireSameType([tokens, end])
      try b.requireEqual(b.shape(of: end).product, 1, "the token that ends a sequence")
    }
    let scalar = end.map { b.reshape($0, []) }
    filler = scalar ?? b.constant(ConstantTensor(type.element, dims: [], integers: [padding]))
    self.end = try node.flag("reset_on_eos") ? scalar : nil
  }

  /// The hashes of tokens whose last axis is the token at a position and those before it; a change of segment cuts
  /// tokens off.
  func hashes(of windows: ValueID, segments: ValueID?, _ b: inout GraphBuilder) -> ValueID {
    let type = b.type(of: windows)
    let outer = Array(type.shape.dropLast())
    var operands = [windows, multipliers, moduli, filler]
    func operand(_ value: ValueID) -> Int {
      operands.append(value)
      return operands.count - 1
    }
    var body = ScalarGraph()
    let place = outer.indices.map { body.axis($0) }
    let head = body.axis(outer.count)
    let filler = body.read(3, [], type: type.element)
    let end = end.map { body.read(operand($0), [], type: type.element) }
    let segments = segments.map { (operand: operand($0), type: b.type(of: $0).element) }
    var isCut = body.integer(0, .bool)
    var mix = body.integer(0)
    var chosen = mix
    let number = body.binary(.floorDivide, head, body.integer(heads))
    for shift in 0..<order {
      func element(_ operand: Int, _ shift: Int, _ type: ElementType) -> ScalarID {
        body.read(operand, place + [body.integer(shift)], type: type)
      }
      let token = element(0, shift, type.element)
      if shift > 0 {
        if let end { isCut = body.binary(.or, isCut, body.compare(.equal, token, end)) }
        if let segments {
          let before = element(segments.operand, shift, segments.type)
          let own = element(segments.operand, shift - 1, segments.type)
          isCut = body.binary(.or, isCut, body.compare(.notEqual, before, own))
        }
      }
      let value = body.select(isCut, filler, token)
      let factor = body.read(1, [body.integer(shift)], type: type.element)
      mix = body.binary(.xor, mix, body.cast(body.times(value, factor), to: .i64))
      if shift > 0 { chosen = body.select(body.compare(.greaterOrEqual, number, body.integer(shift - 1)), mix, chosen) }
    }
    let modulus = body.cast(body.read(2, [head], type: type.element), to: .i64)
    var hash = body.cast(body.binary(.floorRemainder, chosen, body.nonZeroDivisor(modulus)), to: type.element)
    if let offsets { hash = body.plus(hash, body.read(operand(offsets), [head], type: type.element)) }
    body.results = [hash]
    return b.map(outer + [Dim((order - 1) * heads)], body, operands)
  }
}
