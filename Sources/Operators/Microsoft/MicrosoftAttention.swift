import Support
import TensorIR

/// Attention of one sequence to itself with the projection to query, key and value.
struct MicrosoftAttention: Operator {
  let name = OperatorName("Attention", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    try b.requireFloat(x)
    try b.requireSameType([x, try node.input(1)])
    let projected = try b.matrixProduct(x, try node.input(1), accumulator: b.type(of: x).element)
    return try SelfAttention(
      projected: projected, bias: node.optionalInput(2), mask: node.optionalInput(3), past: node.optionalInput(4),
      attentionBias: node.optionalInput(5), pastLength: node.optionalInput(6)
    ).build(node, in: &b)
  }
}

/// Attention over a product that holds queries, keys and values beside each other.
struct SelfAttention {
  /// [batch, sequence, widths of query, key and value]
  var projected: ValueID
  var bias: ValueID?
  var mask: ValueID?
  /// [2, batch, heads, positions, size]
  var past: ValueID?
  var attentionBias: ValueID? = nil
  var pastLength: ValueID? = nil

  /// The result and the keys and values to pass on, by the attributes of Attention.
  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let count = try node.count("num_heads")
    let shape = b.shape(of: projected)
    guard shape.count == 3 else { throw .invalid("query, key and value have rank \(shape.count), not 3") }
    let total = try b.requireConstant(shape[2], "the width of query, key and value")
    let widths = try node.ints("qkv_hidden_sizes") ?? [Int](repeating: total / 3, count: 3)
    guard widths.count == 3, widths.allSatisfy({ (0...total).contains($0) && $0 % count == 0 }), widths.reduce(0, +) == total,
      widths[0] == widths[1]
    else {
      throw .invalid("\(total) columns do not divide into queries, keys and values of \(count) heads as \(widths)")
    }
    func part(_ position: Int, _ b: inout GraphBuilder) throws(ModelError) -> Heads {
      try Heads(
        in: projected, from: widths[..<position].reduce(0, +), count: count, size: widths[position] / count,
        bias: bias, &b)
    }
    var (query, key, value) = (try part(0, &b), try part(1, &b), try part(2, &b))
    let isShared = try node.flag("past_present_share_buffer") && past != nil
    let (pastKey, pastValue) = try pastParts(&b)
    if try node.flag("do_rotary") {
      let start = isShared ? pastLength : b.integers([pastKey.map { b.shape(of: $0)[2] } ?? 0])
      guard let start else { throw .invalid("the length of the past is missing") }
      let rotation = try rotation(node, size: widths[0] / count, start, sequence: shape[1], &b)
      query = try b.turned(query, by: rotation)
      key = try b.turned(key, by: rotation)
    }
    var heads = ProjectedHeads(query: query, key: key, value: value)
    try heads.prepend(pastKey, pastValue, length: isShared ? pastLength : nil, &b)
    var attention = MaskedAttention(query: heads.query, key: heads.key, value: heads.value, past: heads.past)
    attention.keyPosition = heads.keyPosition
    attention.scale = try node.float("scale", default: 0)
    attention.maskedScore = try node.float("mask_filter_value", default: -10000)
    attention.bias = attentionBias
    attention.isCausal = try node.flag("unidirectional")
    // A mask of one column is the same for all keys, which makes no difference.
    if let mask, b.shape(of: mask).count != 2 || b.shape(of: mask)[1] != 1 { attention.mask = mask }
    let (y, _, _) = try attention.build(&b)
    return [y, node.uses(result: 1) ? stacked(heads, &b) : y]
  }

  private func pastParts(_ b: inout GraphBuilder) throws(ModelError) -> (ValueID?, ValueID?) {
    guard let past else { return (nil, nil) }
    let type = b.type(of: past)
    let what = "the past has shape \(type.shape), which are not two tensors of rank 4"
    guard type.rank == 5 else { throw .invalid(what) }
    try b.requireEqual(type.shape[0], 2, what)
    let parts = (0..<2).map { index in
      var body = ScalarGraph()
      body.results = [body.read(0, [body.integer(index)] + (0..<4).map { body.axis($0) }, type: type.element)]
      return b.map(Array(type.shape[1...]), body, [past])
    }
    return (parts[0], parts[1])
  }

  private func stacked(_ heads: ProjectedHeads, _ b: inout GraphBuilder) -> ValueID {
    let parts = [heads.key, heads.value].map { heads in
      let value = heads.headsFirst(&b)
      return b.reshape(value, [1] + b.shape(of: value))
    }
    return b.concatenate(parts, axis: 0)
  }

  /// Angles that fall with the element's position by powers of 10000.
  private func rotation(
    _ node: OperatorNode, size: Int, _ start: ValueID, sequence: Dim, _ b: inout GraphBuilder
  ) throws(ModelError) -> Rotation {
    let given = try node.int("rotary_embedding_dim", default: 0)
    let rotated = given == 0 ? size : given
    func cache(_ function: ScalarUnary, _ b: inout GraphBuilder) -> ValueID {
      var body = ScalarGraph()
      let first = body.cast(body.read(0, [], type: b.type(of: start).element), to: .i64)
      let position = body.cast(body.plus(body.axis(1), first), to: .f32)
      let exponent = body.affineNumber(body.cast(body.axis(2), to: .f32), -2 / Double(rotated), 0)
      let frequency = body.binary(.power, body.number(10000, .f32), exponent)
      body.results = [body.unary(function, body.times(position, frequency))]
      return b.map([1, sequence, Dim(rotated / 2)], body, [b.reshape(start, [])])
    }
    return Rotation(
      cosines: cache(.cos, &b), sines: cache(.sin, &b), rotated: rotated, isInterleaved: false, precision: .f32)
  }
}
