import Support
import TensorIR

/// Transposed convolution: an ordinary convolution whose outputs are interleaved by the strides.
struct ConvTranspose: Operator {
  let name = OperatorName("ConvTranspose", versions: 1, 11, 22)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let w = try node.input(1)
    try b.requireFloat(x)
    try b.requireSameType([x, w] + (node.optionalInput(2).map { [$0] } ?? []))
    let (input, kernel) = (b.shape(of: x), b.shape(of: w))
    guard input.count >= 2, kernel.count == input.count else {
      throw .invalid(
        "the data has rank \(input.count) and the kernel \(kernel.count); both must be the same and at least 2")
    }
    let group = try node.int("group", default: 1)
    let what = "the data has \(input[1]) channels, but the kernel \(kernel[0]) in \(group) groups"
    guard group >= 1, group < 1 << 31 else { throw .invalid("attribute 'group' is \(group)") }
    try b.requireEqual(input[1], kernel[0], what)
    try b.requireEqual(kernel[0].remainder(by: Dim(group)), 0, what)
    let frame = try TransposedWindow(node, input: Array(input.dropFirst(2)), kernel: Array(kernel.dropFirst(2)))
    let taps = frame.phaseKernel(w, group: group, &b)
    let phases = frame.phases
    let bias = try node.optionalInput(2).map { value throws(ModelError) in
      try b.requireShape(value, [kernel[1] * group], "the bias")
      let rows = b.reshape(value, [Dim(group), 1, kernel[1]])
      return b.reshape(
        try b.broadcast(rows, to: [Dim(group), Dim(phases), kernel[1]]), [kernel[1] * (group * phases)])
    }
    let product = try b.convolution(
      x, taps, bias: bias, frame.window, group: group, accumulator: b.type(of: x).element)
    return [frame.interleave(product, group: group, channels: kernel[1], &b)]
  }
}

/// Strides, padding and extents of a transposed convolution.
private struct TransposedWindow {
  var strides: [Int]
  var dilations: [Int]
  var kernel: [Dim]
  var padBefore: [Dim] = []
  var output: [Dim] = []

  init(_ node: OperatorNode, input: [Dim], kernel: [Dim]) throws(ModelError) {
    let rank = input.count
    self.kernel = kernel
    strides = try node.ints("strides") ?? [Int](repeating: 1, count: rank)
    dilations = try node.ints("dilations") ?? [Int](repeating: 1, count: rank)
    let extra = try node.ints("output_padding") ?? [Int](repeating: 0, count: rank)
    let pads = try node.ints("pads") ?? [Int](repeating: 0, count: 2 * rank)
    var wanted = try node.ints("output_shape")
    if let given = wanted, given.count == rank + 2 { wanted = Array(given.dropFirst(2)) }
    guard strides.count == rank, dilations.count == rank, extra.count == rank, pads.count == 2 * rank,
      wanted?.count ?? rank == rank, (strides + dilations).allSatisfy({ $0 > 0 })
    else {
      throw .invalid("strides, dilations, pads, output_padding or output_shape do not fit \(rank) spatial dimensions")
    }
    guard (strides + dilations + pads + extra).allSatisfy({ $0.magnitude < 1 << 15 }),
      strides.reduce(1, { min($0, 1 << 31) * $1 }) < 1 << 31
    else {
      throw .unsupported("strides, dilations, pads or output_padding are larger than supported")
    }
    if let declared = try node.ints("kernel_shape") { try requireKernel(kernel, declared) }
    let mode = try node.string("auto_pad", default: "NOTSET")
    for axis in 0..<rank {
      let full = (input[axis] - 1) * strides[axis] + extra[axis] + (kernel[axis] - 1) * dilations[axis] + 1
      let isSame = mode == "SAME_UPPER" || mode == "SAME_LOWER"
      guard isSame || ["NOTSET", "VALID", ""].contains(mode) else {
        throw .invalid("attribute 'auto_pad' is '\(mode)'")
      }
      if let size = wanted.map({ Dim($0[axis]) }) ?? (isSame ? input[axis] * strides[axis] : nil) {
        let total = Dim.maximum(full - size, 0)
        let half = total.floorDivided(by: 2)
        padBefore.append(mode == "SAME_UPPER" ? half : total - half)
        output.append(size)
      } else {
        let isValid = mode == "VALID"
        padBefore.append(isValid ? 0 : Dim(pads[axis]))
        output.append(isValid ? full : full - (pads[axis] + pads[rank + axis]))
      }
    }
    guard output.allSatisfy({ $0.constant ?? 0 >= 0 }) else { throw .invalid("the result has shape \(output)") }
  }

