import Support
import TensorIR

/// Attention as a recurrence over a matrix of state per head, with optional decay and delta rule.
struct LinearAttention: Operator {
  let name: OperatorName

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let query = try node.input(0)
    let rule = try node.string("update_rule", default: "gated_delta")
    guard ["linear", "gated", "delta", "gated_delta"].contains(rule) else {
      throw .invalid("attribute 'update_rule' is '\(rule)'")
    }
    let (isGated, isDelta) = (rule.hasPrefix("gated"), rule.hasSuffix("delta"))
    let (decay, beta) = (node.optionalInput(4), node.optionalInput(5))
    guard isGated == (decay != nil), isDelta == (beta != nil) else {
      throw .invalid("update rule '\(rule)' does not go with the given decay and beta")
    }
    let (heads, shared) = (try node.count("q_num_heads"), try node.count("kv_num_heads"))
    guard heads % shared == 0 || shared % heads == 0 else {
      throw .invalid("of attributes 'q_num_heads' and 'kv_num_heads' one must be a multiple of the other")
    }
    let element = b.type(of: query).element
    let queries = try slices(query, heads, "the query", &b)
    let keys = try keys(try node.input(1), size: b.shape(of: queries)[3], heads: shared, &b)
    let values = try slices(try node.input(2), shared, "the value", &b)
    let (steps, batch) = (b.shape(of: keys)[0], b.shape(of: keys)[1])
    let (keySize, valueSize) = (b.shape(of: keys)[3], b.shape(of: values)[3])
    let stateShape = [batch, Dim(shared), keySize, valueSize]
    let zeros = try b.broadcast(b.scalar(0, .f32), to: stateShape)
    let window = try StateWindow(node)
    let initial =
      try node.optionalInput(3).map { value throws(ModelError) in
        try b.cast(window.last(value, &b), to: .f32)
      } ?? zeros
    try b.requireShape(initial, stateShape, "the state")
    var scanned = [queries, keys, values]
    // Decay and beta have one number per head, or decay one per element of the key.
    if let given = decay {
      let decay = b.completed(given, groups: Dim(shared), of: keySize)
      let isWhole = keySize != 1 && b.shape(of: decay).last != Dim(shared)
      try b.requireShape(decay, [batch, steps, Dim(shared) * (isWhole ? keySize : 1)], "the decay")
      scanned.append(try isWhole ? slices(decay, shared, "the decay", &b) : columns(decay, &b))
    }
    if let given = beta {
      let beta = b.completed(given, groups: 1, of: Dim(shared))
      let isSingle = b.shape(of: beta).last == 1
      try b.requireShape(beta, [batch, steps, isSingle ? 1 : Dim(shared)], "the beta")
      scanned.append(try columns(beta, &b))
    }
    for value in scanned {
      let shape = b.shape(of: value)
      try b.requireEqual(shape[0], steps, "the arguments differ in their number of steps")
      try b.requireEqual(shape[1], batch, "the arguments differ in their number of batches")
    }
    try b.requireEqual(b.shape(of: queries)[3], keySize, "queries and keys differ in size")
    var inner = GraphBuilder(inside: b)
    _ = inner.input(TensorType(.i64, []))
    var state = inner.input(TensorType(.f32, stateShape))
    let inputs = scanned.map { inner.input(TensorType(.f32, Array(b.shape(of: $0).dropFirst()))) }
    let key = inner.reshape(inputs[1], [batch, Dim(shared), keySize, 1])
    var value = inner.reshape(inputs[2], [batch, Dim(shared), 1, valueSize])
    if isGated {
      let shape = inner.shape(of: inputs[3])
      state = try inner.elementwise([state, inner.reshape(inputs[3], shape + [1])]) {
        $0.times($1[0], $0.unary(.exp, $1[1]))
      }
    }
    if isDelta, let last = inputs.last {
      let products = try inner.elementwise([state, key]) { $0.times($1[0], $1[1]) }
      let retrieved = inner.reduceAxes(products, [2], keepsAxes: true, .sum)
      let factor = inner.reshape(last, inner.shape(of: last) + [1])
      value = try inner.elementwise([factor, value, retrieved]) { $0.times($1[0], $0.minus($1[1], $1[2])) }
    }
    let next = try inner.elementwise([state, key, value]) { $0.plus($1[0], $0.times($1[1], $1[2])) }
    let output = try read(next, inputs[0], heads, shared, try node.float("scale", default: 0), &inner)
    let count = scanned.count
    let scan = Scan(
      length: steps, carried: 1, scanned: count, reversedInputs: [Bool](repeating: false, count: count),
      reversedOutputs: [Bool](repeating: false, count: window.size > 0 ? 2 : 1),
      body: inner.finish(outputs: [next, output] + (window.size > 0 ? [next] : [])))
    let results = b.add(.scan(scan), [initial] + scanned)
    let stacked = b.transpose(results[1], [1, 0, 2, 3])
    let y = try b.cast(b.reshape(stacked, [batch, steps, Dim(max(heads, shared)) * valueSize]), to: element)
    let stateElement = node.optionalInput(3).map { b.type(of: $0).element } ?? element
    let present = window.size > 0 ? window.states(of: results[2], step: 0, &b) : results[0]
    return [y, try b.cast(present, to: stateElement)]
  }

  /// The keys, of which groups of heads may share one.
  private func keys(_ x: ValueID, size: Dim, heads: Int, _ b: inout GraphBuilder) throws(ModelError) -> ValueID {
    guard let width = b.shape(of: x).last?.constant, let size = size.constant, size > 0, width > 0, width != heads * size
    else { return try slices(x, heads, "the key", &b) }
    let count = width / size
    guard width % size == 0, heads % count == 0 else {
      throw .invalid("keys of \(width) elements do not divide into those of \(heads) heads of \(size)")
    }
    let parts = try slices(x, count, "the key", &b)
    var shape = b.shape(of: parts)
    shape[2] = Dim(heads)
    var body = ScalarGraph()
    let own = body.binary(.floorDivide, body.axis(2), body.integer(heads / count))
    body.results = [body.read(0, [body.axis(0), body.axis(1), own, body.axis(3)], type: .f32)]
    return b.map(shape, body, [parts])
  }

  /// The scaled product of queries with the state of their heads.
  private func read(
    _ state: ValueID, _ query: ValueID, _ heads: Int, _ shared: Int, _ scale: Double, _ b: inout GraphBuilder
  ) throws(ModelError) -> ValueID {
    let shape = b.shape(of: state)
    var body = ScalarGraph()
    let (batch, head, column, row) = (body.axis(0), body.axis(1), body.axis(2), body.axis(3))
    let own = body.binary(.floorDivide, head, body.integer(max(heads / shared, 1)))
    let asking = body.binary(.floorDivide, head, body.integer(max(shared / heads, 1)))
    let entry = body.read(0, [batch, own, row, column], type: .f32)
    body.results = [body.times(body.read(1, [batch, asking, row], type: .f32), entry)]
    return b.reduce(
      .sum, shape: [shape[0], Dim(max(heads, shared)), shape[3]], reduced: [shape[2]], operands: [state, query],
      body: body
    ) { graph, sums in
      if scale != 0 { return [graph.affineNumber(sums[0], scale, 0)] }
      let root = graph.unary(.sqrt, graph.cast(graph.dim(shape[2]), to: .f32))
      return [graph.over(sums[0], root)]
    }[0]
  }

  /// [batch, steps, heads * size] as [steps, batch, heads, size] in `f32`.
  private func slices(
    _ x: ValueID, _ heads: Int, _ what: String, _ b: inout GraphBuilder
  ) throws(ModelError) -> ValueID {
    let parts = try Heads(x, count: heads, what, &b)
    guard parts.isSequenceFirst else { throw .invalid("\(what) has rank 4, not 3") }
    return try b.cast(b.transpose(parts.value, [1, 0, 2, 3]), to: .f32)
  }

  /// [batch, steps, n] as [steps, batch, n, 1] in `f32`.
  private func columns(_ x: ValueID, _ b: inout GraphBuilder) throws(ModelError) -> ValueID {
    try b.cast(b.transpose(b.reshape(x, b.shape(of: x) + [1]), [1, 0, 2, 3]), to: .f32)
  }
}

