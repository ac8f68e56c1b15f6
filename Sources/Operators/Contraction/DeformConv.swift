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
    let rank = type.rank - 2
    guard rank >= 1, kernel.count == type.rank else {
      throw .invalid("data of shape \(type.shape) and a kernel of shape \(kernel) do not fit each other")
    }
    let group = try node.count("group", default: 1)
    let offsetGroup = try node.count("offset_group", default: 1)
    let window = try Window(node, input: Array(type.shape.dropFirst(2)), kernel: Array(kernel.dropFirst(2)))
    let taps = window.kernel.product
    try b.requireEqual(
      type.shape[1].remainder(by: Dim(offsetGroup)), 0, "'offset_group' must divide \(type.shape[1]) channels")
    try b.requireShape(offsets, [type.shape[0], taps * (offsetGroup * rank)] + window.output, "the offset")
    if let mask {
      try b.requireShape(mask, [type.shape[0], taps * offsetGroup] + window.output, "the mask")
    }
    // Samples are laid out as an image whose kernel windows do not overlap.
    let samples = sample(x, offsets, mask, window, offsetGroup, &b)
    let spread = Window(
      kernel: window.kernel, strides: window.kernel.compactMap(\.constant),
      dilations: [Int](repeating: 1, count: rank), padBefore: [Dim](repeating: 0, count: rank), output: window.output)
    guard spread.strides.count == rank else { throw .unsupported("the kernel's extents are symbolic") }
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
    let axes = 0..<window.rank
    let output = axes.map { body.binary(.floorDivide, body.axis(2 + $0), body.dim(window.kernel[$0])) }
    let tap = axes.map { body.binary(.floorRemainder, body.axis(2 + $0), body.dim(window.kernel[$0])) }
    let flatTap = axes.reduce(body.integer(0)) { body.plus(body.times($0, body.dim(window.kernel[$1])), tap[$1]) }
    let place = body.plus(body.times(group, body.dim(window.kernel.product)), flatTap)
    let zero = body.number(0, element)
    var neighbours: [[(index: ScalarID, weight: ScalarID)]] = []
    for axis in axes {
      let row = body.affine(place, scale: window.rank, offset: Dim(axis))
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
    func interpolated(_ axis: Int, _ indices: [ScalarID]) -> ScalarID {
      guard axis < window.rank else { return body.read(0, indices, outside: zero, type: element) }
      let terms = neighbours[axis].map { index, weight in
        body.times(weight, interpolated(axis + 1, indices + [index]))
      }
      return body.plus(terms[0], terms[1])
    }
    var sum = interpolated(0, [batch, channel])
    if mask != nil { sum = body.times(sum, body.read(2, [batch, place] + output, type: element)) }
    body.results = [sum]
    let image = axes.map { window.output[$0] * window.kernel[$0] }
    return b.map(Array(type.shape.prefix(2)) + image, body, [x, offsets] + (mask.map { [$0] } ?? []))
  }
}
