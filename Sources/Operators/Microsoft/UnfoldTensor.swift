import Support
import TensorIR

/// Overlapping slices along one axis, each as a row of a new last axis.
struct UnfoldTensor: Operator {
  let name = OperatorName("UnfoldTensor", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let type = b.type(of: x)
    let axis = try normalizedAxis(try node.int("dim", default: -1), rank: type.rank, name: "dim")
    let step = try node.int("step", default: 1)
    guard let size = try node.int("size"), size > 0, step > 0, size <= type.shape[axis].constant ?? .max else {
      throw .invalid("attributes 'size' and 'step' must be positive, and the size at most \(type.shape[axis])")
    }
    b.assume([DimFact(Dim(size), .atMost, type.shape[axis])])
    var shape = type.shape
    shape[axis] = (type.shape[axis] - size).floorDivided(by: Dim(step)) + 1
    var body = ScalarGraph()
    var indices = type.shape.indices.map { body.axis($0) }
    indices[axis] = body.plus(body.affine(indices[axis], scale: step, offset: 0), body.axis(type.rank))
    body.results = [body.read(0, indices, type: type.element)]
    return [b.map(shape + [Dim(size)], body, [x])]
  }
}
