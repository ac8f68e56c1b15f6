import Support
import TensorIR

/// Scaled dot-product attention with grouped heads, masks, soft caps and key-value caches.
struct Attention: Operator {
  let name = OperatorName("Attention", versions: 23, 24, 25)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let isFlat = b.shape(of: try node.input(0)).count == 3
    var query = try Heads(try node.input(0), count: node.int("q_num_heads"), "the query", &b)
    var key = try Heads(try node.input(1), count: node.int("kv_num_heads"), "the key", &b)
    var value = try Heads(try node.input(2), count: node.int("kv_num_heads"), "the value", &b)
    var frontier = Frontier(past: 0, lengths: node.optionalInput(6))
    if let pastKey = node.optionalInput(4) {
      guard let pastValue = node.optionalInput(5), b.shape(of: pastKey).count == 4, b.shape(of: pastValue).count == 4
      else {
        throw .invalid("past_key and past_value must both be given, with rank 4")
      }
      for (past, current) in [(pastKey, key), (pastValue, value)] {
        let extents = current.extents(b)
        try b.requireShape(
          past, [extents.batch, extents.heads, b.shape(of: past)[2], extents.size], "past_key or past_value")
      }
      frontier.past = b.shape(of: pastKey)[2]
      key.value = b.concatenate([pastKey, key.headsFirst(&b)], axis: 2)
      value.value = b.concatenate([pastValue, value.headsFirst(&b)], axis: 2)
      (key.isSequenceFirst, value.isSequenceFirst) = (false, false)
    }
    try Heads.requireFit(query: query, key: key, value: value, &b)
    if let lengths = frontier.lengths { try b.requireShape(lengths, [query.extents(b).batch], "nonpad_kv_seqlen") }
    let group = try query.group(over: key, b)
    let element = b.type(of: query.value).element
    let size = query.extents(b).size
    let scale = try node.float("scale", default: 0)
    let cap = try node.float("softcap", default: 0)
    func factor(_ graph: inout ScalarGraph) -> ScalarID {
      if scale != 0 { return graph.number(scale, .f64) }
      let root = graph.unary(.sqrt, graph.cast(graph.dim(size), to: .f64))
      return graph.over(graph.number(1, .f64), root)
    }
    // The specification scales both factors by the root, which matters where products are rounded to half precision.
    let scalesFactors = element == .f16 || element == .bf16
    let unscaledKey = key
    if scalesFactors {
      let scaleByRoot = { (graph: inout ScalarGraph, values: [ScalarID]) in
        graph.times(values[0], graph.cast(graph.unary(.sqrt, factor(&graph)), to: element))
      }
      query.value = try b.elementwise([query.value], scaleByRoot)
      key.value = try b.elementwise([key.value], scaleByRoot)
    }
    let raw = b.scores(query, key, group, in: element) { graph, sum in
      let scaled = scalesFactors ? sum : graph.times(sum, graph.cast(factor(&graph), to: element))
      guard cap > 0 else { return scaled }
      return graph.affineNumber(graph.unary(.tanh, graph.over(scaled, graph.number(cap, element))), cap, 0)
    }
    let masked = try mask(raw, node, frontier, &b)
    let precision = try node.elementType("softmax_precision") ?? element
    let probabilities = try b.cast(try b.maskedSoftmax(try b.cast(masked, to: precision)), to: element)
    let weights = try b.cast(probabilities, to: b.type(of: value.value).element)
    let y = try b.cast(b.weighted(weights, value, group, isFlat: isFlat), to: element)
    let modes = [raw, raw, masked, probabilities]
    let mode = try node.int("qk_matmul_output_mode", default: 0)
    guard modes.indices.contains(mode) else { throw .invalid("attribute 'qk_matmul_output_mode' is \(mode)") }
    return [
      y, node.uses(result: 1) ? unscaledKey.headsFirst(&b) : y, node.uses(result: 2) ? value.headsFirst(&b) : y,
      modes[mode],
    ]
  }

  /// Adds the mask and puts -infinity where attention is not allowed.
  private func mask(
    _ scores: ValueID, _ node: OperatorNode, _ frontier: Frontier, _ b: inout GraphBuilder
  ) throws(ModelError) -> ValueID {
    let type = b.type(of: scores)
    let isCausal = try node.flag("is_causal")
    let left = try node.int("left_window_size", default: -1)
    let right = try node.int("right_window_size", default: -1)
    var operands = [scores]
    var body = ScalarGraph()
    let axes = (0..<4).map { body.axis($0) }
    var score = body.read(0, axes, type: type.element)
    var conditions: [ScalarID] = []
    if let mask = node.optionalInput(3) {
      let maskType = b.type(of: mask)
      guard maskType.rank >= 1, maskType.rank <= 4 else { throw .invalid("the mask has rank \(maskType.rank)") }
      _ = try b.broadcast([Array(type.shape.dropLast()), Array(maskType.shape.dropLast())])
      try b.requireAtMost(
        maskType.shape[maskType.rank - 1], type.shape[3],
        "the mask has shape \(maskType.shape), which is too long for \(type.shape[3]) keys")
      let lead = 4 - maskType.rank
      // A mask that is too short excludes the keys beyond it.
      let indices = maskType.shape.indices.map { axis in
        maskType.shape[axis] == 1 && type.shape[lead + axis] != 1 && axis < maskType.rank - 1
          ? body.integer(0) : axes[lead + axis]
      }
      let isBool = maskType.element == .bool
      let element = isBool || maskType.element.isFloat ? maskType.element : type.element
      let outside = isBool ? body.integer(0, .bool) : body.number(-.infinity, element)
      let value = body.read(1, indices, outside: outside, type: element)
      operands.append(try b.cast(mask, to: element))
      if isBool { conditions.append(value) } else { score = body.plus(score, body.cast(value, to: type.element)) }
    }
    var offset = body.dim(frontier.past)
    if let lengths = frontier.lengths {
      let length = body.read(operands.count, [axes[0]], type: b.type(of: lengths).element)
      operands.append(lengths)
      conditions.append(body.compare(.less, axes[3], length))
      offset = body.minus(length, body.dim(type.shape[2]))
    }
    let position = body.plus(axes[2], offset)
    if isCausal { conditions.append(body.compare(.lessOrEqual, axes[3], position)) }
    if left >= 0 {
      conditions.append(body.compare(.lessOrEqual, body.minus(position, axes[3]), body.integer(left)))
    }
    if right >= 0 {
      conditions.append(body.compare(.lessOrEqual, body.minus(axes[3], position), body.integer(right)))
    }
    if !conditions.isEmpty { score = body.select(body.all(conditions), score, body.number(-.infinity, type.element)) }
    body.results = [score]
    return operands.count == 1 && conditions.isEmpty ? scores : b.map(type.shape, body, operands)
  }
}

/// Where the queries stand among the keys.
private struct Frontier {
  /// Keys before those of this call.
  var past: Dim
  /// The number of valid keys of every batch.
  var lengths: ValueID?
}
