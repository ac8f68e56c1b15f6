import Support
import TensorIR

/// Maximum over sliding windows in which every row along the last axis ends at its first masked position.
struct MaxpoolWithMask: Operator {
  let name = OperatorName("MaxpoolWithMask", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let (x, mask) = (try node.input(0), try node.input(1))
    try b.requireFloat(x)
    try b.require(mask, "the mask", isOneOf: .i32)
    let type = b.type(of: x)
    let spatial = try spatialExtents(x, in: b)
    let given = b.shape(of: mask)
    guard given.count == type.rank else { throw .invalid("the mask has rank \(given.count), not \(type.rank)") }
    for axis in 2..<type.rank {
      try b.requireEqual(given[axis], type.shape[axis], "data and mask in dimension \(axis)")
    }
    let window = try Window(node, input: spatial)
    var body = ScalarGraph()
    var (indices, first) = ([body.axis(0), body.axis(1)], body.integer(0))
    for axis in 0..<window.rank {
      let start = body.affine(body.axis(2 + axis), scale: window.strides[axis], offset: -window.padBefore[axis])
      indices.append(
        body.plus(start, body.affine(body.axis(2 + window.rank + axis), scale: window.dilations[axis], offset: 0)))
      first = start
    }
    let least = body.number(-Double(Float.greatestFiniteMagnitude), type.element)
    let value = body.read(0, indices, outside: least, type: type.element)
    // The last masked position up to this one lies in front of the window.
    let stop = body.read(1, indices, outside: body.integer(-1), type: .i64)
    let isOpen = body.compare(.less, stop, body.binary(.max, first, body.integer(0)))
    body.results = [body.select(isOpen, body.binary(.max, value, least), least)]
    return b.reduce(
      .max, shape: Array(type.shape.prefix(2)) + window.output, reduced: window.kernel,
      operands: [x, try stops(mask, type.shape, &b)], body: body)
  }

  /// The last masked position along the last axis that is not behind a position, -1 if there is none. Channels of the
  /// mask repeat.
  private func stops(_ mask: ValueID, _ shape: [Dim], _ b: inout GraphBuilder) throws(ModelError) -> ValueID {
    let given = b.shape(of: mask)
    let last = shape.count - 1
    var body = ScalarGraph()
    let axes = shape.indices.map { body.axis($0) }
    let candidate = body.axis(shape.count)
    let channel = body.plus(body.times(axes[0], body.dim(shape[1])), axes[1])
    let own = body.binary(.floorRemainder, channel, body.dim(.maximum(given[0] * given[1], 1)))
    let width = body.dim(.maximum(given[1], 1))
    var indices = [body.binary(.floorDivide, own, width), body.binary(.floorRemainder, own, width)] + axes[2...]
    indices[last] = candidate
    var conditions = [
      body.compare(.equal, body.read(0, indices, type: .i32), body.integer(0, .i32)),
      body.compare(.lessOrEqual, candidate, axes[last]),
    ]
    if shape.count > 3 {
      // The very first position never ends a row of data with several spatial axes.
      let others = indices[2...].map { body.compare(.greater, $0, body.integer(0)) }
      conditions.append(body.any(others))
    }
    body.results = [body.select(body.all(conditions), candidate, body.integer(-1))]
    return b.reduce(.max, shape: shape, reduced: [shape[last]], operands: [mask], body: body)[0]
  }
}
