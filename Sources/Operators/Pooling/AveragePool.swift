import Support
import TensorIR

/// Mean over sliding windows; padding counts on request.
struct AveragePool: Operator {
  let name = OperatorName("AveragePool", versions: 1, 7, 10, 11, 19, 22)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    try b.requireFloat(x)
    return [try b.averagePool(x, node)]
  }
}

extension GraphBuilder {
  /// The mean over the sliding windows that the attributes of AveragePool describe; if padding counts, perhaps with
  /// what windows reach behind it.
  mutating func averagePool(_ x: ValueID, _ node: OperatorNode, countsWholeWindows: Bool = false) throws(ModelError)
    -> ValueID
  {
    let spatial = try spatialExtents(x, in: self)
    let window = try Window(node, input: spatial)
    let element = type(of: x).element
    let includesPadding = try node.flag("count_include_pad")
    return pool(x, window, .sum, outside: 0) { graph, accumulators in
      var count = graph.integer(1)
      for axis in 0..<window.rank {
        let own =
          includesPadding && countsWholeWindows
          ? graph.dim(window.kernel[axis]) : graph.windowPositions(window, axis, spatial[axis], includesPadding)
        count = graph.times(count, own)
      }
      return [graph.over(accumulators[0], graph.cast(count, to: element))]
    }[0]
  }
}

extension ScalarGraph {
  /// How many positions of the window along one axis count: those within the data, or within data and padding.
  fileprivate mutating func windowPositions(
    _ window: Window, _ number: Int, _ extent: Dim, _ includesPadding: Bool
  ) -> ScalarID {
    let low = includesPadding ? -window.padBefore[number] : Dim(0)
    let high = includesPadding ? extent + window.padAfter[number] : extent
    let reach = (window.output[number] - 1) * window.strides[number] - window.padBefore[number] + window.span(number)
    if (-window.padBefore[number] - low).lowerBound ?? -1 >= 0, (high - reach).lowerBound ?? -1 >= 0 {
      return dim(window.kernel[number])
    }
    let start = affine(axis(2 + number), scale: window.strides[number], offset: -window.padBefore[number])
    let dilation = window.dilations[number]
    // The first step at or above `low`, and the first at or above `high`.
    let below = minus(dim(low + (dilation - 1)), start)
    let first = binary(.max, binary(.floorDivide, below, integer(dilation)), integer(0))
    let above = minus(dim(high + (dilation - 1)), start)
    let past = binary(.floorDivide, above, integer(dilation))
    let end = binary(.min, past, dim(window.kernel[number]))
    return binary(.max, minus(end, first), integer(0))
  }
}
