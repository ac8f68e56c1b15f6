import Support
import TensorIR

/// Convolution of samples at positions that data displaces, optionally weighted by a mask.
struct DeformConv: Operator {
  let name = OperatorName("DeformConv", versions: 19, 22)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let w = try node.input(1)
    let offsets = try node.input(2)
    let mask = node.optionalInput(4)
    try b.requireFloat(x)
    try b.requireSameType([x, w, offsets] + (mask.map { [$0] } ?? []))
    let type = b.type(of: x)
    let kernel = b.shape(of: w)
    guard type.rank == 4, kernel.count == 4 else {
      throw .unsupported("deformable convolution is supported in 2 dimensions only, not \(type.rank - 2)")
    }
    let group = try node.int("group", default: 1)
    let offsetGroup = try node.int("offset_group", default: 1)
    let window = try Window(node, input: Array(type.shape.dropFirst(2)), kernel: Array(kernel.dropFirst(2)))
    let taps = window.kernel.product
    guard group > 0, offsetGroup > 0, type.shape[1].remainder(by: Dim(offsetGroup)).constant ?? 0 == 0,
      b.shape(of: offsets) == [type.shape[0], taps * (offsetGroup * 2)] + window.output
    else { throw .invalid("offsets of shape \(b.shape(of: offsets)) do not fit data of shape \(type.shape)") }
    // Samples are laid out as an image whose kernel windows do not overlap.
    let samples = sample(x, offsets, mask, window, offsetGroup, &b)
    let spread = Window(
      kernel: window.kernel, strides: window.kernel.compactMap(\.constant), dilations: [1, 1], padBefore: [0, 0],
      output: window.output)
    guard spread.strides.count == 2 else { throw .unsupported("the kernel's extents are symbolic") }
    return [
      try b.convolution(samples, w, bias: node.optionalInput(3), spread, group: group, accumulator: type.element)
    ]
  }

  private func sample(
    _ x: ValueID, _ offsets: ValueID, _ mask: ValueID?, _ window: Window, _ offsetGroup: Int, _ b: inout GraphBuilder
  ) -> ValueID {
    let type = b.type(of: x)
    let element = type.element
    var body = ScalarGraph()
    let (batch, channel) = (body.axis(0), body.axis(1))
    let group = body.binary(.floorDivide, channel, body.dim(type.shape[1].floorDivided(by: Dim(offsetGroup))))
    let output = (0..<2).map { body.binary(.floorDivide, body.axis(2 + $0), body.dim(window.kernel[$0])) }
    let tap = (0..<2).map { body.binary(.floorRemainder, body.axis(2 + $0), body.dim(window.kernel[$0])) }
    let flatTap = body.plus(body.times(tap[0], body.dim(window.kernel[1])), tap[1])
    let place = body.plus(body.times(group, body.dim(window.kernel.product)), flatTap)
    let zero = body.number(0, element)
    var neighbours: [[(index: ScalarID, weight: ScalarID)]] = []
    for axis in 0..<2 {
      let row = body.affine(place, scale: 2, offset: Dim(axis))
      let offset = body.read(1, [batch, row] + output, type: element)
      let start = body.affine(output[axis], scale: window.strides[axis], offset: -window.padBefore[axis])
      let regular = body.plus(start, body.affine(tap[axis], scale: window.dilations[axis], offset: 0))
      let position = body.plus(body.cast(regular, to: element), offset)
      // Positions far outside do not fit integers; all reads there give 0.
      let size = body.cast(body.dim(type.shape[2 + axis]), to: element)
      let near = body.binary(.max, body.binary(.min, position, size), body.number(-1, element))
      let base = body.unary(.floor, near)
      let rest = body.minus(near, base)
      let low = body.cast(base, to: .i64)
      neighbours.append([(low, body.minus(body.number(1, element), rest)), (body.plus(low, body.integer(1)), rest)])
    }
    var sum = zero
    for (row, rowWeight) in neighbours[0] {
      for (column, columnWeight) in neighbours[1] {
        let value = body.read(0, [batch, channel, row, column], outside: zero, type: element)
        sum = body.plus(sum, body.times(body.times(rowWeight, columnWeight), value))
      }
    }
    if mask != nil { sum = body.times(sum, body.read(2, [batch, place] + output, type: element)) }
    body.results = [sum]
    let image = (0..<2).map { window.output[$0] * window.kernel[$0] }
    return b.map(Array(type.shape.prefix(2)) + image, body, [x, offsets] + (mask.map { [$0] } ?? []))
  }
}
