import Support
import TensorIR

/// The argument, scaled by a slope where it is negative.
struct PRelu: Operator {
  let name = OperatorName("PRelu", versions: 1, 6, 7, 9, 16)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    var slope = try node.input(1)
    try b.requireSameType([x, slope])
    let rank = b.shape(of: x).count
    // Before operator set 7 a slope of rank 1 goes along the channels.
    if node.version < 7, b.shape(of: slope).count == 1, rank > 2 {
      slope = b.reshape(slope, b.shape(of: slope) + [Dim](repeating: 1, count: rank - 2))
    }
    try b.requireBroadcast(slope, to: b.shape(of: x), "the slope")
    return [
      try b.elementwise([x, slope]) { graph, values in
        let negative = graph.compare(.less, values[0], graph.number(0, graph.type(of: values[0])))
        return graph.select(negative, graph.times(values[1], values[0]), values[0])
      }
    ]
  }
}
