import Support
import TensorIR

/// One at the first maximum along an axis (before version 13, over all axes from one on), zero elsewhere.
struct Hardmax: Operator {
  let name = OperatorName("Hardmax", versions: 1, 11, 13)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    try b.requireFloat(x)
    let type = b.type(of: x)
    var axis = try normalizedAxis(try node.int("axis", default: node.version < 13 ? 1 : -1), rank: type.rank)
    var data = x
    if node.version < 13 {
      data = b.reshape(x, [Array(type.shape[..<axis]).product, Array(type.shape[axis...]).product])
      axis = 1
    }
    let shape = b.shape(of: data)
    let position = b.reduceAxes(data, [axis], keepsAxes: true, .argMaxFirst)
    var body = ScalarGraph()
    let best = body.broadcastRead(0, b.type(of: position), in: shape)
    let here = body.axis(axis)
    body.results = [body.cast(body.compare(.equal, best, here), to: type.element)]
    return [b.reshape(b.map(shape, body, [position]), type.shape)]
  }
}
