import Support
import TensorIR

/// The normalized sum of the embeddings of words, positions and segments, and the length of each row of the mask.
struct EmbedLayerNormalization: Operator {
  let name = OperatorName("EmbedLayerNormalization", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let words = try node.input(0)
    guard b.shape(of: words).count == 2 else { throw .invalid("the words have rank \(b.shape(of: words).count), not 2") }
    var tables = [(try node.input(2), Optional(words)), (try node.input(3), node.optionalInput(8))]
    if let segments = node.optionalInput(1) { tables.append((try node.input(4), segments)) }
    let sum = try embedded(tables, b.shape(of: words), &b)
    let element = b.type(of: sum).element
    let normal = try b.standardize(sum, [2], epsilon: try node.float("epsilon", default: 1e-12), stash: .f32)
    let y = try b.scaleAndShift(try b.cast(normal.value, to: element), try node.input(5), node.optionalInput(6))
    return [y, node.uses(result: 1) ? try lengths(node.optionalInput(7), b.shape(of: words)[0], &b) : y, sum]
  }

  /// The sum of the rows that indices pick from tables; without indices the position in the sequence picks them.
  private func embedded(_ tables: [(ValueID, ValueID?)], _ shape: [Dim], _ b: inout GraphBuilder) throws(ModelError)
    -> ValueID
  {
    try b.requireSameType(tables.map { $0.0 })
    try b.requireFloat(tables[0].0, "the embedding")
    let element = b.type(of: tables[0].0).element
    let width = b.shape(of: tables[0].0).last ?? 0
    var operands: [ValueID] = []
    var body = ScalarGraph()
    let axes = (0..<3).map { body.axis($0) }
    var sum: ScalarID?
    for (table, indices) in tables {
      let rows = b.shape(of: table)
      guard rows.count == 2, (rows[1] - width).constant ?? 0 == 0 else {
        throw .invalid("an embedding has shape \(rows), not rows of \(width)")
      }
      var position = axes[1]
      if let indices {
        try b.require(indices, "the indices", isOneOf: .i32, .i64)
        let type = b.type(of: indices)
        _ = try broadcastShape([type.shape, shape])
        let lead = 2 - type.rank
        guard lead >= 0 else { throw .invalid("indices of an embedding have rank \(type.rank)") }
        let given = type.shape.enumerated().map { axis, extent in
          extent == 1 && shape[lead + axis] != 1 ? body.integer(0) : axes[lead + axis]
        }
        position = body.read(operands.count, given, type: type.element)
        operands.append(indices)
      }
      let row = body.read(
        operands.count, [body.wrappedIndex(position, extent: rows[0]), axes[2]], type: element)
      operands.append(table)
      let wide = body.cast(row, to: .f32)
      sum = sum.map { body.plus($0, wide) } ?? wide
    }
    if let sum { body.results = [body.cast(sum, to: element)] }
    return b.map(shape + [width], body, operands)
  }

  /// How many elements of every row are 1; 0 without a mask.
  private func lengths(_ mask: ValueID?, _ batch: Dim, _ b: inout GraphBuilder) throws(ModelError) -> ValueID {
    guard let mask else { return try b.broadcast(b.scalar(0, .i32), to: [batch]) }
    try b.require(mask, "the mask", isOneOf: .i32)
    guard b.shape(of: mask).count == 2 else { throw .invalid("the mask has rank \(b.shape(of: mask).count), not 2") }
    return b.reduceAxes(mask, [1], keepsAxes: false, .sum) { graph, value in
      graph.cast(graph.compare(.equal, value, graph.integer(1, .i32)), to: .i32)
    }
  }
}
