import Support
import TensorIR

/// Maximum over sliding windows, with the positions of the maxima on request.
struct MaxPool: Operator {
  let name = OperatorName("MaxPool", versions: 1, 8, 10, 11, 12, 22)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let spatial = try spatialExtents(x, in: b)
    let window = try Window(node, input: spatial)
    guard node.uses(result: 1) else { return b.pool(x, window, .max, outside: 0) }
    let pooled = b.pool(x, window, .argMaxFirst, outside: 0)
    let columnMajor = try node.flag("storage_order")
    return [pooled[0], positions(pooled[1], window, b.shape(of: x), columnMajor, &b)]
  }

  /// Positions in the whole tensor from positions in the window.
  private func positions(
    _ inWindow: ValueID, _ window: Window, _ input: [Dim], _ columnMajor: Bool, _ b: inout GraphBuilder
  ) -> ValueID {
    let shape = b.shape(of: inWindow)
    var body = ScalarGraph()
    let axes = shape.indices.map { body.axis($0) }
    var rest = body.read(0, axes, type: .i64)
    var coordinates: [ScalarID] = []
    for axis in (0..<window.rank).reversed() {
      let extent = body.dim(window.kernel[axis])
      let step = body.binary(.floorRemainder, rest, extent)
      rest = body.binary(.floorDivide, rest, extent)
      let start = body.affine(axes[2 + axis], scale: window.strides[axis], offset: -window.padBefore[axis])
      coordinates.insert(body.plus(start, body.affine(step, scale: window.dilations[axis], offset: 0)), at: 0)
    }
    var position = body.plus(body.times(axes[0], body.dim(input[1])), axes[1])
    let order = columnMajor ? Array((0..<window.rank).reversed()) : Array(0..<window.rank)
    for axis in order {
      position = body.plus(body.times(position, body.dim(input[2 + axis])), coordinates[axis])
    }
    body.results = [position]
    return b.map(shape, body, [inWindow])
  }
}
