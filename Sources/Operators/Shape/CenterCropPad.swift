import Support
import TensorIR

/// A tensor cropped or padded with zeros around its centre to a given shape.
struct CenterCropPad: Operator {
  let name = OperatorName("CenterCropPad", versions: 18)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let type = b.type(of: x)
    let sizes = try b.extents(try node.input(1), "the shape", as: "extent")
    let axes = try node.ints("axes") ?? Array(0..<type.rank)
    guard sizes.count == axes.count else { throw .invalid("there are \(sizes.count) sizes for \(axes.count) axes") }
    var shape = type.shape
    var body = ScalarGraph()
    var indices = shape.indices.map { body.axis($0) }
    for (given, size) in zip(axes, sizes) {
      let axis = try normalizedAxis(given, rank: type.rank, name: "axes:")
      shape[axis] = size
      let surplus = type.shape[axis] - size
      // The odd element falls behind, both when cropping and when padding.
      let start = Dim.maximum(surplus, 0).floorDivided(by: 2) - Dim.maximum(-surplus, 0).floorDivided(by: 2)
      indices[axis] = body.affine(indices[axis], scale: 1, offset: start)
    }
    body.results = [body.read(0, indices, outside: body.number(0, type.element), type: type.element)]
    return [b.map(shape, body, [x])]
  }
}
