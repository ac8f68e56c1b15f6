import Support
import TensorIR

/// The product of quantized matrices plus an `i32` addend, as `f32` or quantized again.
struct QGemm: Operator {
  let name = OperatorName("QGemm", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let alpha = try node.float("alpha", default: 1)
    var factors: [ValueID] = []
    for (position, name) in [(0, "transA"), (3, "transB")] {
      let factor = try centered(try node.input(position), try node.input(position + 2), &b)
      guard b.shape(of: factor).count == 2 else { throw .invalid("argument \(position) is no matrix") }
      factors.append(try node.flag(name) ? b.transpose(factor, [1, 0]) : factor)
    }
    var sum = try b.matrixProduct(factors[0], factors[1], accumulator: .i32)
    if let addend = node.optionalInput(6) {
      try b.require(addend, "the addend", isOneOf: .i32)
      sum = try b.elementwise([sum, addend]) { $0.plus($1[0], $1[1]) }
    }
    let result = try b.elementwise([sum, try node.input(1), try node.input(4)]) { graph, values in
      let scale = graph.times(graph.times(graph.number(alpha, .f32), values[1]), values[2])
      return graph.times(graph.cast(values[0], to: .f32), scale)
    }
    guard node.optionalInput(7) != nil else { return [result] }
    return [try b.quantized(result, node, at: 7, like: try node.input(0))]
  }

  private func centered(_ x: ValueID, _ zeroPoint: ValueID, _ b: inout GraphBuilder) throws(ModelError) -> ValueID {
    try b.elementwise([x, zeroPoint]) { $0.minus($0.cast($1[0], to: .i32), $0.cast($1[1], to: .i32)) }
  }
}