/// Linear attention as standardized, and of ONNX Runtime.
let linearAttentions: [any Operator] = [
  LinearAttention(name: OperatorName("LinearAttention", versions: 27)),
  LinearAttention(name: OperatorName("LinearAttention", domain: "com.microsoft", versions: 1)),
]

extension GraphBuilder {
  /// An argument whose last extent only a call knows, one or `size` elements for each group, with `size` elements for
  /// each.
  fileprivate mutating func completed(_ x: ValueID, groups: Dim, of size: Dim) -> ValueID {
    let type = type(of: x)
    guard let last = type.shape.last, last.constant == nil, last != groups, last != groups * size else { return x }
    let own = last.floorDivided(by: groups)
    assume([DimFact(own * groups, .equal, last), DimFact((own - 1) * (own - size), .equal, 0)])
    var body = ScalarGraph()
    var indices = type.shape.indices.map { body.axis($0) }
    let column = indices[type.rank - 1]
    let group = body.binary(.floorDivide, column, body.dim(size))
    let place = body.binary(.min, body.binary(.floorRemainder, column, body.dim(size)), body.dim(own - 1))
    indices[type.rank - 1] = body.plus(body.times(group, body.dim(own)), place)
    body.results = [body.read(0, indices, type: type.element)]
    return map(type.shape.dropLast() + [groups * size], body, [x])
  }
}
