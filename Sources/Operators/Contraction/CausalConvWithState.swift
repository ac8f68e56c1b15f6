import Support
import TensorIR

/// A depthwise convolution over the past of every position, with the end of the data as state of the next call.
struct CausalConvWithState: Operator {
  let name: OperatorName

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let layout = try ChannelLayout(node, b.shape(of: try node.input(0)))
    let x = layout.channelsFirst(try node.input(0), &b)
    let w = try node.input(1)
    let type = b.type(of: x)
    let kernel = b.shape(of: w)
    let dilation = try node.int("dilation", default: 1)
    let what = "a kernel of shape \(kernel) does not fit data of shape \(type.shape)"
    guard type.rank == 3, kernel.count == 3, dilation > 0, kernel[2].constant ?? 1 > 0,
      try node.int("ndim", default: 1) == 1
    else { throw .invalid(what) }
    try b.requireEqual(kernel[0], type.shape[1], what)
    try b.requireEqual(kernel[1], 1, what)
    let channels = try b.requireConstant(kernel[0], "the number of channels")
    for value in [w] + [node.optionalInput(2), node.optionalInput(3)].compactMap({ $0 }) {
      try b.requireSameType([x, value])
    }
    let window = try StateWindow(node)
    let length = (kernel[2] - 1) * dilation
    let stateShape = [type.shape[0], type.shape[1], length]
    let zeros = try b.broadcast(b.scalar(0, type.element), to: stateShape)
    let past =
      try node.optionalInput(3).map { value throws(ModelError) in
        layout.channelsFirst(try window.last(value, &b), &b)
      } ?? zeros
    try b.requireShape(past, stateShape, "the state")
    let padded = b.concatenate([past, x], axis: 2)
    let taps = Window(
      kernel: [kernel[2]], strides: [1], dilations: [dilation], padBefore: [0], output: [type.shape[2]])
    var result = try b.convolution(
      padded, w, bias: node.optionalInput(2), taps, group: channels, accumulator: type.element)
    let activation = try node.string("activation", default: "none")
    switch activation {
    case "none": break
    case "silu", "swish":
      result = try b.elementwise([result]) { graph, values in
        let wide = type.element == .f64 ? values[0] : graph.cast(values[0], to: .f32)
        return graph.cast(graph.times(wide, graph.unary(.sigmoid, wide)), to: type.element)
      }
    default: throw .invalid("attribute 'activation' is '\(activation)'")
    }
    let y = layout.restored(result, &b)
    guard window.size > 0 else {
      return [y, layout.restored(b.slice(padded, axis: 2, from: type.shape[2], count: length), &b)]
    }
    // The state after every step, as [batch, channels, step, position].
    var body = ScalarGraph()
    let axes = (0..<4).map { body.axis($0) }
    let place = body.affine(body.plus(axes[2], axes[3]), scale: 1, offset: 1)
    body.results = [body.read(0, [axes[0], axes[1], place], type: type.element)]
    let all = b.map([type.shape[0], type.shape[1], type.shape[2], length], body, [padded])
    return [y, layout.restored(window.states(of: all, step: 2, &b), &b)]
  }
}

/// Causal convolutions as standardized, and of ONNX Runtime.
let causalConvolutions: [any Operator] = [
  CausalConvWithState(name: OperatorName("CausalConvWithState", versions: 27)),
  CausalConvWithState(name: OperatorName("CausalConvWithState", domain: "com.microsoft", versions: 1)),
]

/// Where the channels of data and states are: second, or last in one or several axes.
private struct ChannelLayout {
  let isLast: Bool
  let channels: [Dim]

  init(_ node: OperatorNode, _ shape: [Dim]) throws(ModelError) {
    isLast = try node.flag("channels_last")
    guard !isLast || shape.count >= 3 else { throw .invalid("the data has rank \(shape.count); at least 3 is needed") }
    channels = Array(shape.dropFirst(2))
  }

  /// [batch, positions, channels…] as [batch, channels, positions].
  func channelsFirst(_ x: ValueID, _ b: inout GraphBuilder) -> ValueID {
    let shape = b.shape(of: x)
    guard isLast, shape.count >= 3 else { return x }
    return b.transpose(b.reshape(x, Array(shape.prefix(2)) + [channels.product]), [0, 2, 1])
  }

  /// [..., batch, channels, positions] in the layout of the data.
  func restored(_ x: ValueID, _ b: inout GraphBuilder) -> ValueID {
    guard isLast else { return x }
    let rank = b.shape(of: x).count
    let turned = b.transpose(x, Array(0..<rank - 2) + [rank - 1, rank - 2])
    return b.reshape(turned, b.shape(of: turned).dropLast() + channels)
  }
}
