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
    let rotated = given == 0 ? size : given
    guard rotated > 0, rotated % 2 == 0, rotated <= size else {
      throw .invalid("\(rotated) of \(size) elements cannot be rotated")
    }
    let cosines = try node.input(1)
    let sines = try node.input(2)
    let rank = node.optionalInput(3) == nil ? 3 : 2
    guard b.shape(of: cosines).count == rank, b.shape(of: sines).count == rank else {
      throw .invalid("the caches have rank \(b.shape(of: cosines).count), not \(rank)")
    }
    let isInterleaved = try node.flag("interleaved")
    var body = ScalarGraph()
    let axes = (0..<4).map { body.axis($0) }
    let (batch, position, element) = (axes[0], heads.isSequenceFirst ? axes[1] : axes[2], axes[3])
    var operands = [heads.value, cosines, sines]
    var row = [batch, position]
    if let positions = node.optionalInput(3) {
      operands.append(positions)
      row = [
        body.wrappedIndex(
          body.read(3, [batch, position], type: b.type(of: positions).element), extent: b.shape(of: cosines)[0])
      ]
    }
    let half = body.integer(rotated / 2)
    let pair = isInterleaved ? body.binary(.floorDivide, element, body.integer(2)) : element
    let column = body.binary(.floorRemainder, pair, half)
    let isFirst: ScalarID
    let partner: ScalarID
    if isInterleaved {
      isFirst = body.compare(.equal, body.binary(.floorRemainder, element, body.integer(2)), body.integer(0))
      let start = body.times(column, body.integer(2))
      partner = body.select(isFirst, body.plus(start, body.integer(1)), start)
    } else {
      isFirst = body.compare(.less, element, half)
      partner = body.select(isFirst, body.plus(column, half), column)
    }
    let own = body.read(0, axes, type: type.element)
    let other = body.read(0, Array(axes[..<3]) + [partner], type: type.element)
    let cosine = body.read(1, row + [column], type: b.type(of: cosines).element)
    let sine = body.read(2, row + [column], type: b.type(of: sines).element)
    let share = body.times(sine, other)
    let turned = body.plus(body.times(cosine, own), body.select(isFirst, body.negate(share), share))
    let isRotated = body.compare(.less, element, body.integer(rotated))
    body.results = [rotated == size ? turned : body.select(isRotated, turned, own)]
    return [b.reshape(b.map(type.shape, body, operands), b.shape(of: x))]
  }
}
