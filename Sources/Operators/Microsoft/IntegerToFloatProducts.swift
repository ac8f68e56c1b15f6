import Support
import TensorIR

/// The product of quantized matrices as floats, plus a bias.
struct MatMulIntegerToFloat: Operator {
  let name = OperatorName("MatMulIntegerToFloat", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let product = QuantizedProduct(
      lhs: try node.input(0), rhs: try node.input(1), lhsScale: try node.input(2), rhsScale: try node.input(3),
      lhsZeroPoint: node.optionalInput(4), rhsZeroPoint: node.optionalInput(5))
    return [try b.biased(try product.build(&b), node.optionalInput(6))]
  }
}

/// The product of a float matrix, quantized by its range, with a quantized one, plus a bias.
struct DynamicQuantizeMatMul: Operator {
  let name = OperatorName("DynamicQuantizeMatMul", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let lhs = try b.dynamicallyQuantized(try node.input(0))
    let product = QuantizedProduct(
      lhs: lhs.value, rhs: try node.input(1), lhsScale: lhs.scale, rhsScale: try node.input(2),
      lhsZeroPoint: lhs.zeroPoint, rhsZeroPoint: node.optionalInput(3))
    return [try b.biased(try product.build(&b), node.optionalInput(4))]
  }
}

/// Factors of a product with scales and zero points, single numbers or one per row and column.
struct QuantizedProduct {
  var lhs: ValueID
  var rhs: ValueID
  var lhsScale: ValueID
  var rhsScale: ValueID
  var lhsZeroPoint: ValueID?
  var rhsZeroPoint: ValueID?

  /// The product in the type of the scales.
  func build(_ b: inout GraphBuilder) throws(ModelError) -> ValueID {
    let left = try b.centered(lhs, zeroPoint: lhsZeroPoint, axis: -2)
    let right = try b.centered(rhs, zeroPoint: rhsZeroPoint, axis: -1)
    let sum = try b.matrixProduct(left, right, accumulator: .i32)
    let rank = b.shape(of: sum).count
    let scales = [
      try b.scaleAligned(lhsScale, axis: -2, rank: rank), try b.scaleAligned(rhsScale, axis: -1, rank: rank),
    ]
    try b.requireSameType(scales)
    let scale = try b.elementwise(scales) { $0.times($0.cast($1[0], to: .f32), $0.cast($1[1], to: .f32)) }
    return try b.cast(try b.scaled(sum, by: scale), to: b.type(of: rhsScale).element)
  }
}

/// The product of 16-bit integers as 32-bit ones.
struct MatMulInteger16: Operator {
  let name = OperatorName("MatMulInteger16", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let factors = [try node.input(0), try node.input(1)]
    for factor in factors { try b.require(factor, "a factor", isOneOf: .i16, .u16) }
    let isUnsigned = factors.allSatisfy { b.type(of: $0).element == .u16 }
    return [try b.matrixProduct(factors[0], factors[1], accumulator: isUnsigned ? .u32 : .i32)]
  }
}

extension GraphBuilder {
  /// Integer sums times a scale as `f32`.
  mutating func scaled(_ sum: ValueID, by scale: ValueID) throws(ModelError) -> ValueID {
    try elementwise([sum, scale]) { $0.times($0.cast($1[0], to: .f32), $1[1]) }
  }

  /// The value plus a bias, if there is one.
  mutating func biased(_ value: ValueID, _ bias: ValueID?) throws(ModelError) -> ValueID {
    guard let bias else { return value }
    try requireSameType([value, bias])
    return try elementwise([value, bias]) { $0.plus($1[0], $1[1]) }
  }
}
