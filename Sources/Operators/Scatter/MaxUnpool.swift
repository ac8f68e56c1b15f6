import Support
import TensorIR

/// Maxima written back to the positions that MaxPool found them at, zeros elsewhere.
struct MaxUnpool: Operator {
  let name = OperatorName("MaxUnpool", versions: 9, 11, 22)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let indices = try node.input(1)
    let type = b.type(of: x)
    let spatial = try spatialExtents(x, in: b)
    try b.require(indices, "the indices", isOneOf: .i64)
    guard let kernel = try node.ints("kernel_shape") else { throw .invalid("attribute 'kernel_shape' is missing") }
    let strides = try node.ints("strides") ?? [Int](repeating: 1, count: kernel.count)
    let pads = try node.ints("pads") ?? [Int](repeating: 0, count: 2 * kernel.count)
    guard kernel.count == spatial.count, strides.count == kernel.count, pads.count == 2 * kernel.count else {
      throw .invalid("kernel, strides or pads do not fit data of shape \(type.shape)")
    }
    guard kernel.allSatisfy({ $0 > 0 }), (kernel + strides + pads).allSatisfy({ $0.magnitude < 1 << 31 }) else {
      throw .invalid("kernel, strides or pads are out of range")
    }
    try b.requireShape(indices, type.shape, "the indices")
    var shape = Array(type.shape.prefix(2))
    for axis in spatial.indices {
      shape.append((spatial[axis] - 1) * strides[axis] + (kernel[axis] - pads[axis] - pads[kernel.count + axis]))
    }
    try b.checkIndices(indices, extents: [shape.product], allowsNegative: false)
    let zeros = try b.broadcast(b.scalar(0, type.element), to: [shape.product])
    var target = ScalarGraph()
    let axes = type.shape.indices.map { target.axis($0) }
    target.results = [target.read(1, axes, type: .i64), target.read(2, axes, type: type.element)]
    let scatter = Scatter(updates: type.shape, combiner: .assign, target: target)
    let inferred = b.reshape(b.add(.scatter(scatter), [zeros, indices, x])[0], shape)
    guard let argument = node.optionalInput(2) else { return [inferred] }
    let wanted = try b.extents(argument, "the output shape", as: "extent")
    guard wanted.count == shape.count else {
      throw .invalid("the output shape \(wanted) does not have rank \(shape.count)")
    }
    if wanted == shape { return [inferred] }
    var body = ScalarGraph()
    let here = wanted.indices.map { body.axis($0) }
    body.results = [body.read(0, here, outside: body.number(0, type.element), type: type.element)]
    return [b.map(wanted, body, [inferred])]
  }
}
