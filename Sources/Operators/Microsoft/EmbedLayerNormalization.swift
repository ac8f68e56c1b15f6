import Support
import TensorIR

/// The normalized sum of the embeddings of words, positions and segments, and the length of each row of the mask.
struct EmbedLayerNormalization: Operator {
  let name = OperatorName("EmbedLayerNormalization", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let words = try node.input(0)
    var tables = [
      EmbeddingTable(rows: try node.input(2), indices: words),
      EmbeddingTable(rows: try node.input(3), indices: node.optionalInput(8)),
    ]
    if let segments = node.optionalInput(1) {
      tables.append(EmbeddingTable(rows: try node.input(4), indices: segments))
    }
    let element = b.type(of: tables[0].rows).element
    let sum = try b.embedded(tables, b.shape(of: words), as: element)
    let normal = try b.standardize(sum, [2], epsilon: try node.float("epsilon", default: 1e-12), stash: .f32)
    let y = try b.scaleAndShift(try b.cast(normal.value, to: element), try node.input(5), node.optionalInput(6))
    return [y, node.uses(result: 1) ? try b.maskLengths(node.optionalInput(7), b.shape(of: words)) : y, sum]
  }
}

/// The same over quantized tables and parameters.
struct QEmbedLayerNormalization: Operator {
  let name = OperatorName("QEmbedLayerNormalization", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let words = try node.input(0)
    func numbers(_ position: Int) throws(ModelError) -> Quantization {
      let (scale, zeroPoint) = (try node.input(position), try node.input(position + 5))
      try b.require(scale, "the scale", isOneOf: .f32)
      for value in [scale, zeroPoint] { try b.requireEqual(b.shape(of: value).product, 1, "the elements of a scale") }
      return Quantization(scale: b.reshape(scale, []), zeroPoint: b.reshape(zeroPoint, []))
    }
    var tables = [
      EmbeddingTable(rows: try node.input(2), indices: words, quantization: try numbers(8)),
      EmbeddingTable(rows: try node.input(3), indices: nil, quantization: try numbers(9)),
    ]
    if let segments = node.optionalInput(1) {
      tables.append(EmbeddingTable(rows: try node.input(4), indices: segments, quantization: try numbers(10)))
    }
    let sum = try b.embedded(tables, b.shape(of: words), as: .f32)
    let normal = try b.standardize(sum, [2], epsilon: try node.float("epsilon", default: 1e-12), stash: .f32)
    let scale = try b.dequantized(try node.input(5), by: try numbers(11))
    let shift = try b.dequantized(try node.input(6), by: try numbers(12))
    let y = try b.scaleAndShift(normal.value, scale, shift)
    return [y, node.uses(result: 1) ? try b.maskLengths(node.optionalInput(7), b.shape(of: words)) : y]
  }
}

/// Rows that indices pick.
struct EmbeddingTable {
  var rows: ValueID
  /// Those of [batch, sequence]; without them the position in the sequence picks the row.
  var indices: ValueID?
  var quantization: Quantization? = nil
}

extension GraphBuilder {
  /// The sum of what indices of a shape [batch, sequence] pick from tables.
  fileprivate mutating func embedded(_ tables: [EmbeddingTable], _ shape: [Dim], as element: ElementType)
    throws(ModelError) -> ValueID
  {
    guard shape.count == 2 else { throw .invalid("the words have rank \(shape.count), not 2") }
    let width = self.shape(of: tables[0].rows).last ?? 0
    var operands: [ValueID] = []
    var body = ScalarGraph()
    let axes = (0..<3).map { body.axis($0) }
    func operand(_ value: ValueID) -> Int {
      operands.append(value)
      return operands.count - 1
    }
    var sum: ScalarID?
    for table in tables {
      let rows = type(of: table.rows)
      guard rows.rank == 2 else { throw .invalid("an embedding has rank \(rows.rank), not 2") }
      try requireEqual(rows.shape[1], width, "the widths of the embeddings")
      var position = axes[1]
      if let indices = table.indices {
        try require(indices, "the indices", isOneOf: .i32, .i64)
        try requireBroadcast(indices, to: shape, "a tensor of indices")
        try checkIndices(indices, extents: [rows.shape[0]], allowsNegative: false)
        position = body.broadcastRead(operand(indices), type(of: indices), in: shape)
      } else {
        try requireAtMost(shape[1], rows.shape[0], "there are \(shape[1]) words, but \(rows.shape[0]) positions")
      }
      let row = [body.wrappedIndex(position, extent: rows.shape[0]), axes[2]]
      var value = body.read(operand(table.rows), row, type: rows.element)
      if let numbers = table.quantization {
        let scale = body.read(operand(numbers.scale), [], type: .f32)
        let zeroPoint = numbers.zeroPoint.map { body.read(operand($0), [], type: type(of: $0).element) }
        value = body.dequantize(value, scale: scale, zeroPoint: zeroPoint)
      }
      let wide = body.cast(value, to: .f32)
      sum = sum.map { body.plus($0, wide) } ?? wide
    }
    if let sum { body.results = [body.cast(sum, to: element)] }
    return map(shape + [width], body, operands)
  }

  /// How many elements of every row of a mask, which has the shape of the words, are 1; 0 without a mask.
  fileprivate mutating func maskLengths(_ mask: ValueID?, _ shape: [Dim]) throws(ModelError) -> ValueID {
    guard let mask else { return try broadcast(scalar(0, .i32), to: [shape[0]]) }
    try require(mask, "the mask", isOneOf: .i32)
    try requireShape(mask, shape, "the mask")
    return reduceAxes(mask, [1], keepsAxes: false, .sum) { graph, value in
      graph.cast(graph.compare(.equal, value, graph.integer(1, .i32)), to: .i32)
    }
  }
}
