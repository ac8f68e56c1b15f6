import Support
import TensorIR

/// Mean over sliding windows; padding counts on request.
struct AveragePool: Operator {
  let name = OperatorName("AveragePool", versions: 1, 7, 10, 11, 19, 22)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    try b.requireFloat(x)
    let spatial = try spatialExtents(x, in: b)
    let window = try Window(node, input: spatial)
    let element = b.type(of: x).element
    let includesPadding = try node.flag("count_include_pad")
    return b.pool(x, window, .sum, outside: 0) { graph, accumulators in
      var count = graph.integer(1)
      for axis in 0..<window.rank {
        count = graph.times(count, positions(&graph, window, axis, spatial[axis], includesPadding))
      }
      return [graph.over(accumulators[0], graph.cast(count, to: element))]
    }
  }

  /// How many positions of the window along one axis count: those within the data, or within data and padding.
  private func positions(
    _ graph: inout ScalarGraph, _ window: Window, _ axis: Int, _ extent: Dim, _ includesPadding: Bool
  ) -> ScalarID {
    let low = includesPadding ? -window.padBefore[axis] : Dim(0)
    let high = includesPadding ? extent + window.padAfter[axis] : extent
    let reach = (window.output[axis] - 1) * window.strides[axis] - window.padBefore[axis] + window.span(axis)
    if (-window.padBefore[axis] - low).lowerBound ?? -1 >= 0, (high - reach).lowerBound ?? -1 >= 0 {
      return graph.dim(window.kernel[axis])
    }
    let start = graph.affine(graph.axis(2 + axis), scale: window.strides[axis], offset: -window.padBefore[axis])
    let dilation = window.dilations[axis]
    // The first step at or above `low`, and the first at or above `high`.
    let below = graph.minus(graph.dim(low + (dilation - 1)), start)
    let first = graph.binary(.max, graph.binary(.floorDivide, below, graph.integer(dilation)), graph.integer(0))
    let above = graph.minus(graph.dim(high + (dilation - 1)), start)
    let past = graph.binary(.floorDivide, above, graph.integer(dilation))
    let end = graph.binary(.min, past, graph.dim(window.kernel[axis]))
    return graph.binary(.max, graph.minus(end, first), graph.integer(0))
  }
}
