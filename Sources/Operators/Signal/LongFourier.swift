import Glibc
import Support
import TensorIR

extension GraphBuilder {
  /// The Fourier transform of complex numbers along an axis of constant length, whatever its prime factors.
  mutating func fourier(_ x: ValueID, axis: Int, isInverse: Bool) throws(ModelError) -> ValueID {
    let type = type(of: x)
    guard let length = type.shape[axis].constant, length <= 1 << 24 else {
      throw .unsupported(
        "a Fourier transform of length \(type.shape[axis]) is not supported", hint: "use at most 16777216 points")
    }
    if let radices = fastRadices(length) {
      return try fastFourier(x, axis: axis, radices: radices, isInverse: isInverse)
    }
    // Bluestein's algorithm: with jk = (j² + k² - (k - j)²) / 2 the transform is a convolution with a chirp, which
    // transforms of a larger length compute.
    var padded = 1
    while padded < 2 * length - 1 { padded *= 2 }
    guard let radices = fastRadices(padded) else { fatalError("a power of two has fast passes") }
    let chirp = Chirp(length: length, isInverse: isInverse)
    let factors = constant(ConstantTensor(type.element, dims: [length, 2], doubles: chirp.factors))
    let kernel = constant(ConstantTensor(type.element, dims: [padded, 2], doubles: chirp.kernel(padded)))
    let spectrum = try fastFourier(kernel, axis: 0, radices: radices, isInverse: false)
    var value = complexProduct(x, factors, axis: axis, Dim(padded))
    value = try fastFourier(value, axis: axis, radices: radices, isInverse: false)
    value = complexProduct(value, spectrum, axis: axis, Dim(padded))
    value = try fastFourier(value, axis: axis, radices: radices, isInverse: true)
    value = complexProduct(value, factors, axis: axis, Dim(length))
    guard isInverse else { return value }
    return try elementwise([value]) { $0.times($1[0], $0.number(1 / Double(length), type.element)) }
  }

  /// Complex numbers times complex factors along an axis, cut or filled with zeros to an extent.
  private mutating func complexProduct(_ x: ValueID, _ factors: ValueID, axis: Int, _ extent: Dim) -> ValueID {
    var type = type(of: x)
    var body = ScalarGraph()
    let zero = body.number(0, type.element)
    let part = body.axis(type.rank - 1)
    let other = body.minus(body.integer(1), part)
    let leading = (0..<type.rank - 1).map { body.axis($0) }
    func product(_ xPart: ScalarID, _ factorPart: ScalarID) -> ScalarID {
      let factor = body.read(1, [leading[axis], factorPart], outside: zero, type: type.element)
      return body.times(body.read(0, leading + [xPart], outside: zero, type: type.element), factor)
    }
    let (first, second) = (body.integer(0), body.integer(1))
    let straight = product(first, part)
    let crossed = product(second, other)
    let isReal = body.compare(.equal, part, first)
    body.results = [body.select(isReal, body.minus(straight, crossed), body.plus(straight, crossed))]
    type.shape[axis] = extent
    return map(type.shape, body, [x, factors])
  }

  /// Samples, or the given half of a spectrum with its mirror image, as `length` complex numbers along an axis.
  mutating func completed(_ x: ValueID, axis: Int, _ length: Int, mirrors: Bool) -> ValueID {
    var type = type(of: x)
    let isComplex = type.shape[type.rank - 1] != 1
    if isComplex, !mirrors, type.shape[axis] == Dim(length) { return x }
    var body = ScalarGraph()
    var place = (0..<type.rank).map { body.axis($0) }
    let isReal = body.compare(.equal, place[type.rank - 1], body.integer(0))
    let zero = body.number(0, type.element)
    if !isComplex { place[type.rank - 1] = body.integer(0) }
    let position = place[axis]
    let isMirrored = body.compare(.less, body.integer(length / 2), position)
    if mirrors { place[axis] = body.select(isMirrored, body.minus(body.integer(length), position), position) }
    var value = body.read(0, place, outside: zero, type: type.element)
    if !isComplex {
      value = body.select(isReal, value, zero)
    } else if mirrors {
      let conjugate = body.select(isReal, value, body.negate(value))
      value = body.select(isMirrored, conjugate, value)
    }
    body.results = [value]
    type.shape[axis] = Dim(length)
    type.shape[type.rank - 1] = 2
    return map(type.shape, body, [x])
  }
}

/// The numbers exp(∓πi j² / length).
private struct Chirp {
  let factors: [Double]

  init(length: Int, isInverse: Bool) {
    factors = (0..<length).flatMap { j in
      let angle = Double.pi * Double(j * j % (2 * length)) / Double(length)
      return [cos(angle), isInverse ? sin(angle) : -sin(angle)]
    }
  }

  /// The conjugate numbers at positions j and -j of a circle.
  func kernel(_ padded: Int) -> [Double] {
    var numbers = [Double](repeating: 0, count: padded * 2)
    for j in 0..<factors.count / 2 {
      for position in [j, (padded - j) % padded] {
        numbers[position * 2] = factors[j * 2]
        numbers[position * 2 + 1] = -factors[j * 2 + 1]
      }
    }
    return numbers
  }
}
