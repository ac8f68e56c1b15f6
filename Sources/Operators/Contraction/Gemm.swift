import Support
import TensorIR

/// `alpha * A' * B' + beta * C`, where A' and B' may be transposed and C broadcasts.
struct Gemm: Operator {
  let name = OperatorName("Gemm", versions: 1, 6, 7, 9, 11, 13)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    [try b.generalProduct(node) { $1 }]
  }
}

extension GraphBuilder {
  /// A function of `alpha * A' * B' + beta * C` by the attributes of Gemm.
  mutating func generalProduct(
    _ node: OperatorNode, _ finish: (inout ScalarGraph, ScalarID) -> ScalarID
  ) throws(ModelError) -> ValueID {
    let lhs = try node.input(0)
    let rhs = try node.input(1)
    try requireSameType([lhs, rhs])
    let (left, right) = (shape(of: lhs), shape(of: rhs))
    guard left.count == 2, right.count == 2 else {
      throw .invalid("the arguments have ranks \(left.count) and \(right.count), not 2")
    }
    let transposesLeft = try node.flag("transA")
    let transposesRight = try node.flag("transB")
    let rows = left[transposesLeft ? 1 : 0]
    let depth = left[transposesLeft ? 0 : 1]
    let columns = right[transposesRight ? 0 : 1]
    try requireEqual(depth, right[transposesRight ? 1 : 0], "shapes \(left) and \(right) do not multiply")
    let element = type(of: lhs).element
    let alpha = try node.float("alpha", default: 1)
    let beta = try node.float("beta", default: 1)
    var operands = [lhs, rhs]
    var epilogue = ScalarGraph()
    var result = epilogue.accumulator(0, element)
    // Fractions of integers are rounded once, at the end.
    let wide = element.isFloat || alpha == 1 && beta == 1 ? element : .f64
    func scaled(_ value: ScalarID, _ factor: Double) -> ScalarID {
      let value = epilogue.cast(value, to: wide)
      return factor == 1 ? value : epilogue.times(value, epilogue.number(factor, wide))
    }
    result = scaled(result, alpha)
    if let addend = node.optionalInput(2), beta != 0 {
      try requireSameType([lhs, addend])
      try requireBroadcast(addend, to: [rows, columns], "C")
      operands.append(addend)
      let read = epilogue.broadcastRead(2, type(of: addend), in: [rows, columns])
      result = epilogue.plus(result, scaled(read, beta))
    }
    epilogue.results = [finish(&epilogue, epilogue.cast(result, to: element))]
    let (row, column, sum) = (AffineIndex.axis(0), AffineIndex.axis(1), AffineIndex.axis(2))
    let contract = Contract(
      shape: [rows, columns], reduced: [depth], lhs: transposesLeft ? [sum, row] : [row, sum],
      rhs: transposesRight ? [column, sum] : [sum, column], accumulator: element, epilogue: epilogue)
    return add(.contract(contract), operands)[0]
  }
}
