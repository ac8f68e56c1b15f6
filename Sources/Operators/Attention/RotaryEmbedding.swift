import Support
import TensorIR

/// Pairs of elements turned by angles that depend on the position.
struct RotaryEmbedding: Operator {
  let name = OperatorName("RotaryEmbedding", versions: 23)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    try b.requireFloat(x)
    let heads = try Heads(x, count: node.int("num_heads", default: 0), "the argument", &b)
    let type = b.type(of: heads.value)
    guard let size = type.shape[3].constant else {
      throw .unsupported("the head size is symbolic", hint: "bind it with --dim")
    }
    let given = try node.int("rotary_embedding_dim", default: 0)
    let cosines = try node.input(1)
    let sines = try node.input(2)
    let positions = node.optionalInput(3)
    let rank = positions == nil ? 3 : 2
    guard b.shape(of: cosines).count == rank, b.shape(of: sines).count == rank else {
      throw .invalid("the caches have rank \(b.shape(of: cosines).count), not \(rank)")
    }
    let extents = heads.extents(b)
    let leading = positions == nil ? [extents.batch, extents.sequence] : [b.shape(of: cosines)[0]]
    for cache in [cosines, sines] {
      try b.requireShape(cache, leading + [Dim((given == 0 ? size : given) / 2)], "a cache")
    }
    if let positions {
      try b.requireShape(positions, [extents.batch, extents.sequence], "position_ids")
      try b.checkIndices(positions, extents: [leading[0]], allowsNegative: false)
    }
    let rotation = Rotation(
      cosines: cosines, sines: sines, rotated: given == 0 ? size : given,
      isInterleaved: try node.flag("interleaved"), precision: type.element, positions: positions)
    return [b.reshape(try b.turned(heads, by: rotation).value, b.shape(of: x))]
  }
}

/// Angles by position, and which elements they turn.
struct Rotation {
  /// One row per position, or per batch and position if there are no positions.
  var cosines: ValueID
  var sines: ValueID
  /// How many elements of each head are turned.
  var rotated: Int
  /// Whether pairs are neighbours, instead of elements of the first and second half.
  var isInterleaved: Bool
  /// The type of the arithmetic.
  var precision: ElementType
  /// The position of the first element of each batch, or of all.
  var offset: ValueID? = nil
  /// The position by batch and element of the sequence.
  var positions: ValueID? = nil
}

extension GraphBuilder {
  /// The heads with their elements turned.
  mutating func turned(_ heads: Heads, by rotation: Rotation) throws(ModelError) -> Heads {
    let type = type(of: heads.value)
    let (rotated, precision) = (rotation.rotated, rotation.precision)
    guard rotated > 0, rotated % 2 == 0, rotated <= type.shape[3].constant ?? .max else {
      throw .invalid("\(rotated) of \(type.shape[3]) elements cannot be rotated")
    }
    var body = ScalarGraph()
    let axes = (0..<4).map { body.axis($0) }
    let (batch, position, element) = (axes[0], heads.isSequenceFirst ? axes[1] : axes[2], axes[3])
    var operands = [heads.value, rotation.cosines, rotation.sines]
    let row = try rotationRow(rotation, batch, position, &body, &operands)
    let half = body.integer(rotated / 2)
    let pair = rotation.isInterleaved ? body.binary(.floorDivide, element, body.integer(2)) : element
    let column = body.binary(.floorRemainder, pair, half)
    let isFirst: ScalarID
    let partner: ScalarID
    if rotation.isInterleaved {
      isFirst = body.compare(.equal, body.binary(.floorRemainder, element, body.integer(2)), body.integer(0))
      let start = body.times(column, body.integer(2))
      partner = body.select(isFirst, body.plus(start, body.integer(1)), start)
    } else {
      isFirst = body.compare(.less, element, half)
      partner = body.select(isFirst, body.plus(column, half), column)
    }
    let own = body.read(0, axes, type: type.element)
    func wide(_ operand: Int, _ indices: [ScalarID]) -> ScalarID {
      body.cast(body.read(operand, indices, type: self.type(of: operands[operand]).element), to: precision)
    }
    let other = wide(0, Array(axes[..<3]) + [partner])
    let share = body.times(wide(2, row + [column]), other)
    let product = body.times(wide(1, row + [column]), body.cast(own, to: precision))
    let turned = body.cast(body.plus(product, body.select(isFirst, body.negate(share), share)), to: type.element)
    let isRotated = body.compare(.less, element, body.integer(rotated))
    body.results = [type.shape[3] == Dim(rotated) ? turned : body.select(isRotated, turned, own)]
    return Heads(value: map(type.shape, body, operands), isSequenceFirst: heads.isSequenceFirst)
  }

  /// The leading indices of the caches for an element of the sequence.
  private func rotationRow(
    _ rotation: Rotation, _ batch: ScalarID, _ position: ScalarID, _ body: inout ScalarGraph,
    _ operands: inout [ValueID]
  ) throws(ModelError) -> [ScalarID] {
    let given: ScalarID
    if let positions = rotation.positions {
      operands.append(positions)
      let type = type(of: positions)
      guard type.rank == 2 else { throw .invalid("the positions have rank \(type.rank), not 2") }
      given = body.read(3, [type.shape[0] == 1 ? body.integer(0) : batch, position], type: type.element)
    } else if let offset = rotation.offset {
      operands.append(offset)
      let type = type(of: offset)
      let first = body.read(3, type.shape.map { $0 == 1 ? body.integer(0) : batch }, type: type.element)
      given = body.plus(body.cast(first, to: .i64), position)
    } else {
      return [batch, position]
    }
    return [body.wrappedIndex(given, extent: shape(of: rotation.cosines)[0])]
  }
}
