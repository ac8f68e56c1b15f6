import Support
import TensorIR

/// Mean of quantized data over all spatial positions.
struct QLinearGlobalAveragePool: Operator {
  let name = OperatorName("QLinearGlobalAveragePool", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let rank = 2 + (try spatialExtents(x, in: b)).count
    let channelsLast = try node.flag("channels_last")
    let axes = channelsLast ? Array(1..<rank - 1) : Array(2..<rank)
    let mean = b.reduceAxes(
      try b.dequantized(node, at: 0), axes, keepsAxes: true, .sum, finish: { $0.mean($1, over: $2) })
    return [try b.quantized(mean, node, at: 3, like: x)]
  }
}
