import Support
import TensorIR

/// The product of quantized matrices as `i32`.
struct MatMulInteger: Operator {
  let name = OperatorName("MatMulInteger", versions: 10)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let lhs = try b.centered(try node.input(0), zeroPoint: node.optionalInput(2), axis: -2)
    let rhs = try b.centered(try node.input(1), zeroPoint: node.optionalInput(3), axis: -1)
    return [try b.matrixProduct(lhs, rhs, accumulator: .i32)]
  }
}

/// The convolution of quantized data as `i32`.
struct ConvInteger: Operator {
  let name = OperatorName("ConvInteger", versions: 10)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try b.centered(try node.input(0), zeroPoint: node.optionalInput(2), axis: 0)
    let w = try b.centered(try node.input(1), zeroPoint: node.optionalInput(3), axis: 0)
    return [try b.convolution(x, w, bias: nil, node, accumulator: .i32)]
  }
}

/// The product of quantized matrices, quantized again.
struct QLinearMatMul: Operator {
  let name = OperatorName("QLinearMatMul", versions: 10, 21)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let lhs = try b.centered(try node.input(0), zeroPoint: node.optionalInput(2), axis: -2)
    let rhs = try b.centered(try node.input(3), zeroPoint: node.optionalInput(5), axis: -1)
    let isFloat = b.type(of: lhs).element.isFloat || b.type(of: rhs).element.isFloat
    let product = try b.matrixProduct(lhs, rhs, accumulator: isFloat ? .f32 : .i32)
    let rank = b.shape(of: product).count
    let scales = [
      try b.scaleAligned(try node.input(1), axis: -2, rank: rank),
      try b.scaleAligned(try node.input(4), axis: -1, rank: rank),
      try b.scaleAligned(try node.input(6), axis: -2, rank: rank),
    ]
    let zeroPoint = try b.scaleAligned(try node.input(7), axis: -2, rank: rank)
    return [try b.requantize(product, scales, zeroPoint)]
  }
}

/// The convolution of quantized data, quantized again; the channels may be last.
struct QLinearConv: Operator {
  let name: OperatorName

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try b.centered(try node.input(0), zeroPoint: try node.input(2), axis: 0)
    let w = try b.centered(try node.input(3), zeroPoint: try node.input(5), axis: 0)
    let y = try b.convolution(x, channelsLast: try node.flag("channels_last")) { (x, b) throws(ModelError) in
      let sum = try b.convolution(x, w, bias: node.optionalInput(8), node, accumulator: .i32)
      let rank = b.shape(of: sum).count
      var scales: [ValueID] = []
      for position in [1, 4, 6] {
        scales.append(try b.scaleAligned(try node.input(position), axis: 1 - rank, rank: rank))
      }
      return try b.requantize(
        sum, scales, try b.scaleAligned(try node.input(7), axis: 1 - rank, rank: rank))
    }
    return [y]
  }
}

/// QLinearConv as standardized, and of ONNX Runtime.
let quantizedConvolutions: [any Operator] = [
  QLinearConv(name: OperatorName("QLinearConv", versions: 10)),
  QLinearConv(name: OperatorName("QLinearConv", domain: "com.microsoft", versions: 1)),
]

extension GraphBuilder {
  /// Quantized data minus its zero point, which is a scalar or one value per position of an axis.
  mutating func centered(_ x: ValueID, zeroPoint: ValueID?, axis: Int) throws(ModelError) -> ValueID {
    guard let zeroPoint else { return x }
    try requireSameType([x, zeroPoint])
    if let known = constantValue(zeroPoint), known.doubles.allSatisfy({ $0 == 0 }) { return x }
    let rank = shape(of: x).count
    let aligned = try scaleAligned(zeroPoint, axis: axis < 0 ? axis : axis - rank, rank: rank)
    let wide: ElementType = type(of: x).element.isFloat ? .f32 : .i32
    return try elementwise([x, aligned]) { $0.minus($0.cast($1[0], to: wide), $0.cast($1[1], to: wide)) }
  }

  /// A parameter of one element, or a vector moved to an axis counted from the back.
  mutating func scaleAligned(_ value: ValueID, axis: Int, rank: Int) throws(ModelError) -> ValueID {
    let shape = shape(of: value)
    if shape.constants?.reduce(1, *) == 1 { return reshape(value, []) }
    guard shape.count == 1, axis < 0, rank >= -axis else { return value }
    return reshape(value, shape + [Dim](repeating: 1, count: -axis - 1))
  }

  /// `saturate(rint(sum * (scales[0] * scales[1] / scales[2])) + zeroPoint)`.
  mutating func requantize(_ sum: ValueID, _ scales: [ValueID], _ zeroPoint: ValueID) throws(ModelError)
    -> ValueID
  {
    let target = type(of: zeroPoint).element
    try requireQuantizable(target)
    let factor = try elementwise(scales) { graph, values in
      let wide = values.map { graph.cast($0, to: .f32) }
      return graph.over(graph.times(wide[0], wide[1]), wide[2])
    }
    let result = try elementwise([sum, factor, zeroPoint]) { graph, values in
      let scaled = graph.times(graph.cast(values[0], to: .f32), values[1])
      return graph.quantize(scaled, zeroPoint: values[2], to: target)
    }
    try requireShape(result, shape(of: sum), "the result with these scales and zero points")
    return result
  }
}
