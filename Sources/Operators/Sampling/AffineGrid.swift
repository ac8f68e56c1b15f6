import Support
import TensorIR

/// A sampling grid that an affine map makes of the regular one.
struct AffineGrid: Operator {
  let name = OperatorName("AffineGrid", versions: 20)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let theta = try node.input(0)
    let size = try b.extents(try node.input(1), "the size", as: "size")
    let type = b.type(of: theta)
    let rank = size.count - 2
    guard rank == 2 || rank == 3, type.rank == 3 else {
      throw .invalid("maps of shape \(type.shape) do not fit the size \(size)")
    }
    try b.requireShape(theta, [size[0], Dim(rank), Dim(rank + 1)], "theta")
    let isAligned = try node.flag("align_corners")
    let element = type.element
    var body = ScalarGraph()
    let row = [body.axis(0), body.axis(rank + 1)]
    var sum = body.read(0, row + [body.integer(rank)], type: element)
    for axis in 0..<rank {
      let extent = size[2 + axis]
      let position = body.cast(body.axis(1 + axis), to: element)
      let count = body.cast(body.dim(isAligned ? .maximum(extent - 1, 1) : extent), to: element)
      let doubled = isAligned ? body.affineNumber(position, 2, 0) : body.affineNumber(position, 2, 1)
      let coordinate = body.affineNumber(body.over(doubled, count), 1, -1)
      // The first column belongs to the last axis.
      let factor = body.read(0, row + [body.integer(rank - 1 - axis)], type: element)
      sum = body.plus(sum, body.times(factor, coordinate))
    }
    body.results = [sum]
    return [b.map([type.shape[0]] + size.dropFirst(2) + [Dim(rank)], body, [theta])]
  }
}
