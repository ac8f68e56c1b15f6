import Support
import TensorIR

/// The product of quantized matrices plus an `i32` addend, as `f32` or quantized again.
struct QGemm: Operator {
  let name = OperatorName("QGemm", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let alpha = try node.float("alpha", default: 1)
    let transposesRight = try node.flag("transB")
    var lhs = try b.centered(try node.input(0), zeroPoint: node.optionalInput(2), axis: -1)
    var rhs = try b.centered(try node.input(3), zeroPoint: node.optionalInput(5), axis: transposesRight ? -2 : -1)
    guard b.shape(of: lhs).count == 2, b.shape(of: rhs).count == 2 else { throw .invalid("a factor is no matrix") }
    if try node.flag("transA") { lhs = b.transpose(lhs, [1, 0]) }
    if transposesRight { rhs = b.transpose(rhs, [1, 0]) }
    var sum = try b.matrixProduct(lhs, rhs, accumulator: .i32)
    if let addend = node.optionalInput(6) {
      try b.require(addend, "the addend", isOneOf: .i32)
      sum = try b.elementwise([sum, addend]) { $0.plus($1[0], $1[1]) }
    }
    for position in [1, 4] { try b.require(try node.input(position), "a scale", isOneOf: .f32) }
    let scales = [
      try b.scaleAligned(try node.input(1), axis: -2, rank: 2),
      try b.scaleAligned(try node.input(4), axis: -1, rank: 2),
    ]
    let scale = try b.elementwise(scales) { graph, values in
      graph.times(graph.times(graph.number(alpha, .f32), values[0]), values[1])
    }
    guard node.optionalInput(7) != nil else { return [try b.scaled(sum, by: scale)] }
    let target = try b.quantization(node, at: 7)
    guard let zeroPoint = target.zeroPoint else {
      // Without a zero point the quotient stays as it is.
      return [try b.scaled(sum, by: b.elementwise([scale, target.scale]) { $0.over($1[0], $1[1]) })]
    }
    return [try b.requantize(sum, [scale, b.scalar(1, .f32), target.scale], zeroPoint)]
  }
}
