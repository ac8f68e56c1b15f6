import Support
import TensorIR

/// A tensor repeated along its axes.
struct Tile: Operator {
  let name = OperatorName("Tile", versions: 6, 13)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let type = b.type(of: x)
    let repeats = try b.extents(try node.input(1), "the repeats", as: "repeat")
    guard repeats.count == type.rank, repeats.allSatisfy({ $0.constant ?? 0 >= 0 }) else {
      throw .invalid("repeats \(repeats) do not fit rank \(type.rank)")
    }
    var body = ScalarGraph()
    let indices = type.shape.indices.map { axis in
      if repeats[axis] == 1 { return body.axis(axis) }
      if type.shape[axis] == 1 { return body.integer(0) }
      return body.binary(.floorRemainder, body.axis(axis), body.dim(type.shape[axis]))
    }
    body.results = [body.read(0, indices, type: type.element)]
    return [b.map(zip(type.shape, repeats).map { $0 * $1 }, body, [x])]
  }
}
