import Support
import TensorIR

/// Ones on a diagonal, zeros elsewhere, in the shape of a matrix.
struct EyeLike: Operator {
  let name = OperatorName("EyeLike", versions: 9, 22)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let type = b.type(of: try node.input(0))
    guard type.rank == 2 else { throw .invalid("the argument has rank \(type.rank), not 2") }
    let element = try node.elementType("dtype") ?? type.element
    let diagonal = try node.int("k", default: 0)
    var body = ScalarGraph()
    let column = body.axis(1)
    let onDiagonal = body.compare(.equal, body.affine(body.axis(0), scale: 1, offset: Dim(diagonal)), column)
    body.results = [body.cast(onDiagonal, to: element)]
    return [b.map(type.shape, body, [])]
  }
}
