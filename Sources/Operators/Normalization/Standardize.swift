import Support
import TensorIR

/// Elements with the statistics of the axes that they were normalized over.
struct Standardized {
  var value: ValueID
  var mean: ValueID
  /// The reciprocal of the standard deviation.
  var scale: ValueID
}

extension GraphBuilder {
  /// `(x - mean) / sqrt(variance + epsilon)` over the given axes, computed in type `stash`.
  mutating func standardize(_ x: ValueID, _ axes: [Int], epsilon: Double, stash: ElementType) throws(ModelError)
    -> Standardized
  {
    let mean = reduceAxes(
      x, axes, keepsAxes: true, .sum, prepare: { $0.cast($1, to: stash) }, finish: { $0.mean($1, over: $2) })
    let centered = try elementwise([x, mean]) { $0.minus($0.cast($1[0], to: stash), $1[1]) }
    let scale = reduceAxes(
      centered, axes, keepsAxes: true, .sum, prepare: { $0.times($1, $1) },
      finish: { graph, sum, count in
        let variance = graph.mean(sum, over: count)
        let deviation = graph.unary(.sqrt, graph.affineNumber(variance, 1, epsilon))
        return graph.over(graph.number(1, graph.type(of: deviation)), deviation)
      })
    let value = try elementwise([centered, scale]) { $0.times($1[0], $1[1]) }
    return Standardized(value: value, mean: mean, scale: scale)
  }

  /// `x * scale + bias` in the type of the scale.
  mutating func scaleAndShift(_ x: ValueID, _ scale: ValueID, _ bias: ValueID?) throws(ModelError) -> ValueID {
    try requireSameType([scale] + (bias.map { [$0] } ?? []))
    try requireFloat(scale, "the scale")
    let element = type(of: scale).element
    try requireBroadcast(scale, to: shape(of: x), "the scale")
    if let bias { try requireBroadcast(bias, to: shape(of: x), "the bias") }
    return try elementwise([x, scale] + (bias.map { [$0] } ?? [])) { graph, values in
      let scaled = graph.times(graph.cast(values[0], to: element), values[1])
      return values.count == 3 ? graph.plus(scaled, values[2]) : scaled
    }
  }
}

extension OperatorNode {
  /// The type in which statistics are computed.
  func stashType(_ element: ElementType) throws(ModelError) -> ElementType {
    let stash = try elementType("stash_type") ?? .f32
    guard stash.isFloat else {
      throw .invalid("attribute 'stash_type' is \(stash.rawValue), which is not a float type")
    }
    return element == .f64 && stash == .f32 ? .f64 : stash
  }
}
