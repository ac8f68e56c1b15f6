import Support
import TensorIR

/// Mean of quantized data over all spatial positions.
struct QLinearGlobalAveragePool: Operator {
  let name = OperatorName("QLinearGlobalAveragePool", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let rank = 2 + (try spatialExtents(x, in: b)).count
    let axes = try node.flag("channels_last") ? Array(1..<rank - 1) : Array(2..<rank)
    let own = try b.quantization(node, at: 1)
    let centered = try b.cast(try b.centered(x, zeroPoint: own.zeroPoint, axis: -1), to: .i32)
    let sum = b.reduceAxes(centered, axes, keepsAxes: true, .sum)
    let count = b.integers([axes.map { b.shape(of: x)[$0] }.product])
    let target = try b.quantization(node, at: 3)
    let divisor = try b.elementwise([target.scale, b.reshape(count, [])]) {
      $0.times($1[0], $0.cast($1[1], to: .f32))
    }
    let zeroPoint = target.zeroPoint ?? b.scalar(0, b.type(of: x).element)
    return [try b.requantize(sum, [own.scale, b.scalar(1, .f32), divisor], zeroPoint)]
  }
}

/// Mean of quantized data over axes.
struct QLinearReduceMean: Operator {
  let name = OperatorName("QLinearReduceMean", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let rank = b.shape(of: x).count
    var axes: [Int] = []
    for axis in try node.ints("axes") ?? Array(0..<rank) { axes.append(try normalizedAxis(axis, rank: rank)) }
    let mean = b.reduceAxes(
      try b.dequantized(node, at: 0), Array(Set(axes)).sorted(), keepsAxes: try node.flag("keepdims", default: true),
      .sum, finish: { $0.mean($1, over: $2) })
    return [try b.quantized(mean, node, at: 3, like: x)]
  }
}

/// Mean of quantized data over sliding windows.
struct QLinearAveragePool: Operator {
  let name = OperatorName("QLinearAveragePool", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let mean = try b.convolution(
      try b.dequantized(node, at: 0), channelsLast: try node.flag("channels_last")
    ) { (x, b) throws(ModelError) in try b.averagePool(x, node) }
    let target = try b.quantization(node, at: 3)
    let element = b.type(of: try node.input(0)).element
    try b.requireQuantizable(element)
    // The zero point is added before rounding, which decides about ties.
    return [
      try b.elementwise([mean, target.scale, target.zeroPoint ?? b.scalar(0, element)]) { graph, values in
        let scaled = graph.plus(graph.over(values[0], values[1]), graph.cast(values[2], to: .f32))
        return graph.quantize(scaled, zeroPoint: nil, to: element)
      }
    ]
  }
}

/// Maximum over sliding windows of data with the channels last.
struct NhwcMaxPool: Operator {
  let name = OperatorName("NhwcMaxPool", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    [
      try b.convolution(try node.input(0), channelsLast: true) { (x, b) throws(ModelError) in
        let window = try Window(node, input: try spatialExtents(x, in: b))
        return b.pool(x, window, .max, outside: 0)[0]
      }
    ]
  }
}

/// Softmax of quantized data along one axis, or, as before operator set 13, over all axes from one on.
struct QLinearSoftmax: Operator {
  let name = OperatorName("QLinearSoftmax", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let rank = b.shape(of: x).count
    let axis = try normalizedAxis(try node.int("axis", default: -1), rank: max(rank, 1))
    let axes = try rank == 0 ? [] : node.int("opset", default: 13) < 13 ? Array(axis..<rank) : [axis]
    let target = try b.quantization(node, at: 3)
    let element = b.type(of: x).element
    try b.requireQuantizable(element)
    // ONNX Runtime counts in whole steps of the result's scale from 0 to 1.
    let steps = try b.elementwise([target.scale]) { graph, values in
      graph.unary(.floor, graph.over(graph.number(1, .f32), values[0]))
    }
    let y = try b.softmax(try b.dequantized(node, at: 0), axes)
    return [
      try b.elementwise([y, steps, target.zeroPoint ?? b.scalar(0, element)]) { graph, values in
        graph.quantize(graph.times(values[0], values[1]), zeroPoint: values[2], to: element)
      }
    ]
  }
}

/// Reductions of quantized data of ONNX Runtime.
let quantizedReductions: [any Operator] = [
  NhwcMaxPool(), QLinearAveragePool(), QLinearGlobalAveragePool(), QLinearReduceMean(), QLinearSoftmax(),
]
