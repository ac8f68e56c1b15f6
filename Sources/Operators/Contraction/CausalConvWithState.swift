import Support
import TensorIR

/// A depthwise convolution over the past of every position, with the end of the data as state of the next call.
struct CausalConvWithState: Operator {
  let name = OperatorName("CausalConvWithState", versions: 27)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let w = try node.input(1)
    let type = b.type(of: x)
    let kernel = b.shape(of: w)
    guard type.rank == 3, kernel.count == 3, kernel[0] == type.shape[1], kernel[1] == 1,
      let channels = kernel[0].constant
    else {
      throw .invalid("a kernel of shape \(kernel) does not fit data of shape \(type.shape)")
    }
    let stateShape = [type.shape[0], type.shape[1], kernel[2] - 1]
    let zeros = try b.broadcast(b.scalar(0, type.element), to: stateShape)
    let past = node.optionalInput(3) ?? zeros
    guard b.shape(of: past) == stateShape else {
      throw .invalid("the state has shape \(b.shape(of: past)), not \(stateShape)")
    }
    let padded = b.concatenate([past, x], axis: 2)
    let window = Window(kernel: [kernel[2]], strides: [1], dilations: [1], padBefore: [0], output: [type.shape[2]])
    var result = try b.convolution(
      padded, w, bias: node.optionalInput(2), window, group: channels, accumulator: type.element)
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
    return [result, b.slice(padded, axis: 2, from: type.shape[2], count: kernel[2] - 1)]
  }
}
