import Support
import TensorIR

/// Products of complex numbers, whose two parts lie in the last axis; the second factor may be conjugated.
struct ComplexMul: Operator {
  let name: OperatorName
  let conjugates: Bool

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let operands = [try node.input(0), try node.input(1)]
    try b.requireFloat(operands[0])
    try b.requireSameType(operands)
    for operand in operands {
      let shape = b.shape(of: operand)
      try b.requireEqual(shape.last ?? 0, 2, "the last dimension of shape \(shape) does not hold 2 parts")
    }
    let outer = try b.broadcast(operands.map { b.shape(of: $0).dropLast() })
    let element = b.type(of: operands[0]).element
    var body = ScalarGraph()
    func part(_ operand: Int, _ part: Int) -> ScalarID {
      let shape = b.shape(of: operands[operand])
      let lead = outer.count + 1 - shape.count
      let indices = shape.indices.dropLast().map { axis in
        shape[axis] == 1 && outer[lead + axis] != 1 ? body.integer(0) : body.axis(lead + axis)
      }
      return body.read(operand, indices + [body.integer(part)], type: element)
    }
    let sign = conjugates ? -1.0 : 1.0
    let crossed = body.affineNumber(body.times(part(0, 1), part(1, 1)), -sign, 0)
    let real = body.plus(body.times(part(0, 0), part(1, 0)), crossed)
    let imaginary = body.plus(
      body.affineNumber(body.times(part(0, 0), part(1, 1)), sign, 0), body.times(part(0, 1), part(1, 0)))
    let isReal = body.compare(.equal, body.axis(outer.count), body.integer(0))
    body.results = [body.select(isReal, real, imaginary)]
    return [b.map(outer + [2], body, operands)]
  }
}

/// The Fourier transform of real data over the last axes, and its inverse.
struct RealFourier: Operator {
  let name: OperatorName
  let isInverse: Bool

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    try b.requireFloat(x)
    guard try !node.flag("normalized"), try node.flag("onesided", default: true) else {
      throw .unsupported("normalized or two-sided transforms are not supported")
    }
    let shape = b.shape(of: x)
    let rank = isInverse ? shape.count - 1 : shape.count
    let count = try node.int("signal_ndim", default: 1)
    let message = "\(count) axes of a signal of shape \(shape) cannot be transformed"
    guard count >= 1, count <= rank, let parts = shape.last else { throw .invalid(message) }
    if isInverse { try b.requireEqual(parts, 2, message) }
    // Only the last axis is one-sided: it is the first one of the transform and the last one of the inverse.
    let whole = FourierTransform(parts: 2, isInverse: isInverse, isOneSided: false)
    let half = FourierTransform(parts: isInverse ? 2 : 1, isInverse: isInverse, isOneSided: true)
    var y = isInverse ? x : try half.build(b.reshape(x, shape + [1]), axis: rank - 1, &b)
    for axis in rank - count..<rank - 1 { y = try whole.build(y, axis: axis, &b) }
    guard isInverse else { return [y] }
    y = try half.build(y, axis: rank - 1, &b)
    return [b.reshape(y, b.shape(of: y).dropLast())]
  }
}

/// Operators of complex numbers as pairs.
let complexOperators: [any Operator] = [
  ComplexMul(name: OperatorName("ComplexMul", domain: "com.microsoft", versions: 1), conjugates: false),
  ComplexMul(name: OperatorName("ComplexMulConj", domain: "com.microsoft", versions: 1), conjugates: true),
  RealFourier(name: OperatorName("Irfft", domain: "com.microsoft", versions: 1), isInverse: true),
  RealFourier(name: OperatorName("Rfft", domain: "com.microsoft", versions: 1), isInverse: false),
]
