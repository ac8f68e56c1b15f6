import Support
import TensorIR

/// Convolution of any rank, with groups, strides, dilations and ragged padding.
struct Conv: Operator {
  let name = OperatorName("Conv", versions: 1, 11, 22)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let w = try node.input(1)
    let bias = node.optionalInput(2)
    try b.requireFloat(x)
    try b.requireSameType([x, w] + (bias.map { [$0] } ?? []))
    return [try b.convolution(x, w, bias: bias, node, accumulator: b.type(of: x).element)]
  }
}

extension GraphBuilder {
  /// The convolution of `x` [N, C, spatial…] with `w` [M, C/group, kernel…] by the attributes of Conv.
  mutating func convolution(
    _ x: ValueID, _ w: ValueID, bias: ValueID?, _ node: OperatorNode, accumulator: ElementType
  ) throws(ModelError) -> ValueID {
    let input = shape(of: x)
    let kernel = shape(of: w)
    guard input.count >= 2, kernel.count == input.count else {
      throw .invalid(
        "the data has rank \(input.count) and the kernel \(kernel.count); both must be the same and at least 2")
    }
    let group = try node.int("group", default: 1)
    let window = try Window(node, input: Array(input.dropFirst(2)), kernel: Array(kernel.dropFirst(2)))
    return try convolution(x, w, bias: bias, window, group: group, accumulator: accumulator)
  }

  /// The convolution of `x` [N, C, spatial…] with `w` [M, C/group, kernel…] over a window.
  mutating func convolution(
    _ x: ValueID, _ w: ValueID, bias: ValueID?, _ window: Window, group: Int, accumulator: ElementType
  ) throws(ModelError) -> ValueID {
    let input = shape(of: x)
    let kernel = shape(of: w)
    let what =
      "the data has \(input[1]) channels, but the kernel \(kernel[1]) in \(group) groups for \(kernel[0]) outputs"
    guard group >= 1, group < 1 << 31 else { throw .invalid("attribute 'group' is \(group)") }
    try requireEqual(kernel[0].remainder(by: Dim(group)), 0, what)
    try requireEqual(input[1], kernel[1] * group, what)
    let perGroup = kernel[0].floorDivided(by: Dim(group))
    let spatial = window.rank
    // Axes: batch, [group], [channel of the group], spatial…; then summed: channels, kernel….
    let hasGroup = group > 1
    let hasChannel = !hasGroup || perGroup != 1
    var outer: [Dim] = [input[0]]
    if hasGroup { outer.append(Dim(group)) }
    if hasChannel { outer.append(perGroup) }
    let firstSpatial = outer.count
    outer += window.output
    let channel = outer.count
    let groupIndex = hasGroup ? 1 : nil
    let channelIndex = hasChannel ? firstSpatial - 1 : nil
    var dataChannel = AffineIndex.axis(channel)
    if let axis = groupIndex {
      dataChannel = AffineIndex([axis: try requireConstant(kernel[1], "the number of channels per group"), channel: 1])
    }
    var outputChannel = AffineIndex()
    if let axis = channelIndex { outputChannel = .axis(axis) }
    if let axis = groupIndex {
      outputChannel.coefficients[axis] = try requireConstant(perGroup, "the number of outputs per group")
    }
    var lhs = [AffineIndex.axis(0), dataChannel]
    var rhs = [outputChannel, AffineIndex.axis(channel)]
    for axis in 0..<spatial {
      lhs.append(
        AffineIndex(
          [firstSpatial + axis: window.strides[axis], channel + 1 + axis: window.dilations[axis]],
          offset: -window.padBefore[axis]))
      rhs.append(.axis(channel + 1 + axis))
    }
    var epilogue = ScalarGraph()
    var result = epilogue.accumulator(0, accumulator)
    var operands = [x, w]
    if let bias {
      try requireShape(bias, [kernel[0]], "the bias")
      operands.append(bias)
      let position = epilogue.affineIndex(outputChannel)
      result = epilogue.plus(result, epilogue.read(2, [position], type: type(of: bias).element))
    }
    epilogue.results = [result]
    let contract = Contract(
      shape: outer, reduced: [kernel[1]] + window.kernel, lhs: lhs, rhs: rhs, accumulator: accumulator,
      epilogue: epilogue)
    let value = add(.contract(contract), operands)[0]
    return hasGroup && hasChannel ? reshape(value, [input[0], kernel[0]] + window.output) : value
  }
}