  /// The number of output positions that one position of the convolution computes.
  var phases: Int { strides.reduce(1, *) }

  /// Dilation within the convolution; with a stride the kernel itself is dilated instead.
  private func dilation(_ axis: Int) -> Int { strides[axis] == 1 ? dilations[axis] : 1 }

  /// How many taps of the kernel meet one phase.
  private func taps(_ axis: Int) -> Dim {
    if strides[axis] == 1 { return kernel[axis] }
    let span = (kernel[axis] - 1) * dilations[axis] + 1
    return (span + (strides[axis] - 1)).floorDivided(by: Dim(strides[axis]))
  }

  private func skipped(_ axis: Int) -> Dim { padBefore[axis].floorDivided(by: Dim(strides[axis])) }
  private func cropped(_ axis: Int) -> Dim { padBefore[axis] - skipped(axis) * strides[axis] }

  private func positions(_ axis: Int) -> Dim {
    (output[axis] + cropped(axis) + (strides[axis] - 1)).floorDivided(by: Dim(strides[axis]))
  }

  /// The convolution that computes all phases.
  var window: Window {
    let axes = kernel.indices
    return Window(
      kernel: axes.map { taps($0) }, strides: axes.map { _ in 1 }, dilations: axes.map { dilation($0) },
      padBefore: axes.map { (taps($0) - 1) * dilation($0) - skipped($0) }, output: axes.map { positions($0) })
  }

  /// The kernel [C, M/group, kernel…] flipped and split by phase: [M * phases, C/group, taps…].
  ///
  /// Of a group, phases are outermost: channels of one position stay side by side where channels are innermost.
  func phaseKernel(_ w: ValueID, group: Int, _ b: inout GraphBuilder) -> ValueID {
    let type = b.type(of: w)
    let rank = kernel.count
    let channels = type.shape[0].floorDivided(by: Dim(group))
    // Axes: group, phases…, channel of the output, channel of the input, taps….
    let shape = [Dim(group)] + strides.map { Dim($0) } + [type.shape[1], channels] + (0..<rank).map { taps($0) }
    var body = ScalarGraph()
    let inputChannel = body.plus(body.times(body.axis(0), body.dim(channels)), body.axis(2 + rank))
    var indices = [inputChannel, body.axis(1 + rank)]
    var isTap: [ScalarID] = []
    for axis in 0..<rank {
      let flipped = body.minus(body.dim(taps(axis) - 1), body.axis(3 + rank + axis))
      if strides[axis] == 1 {
        indices.append(flipped)
        continue
      }
      let position = body.plus(body.affine(flipped, scale: strides[axis], offset: 0), body.axis(1 + axis))
      let dilation = body.integer(dilations[axis])
      indices.append(body.binary(.floorDivide, position, dilation))
      if dilations[axis] > 1 {
        isTap.append(body.compare(.equal, body.binary(.floorRemainder, position, dilation), body.integer(0)))
      }
    }
    let zero = body.number(0, type.element)
    let value = body.read(0, indices, outside: zero, type: type.element)
    body.results = [isTap.isEmpty ? value : body.select(body.all(isTap), value, zero)]
    let split = b.map(shape, body, [w])
    return b.reshape(split, [type.shape[1] * (group * phases), channels] + (0..<rank).map { taps($0) })
  }

  /// Moves phases from the channels, of which a group has so many, into the spatial axes and cuts the padding off.
  func interleave(_ product: ValueID, group: Int, channels: Dim, _ b: inout GraphBuilder) -> ValueID {
    if phases == 1 { return product }
    let rank = kernel.count
    let shape = b.shape(of: product)
    let split = b.reshape(product, [shape[0], Dim(group)] + strides.map { Dim($0) } + [channels] + shape.dropFirst(2))
    var body = ScalarGraph()
    let positions = (0..<rank).map { body.affine(body.axis(2 + $0), scale: 1, offset: cropped($0)) }
    let phase = (0..<rank).map { body.binary(.floorRemainder, positions[$0], body.integer(strides[$0])) }
    let place = (0..<rank).map { body.binary(.floorDivide, positions[$0], body.integer(strides[$0])) }
    let (channel, width) = (body.axis(1), body.dim(channels))
    let ownGroup = group == 1 ? body.integer(0) : body.binary(.floorDivide, channel, width)
    let ofGroup = group == 1 ? channel : body.binary(.floorRemainder, channel, width)
    let indices = [body.axis(0), ownGroup] + phase + [ofGroup] + place
    body.results = [body.read(0, indices, type: b.type(of: product).element)]
    return b.map([shape[0], channels * group] + output, body, [split])
  }
}
