import Support
import TensorIR

/// Causal attention of grouped heads that only sees some blocks of keys, with rotation and a cache.
struct SparseAttention: Operator {
  let name = OperatorName("SparseAttention", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let (query, key, value) = try GroupQueryAttention().heads(node, try node.input(0), &b)
    let lengths = try CacheLengths(
      ends: try node.input(8), total: try node.input(7), added: query.extents(b).sequence,
      batch: query.extents(b).batch, isMeasured: false, &b)
    guard let block = try node.int("sparse_block_size"), block > 0 else {
      throw .invalid("attribute 'sparse_block_size' must be given and positive")
    }
    var turned = (query: query, key: key)
    if try node.flag("do_rotary") {
      let rotation = try GroupQueryAttention().rotation(node, caches: 9, positions: nil, lengths, &b)
      turned = (try b.turned(query, by: rotation), try b.turned(key, by: rotation))
    }
    let (pastKey, pastValue) = (try node.input(3), try node.input(4))
    guard b.shape(of: pastKey).count == 4 else {
      throw .invalid("the past has rank \(b.shape(of: pastKey).count), not 4")
    }
    let capacity = b.shape(of: pastKey)[2]
    let start = PastLength.value(lengths.starts)
    let keys = try b.cached(pastKey, turned.key, at: start, capacity: capacity, keepsRest: true)
    let values = try b.cached(pastValue, value, at: start, capacity: capacity, keepsRest: true)
    var attention = MaskedAttention(query: turned.query, key: keys, value: values, past: start)
    attention.keyPosition = lengths.keyPosition
    attention.scale = try node.float("scale", default: 0)
    attention.isCausal = true
    attention.blocks = MaskedAttention.Blocks(mask: try blockMask(node, &b), size: block)
    let (y, _, _) = try attention.build(&b)
    return [y, keys.value, values.value]
  }

  /// Which blocks of keys a block of queries sees, [layouts, blocks, blocks], from lists of columns by row.
  private func blockMask(_ node: OperatorNode, _ b: inout GraphBuilder) throws(ModelError) -> ValueID {
    let (rows, columns) = (try node.input(5), try node.input(6))
    let (ends, given) = (b.shape(of: rows), b.shape(of: columns))
    guard ends.count == 2, given.count == 2 else { throw .invalid("the block indices do not have rank 2") }
    try b.requireEqual(ends[0], given[0], "the numbers of layouts")
    let count = ends[1] - 1
    var body = ScalarGraph()
    let (layout, row, column, entry) = (body.axis(0), body.axis(1), body.axis(2), body.axis(3))
    func end(_ offset: Int) -> ScalarID {
      let place = body.affine(row, scale: 1, offset: Dim(offset))
      return body.cast(body.read(0, [layout, place], type: b.type(of: rows).element), to: .i64)
    }
    let found = body.cast(body.read(1, [layout, entry], type: b.type(of: columns).element), to: .i64)
    let isHere = body.all([
      body.compare(.lessOrEqual, end(0), entry), body.compare(.less, entry, end(1)),
      body.compare(.equal, found, column),
    ])
    body.results = [body.cast(isHere, to: .i32)]
    return b.reduce(.max, shape: [ends[0], count, count], reduced: [given[1]], operands: [rows, columns], body: body)[0]
  }
}
