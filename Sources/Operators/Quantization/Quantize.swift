import Support
import TensorIR

extension ScalarGraph {
  /// `saturate(rint(x) + zeroPoint)` for a float `x` that is scaled already.
  mutating func quantize(
    _ x: ScalarID, zeroPoint: ScalarID?, to target: ElementType,
    _ rounding: SmallFloatRounding = SmallFloatRounding(saturates: true)
  ) -> ScalarID {
    if target.isFloat {
      let shifted = zeroPoint.map { plus(x, cast($0, to: type(of: x))) } ?? x
      return cast(shifted, to: target, rounding)
    }
    let wide = type(of: x) == .f64 ? x : cast(x, to: .f32)
    let element = type(of: wide)
    var value = unary(.rint, wide)
    if let zeroPoint { value = plus(value, cast(zeroPoint, to: element)) }
    let low = target.isSignedInteger ? -(1 << (target.bits - 1)) : 0
    let high = (1 << (target.isSignedInteger ? target.bits - 1 : target.bits)) - 1
    let bounded = binary(.min, binary(.max, value, number(Double(low), element)), number(Double(high), element))
    return cast(cast(bounded, to: .i32), to: target)
  }
}

extension GraphBuilder {
  /// Checks that numbers can be quantized to a type.
  func requireQuantizable(_ target: ElementType) throws(ModelError) {
    guard target.isFloat || (target.isInteger && target.bits <= 16) else {
      throw .invalid("data cannot be quantized to \(target.rawValue)")
    }
  }

  /// A scale or zero point arranged so that it broadcasts with data: a scalar, one value per position of an axis, or
  /// one per block of `block` positions, if that is not 0.
  mutating func alignedParameter(
    _ parameter: ValueID, to shape: [Dim], axis given: Int, block: Int, _ what: String
  ) throws(ModelError) -> ValueID {
    let own = self.shape(of: parameter)
    if own.constants?.reduce(1, *) == 1, own.count <= 1 { return reshape(parameter, []) }
    let axis = try normalizedAxis(given, rank: shape.count)
    if own.count == 1, block == 0 || shape.count > 1 {
      try requireEqual(
        own[0], shape[axis], "\(what) has \(own[0]) elements, but dimension \(axis) has extent \(shape[axis])")
      return reshape(parameter, shape.indices.map { $0 == axis ? own[0] : 1 })
    }
    guard block > 0 else { throw .invalid("\(what) has shape \(own), which does not fit data of shape \(shape)") }
    var expected = shape
    expected[axis] = (shape[axis] + (block - 1)).floorDivided(by: Dim(block))
    try requireShape(parameter, expected, what)
    var body = ScalarGraph()
    var indices = shape.indices.map { body.axis($0) }
    indices[axis] = body.binary(.floorDivide, indices[axis], body.integer(block))
    body.results = [body.read(0, indices, type: type(of: parameter).element)]
    return map(shape, body, [parameter])
  }
}
