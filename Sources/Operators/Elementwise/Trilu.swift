import Support
import TensorIR

/// The upper or lower triangle of matrices, zero elsewhere.
struct Trilu: Operator {
  let name = OperatorName("Trilu", versions: 14)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let type = b.type(of: x)
    guard type.rank >= 2 else { throw .invalid("the argument has rank \(type.rank); at least 2 is needed") }
    let isUpper = try node.flag("upper", default: true)
    let diagonal = b.reshape(node.optionalInput(1) ?? b.scalar(0, .i64), [])
    var body = ScalarGraph()
    let axes = type.shape.indices.map { body.axis($0) }
    let offset = body.minus(axes[type.rank - 1], axes[type.rank - 2])
    let limit = b.literal(diagonal, in: &body) ?? body.read(1, [], type: .i64)
    let isKept = body.compare(isUpper ? .greaterOrEqual : .lessOrEqual, offset, limit)
    let value = body.read(0, axes, type: type.element)
    body.results = [body.select(isKept, value, body.number(0, type.element))]
    return [b.map(type.shape, body, [x, diagonal])]
  }
}
