import Glibc
import Support
import TensorIR

/// The radices of the passes of a fast Fourier transform, or nil if the length has other prime factors than 2, 3 and 5.
func fastRadices(_ length: Int) -> [Int]? {
  var rest = length
  var radices: [Int] = []
  func take(_ radix: Int) {
    while rest > 0 && rest % radix == 0 {
      radices.append(radix)
      rest /= radix
    }
  }
  take(4)
  if rest % 2 == 0 {
    rest /= 2
    radices.insert(2, at: 0)
  }
  take(3)
  take(5)
  return rest == 1 && !radices.isEmpty ? radices : nil
}

extension GraphBuilder {
  /// The Fourier transform of complex numbers (the last axis holds real and imaginary part) along an axis of constant length.
  ///
  /// Self-sorting mixed-radix passes (Stockham; decimation in frequency), each one map over [before, radix, done, rest, after, part]
  /// reading [before, done, radix, rest, after, part].
  mutating func fastFourier(_ x: ValueID, axis: Int, radices: [Int], isInverse: Bool) throws(ModelError) -> ValueID {
    let type = type(of: x)
    let length = radices.reduce(1, *)
    let before = Array(type.shape[..<axis]).product
    let after = Array(type.shape[(axis + 1)..<(type.rank - 1)]).product
    var value = x
    var done = 1
    for radix in radices {
      let rest = length / (done * radix)
      value = reshape(value, [before, Dim(done), Dim(radix), Dim(rest), after, 2])
      let twiddles = constant(twiddles(radix, done, rest, length, type.element, isInverse))
      var body = ScalarGraph()
      let pass = FourierPass(radix: radix, isInverse: isInverse, element: type.element)
      body.results = [pass.body(&body, hasTwiddles: rest > 1)]
      value = map([before, Dim(radix), Dim(done), Dim(rest), after, 2], body, [value, twiddles])
      done *= radix
    }
    value = reshape(value, type.shape)
    guard isInverse else { return value }
    return try elementwise([value]) { $0.times($1[0], $0.number(1 / Double(length), type.element)) }
  }

  /// exp(±2πi j·done·i / length) by result j of the radix and position i of the rest: [radix, rest, part].
  private func twiddles(
    _ radix: Int, _ done: Int, _ rest: Int, _ length: Int, _ element: ElementType, _ isInverse: Bool
  ) -> ConstantTensor {
    var numbers: [Double] = []
    for j in 0..<radix {
      for i in 0..<rest {
        let angle = 2 * Double.pi * Double(j * done * i % length) / Double(length)
        numbers += [cos(angle), isInverse ? sin(angle) : -sin(angle)]
      }
    }
    return ConstantTensor(element, dims: [radix, rest, 2], doubles: numbers)
  }
}

/// A complex number of scalar nodes.
private struct Complex {
  var real: ScalarID
  var imaginary: ScalarID
}

/// One pass: butterflies of a radix, then the twiddle factors.
private struct FourierPass {
  let radix: Int
  let isInverse: Bool
  let element: ElementType

  func body(_ graph: inout ScalarGraph, hasTwiddles: Bool) -> ScalarID {
    let (batch, result, done, rest, after, part) = (
      graph.axis(0), graph.axis(1), graph.axis(2), graph.axis(3), graph.axis(4), graph.axis(5)
    )
    let (zero, one) = (graph.integer(0), graph.integer(1))
    let inputs = (0..<radix).map { index in
      let position = graph.integer(index)
      return Complex(
        real: graph.read(0, [batch, done, position, rest, after, zero], type: element),
        imaginary: graph.read(0, [batch, done, position, rest, after, one], type: element))
    }
    let isReal = graph.compare(.equal, part, zero)
    var chosen: ScalarID?
    for (index, butterfly) in butterflies(inputs, &graph).enumerated().reversed() {
      var value = butterfly
      if hasTwiddles && index > 0 {
        let position = graph.integer(index)
        let real = graph.read(1, [position, rest, zero], type: element)
        let imaginary = graph.read(1, [position, rest, one], type: element)
        value = Complex(
          real: graph.minus(graph.times(butterfly.real, real), graph.times(butterfly.imaginary, imaginary)),
          imaginary: graph.plus(graph.times(butterfly.real, imaginary), graph.times(butterfly.imaginary, real)))
      }
      let here = graph.select(isReal, value.real, value.imaginary)
      let isThis = graph.compare(.equal, result, graph.integer(index))
      chosen = chosen.map { graph.select(isThis, here, $0) } ?? here
    }
    guard let chosen else { fatalError("a pass of radix \(radix)") }
    return chosen
  }

  private func butterflies(_ x: [Complex], _ graph: inout ScalarGraph) -> [Complex] {
    switch radix {
    case 2: return [add(x[0], x[1], &graph), subtract(x[0], x[1], &graph)]
    case 3:
      let (sum, difference) = (add(x[1], x[2], &graph), subtract(x[1], x[2], &graph))
      let even = add(x[0], scale(sum, -0.5, &graph), &graph)
      let odd = turned(scale(difference, sine(1, 3), &graph), &graph)
      return [add(x[0], sum, &graph), add(even, odd, &graph), subtract(even, odd, &graph)]
    case 4:
      let (low, high) = (add(x[0], x[2], &graph), subtract(x[0], x[2], &graph))
      let sum = add(x[1], x[3], &graph)
      let difference = subtract(x[1], x[3], &graph)
      let odd = isInverse ? turned(difference, &graph) : turned(scale(difference, -1, &graph), &graph)
      return [add(low, sum, &graph), add(high, odd, &graph), subtract(low, sum, &graph), subtract(high, odd, &graph)]
    default: return five(x, &graph)
    }
  }

  private func five(_ x: [Complex], _ graph: inout ScalarGraph) -> [Complex] {
    let (sum1, difference1) = (add(x[1], x[4], &graph), subtract(x[1], x[4], &graph))
    let (sum2, difference2) = (add(x[2], x[3], &graph), subtract(x[2], x[3], &graph))
    let first = add(add(x[0], sum1, &graph), sum2, &graph)
    func pair(_ a: Int, _ b: Int, _ sign: Double) -> (Complex, Complex) {
      let even = add(
        add(x[0], scale(sum1, cosine(a, 5), &graph), &graph), scale(sum2, cosine(b, 5), &graph), &graph)
      let odd = turned(
        add(scale(difference1, sine(a, 5), &graph), scale(difference2, sign * sine(b, 5), &graph), &graph), &graph)
      return (add(even, odd, &graph), subtract(even, odd, &graph))
    }
    let (y1, y4) = pair(1, 2, 1)
    let (y2, y3) = pair(2, 1, -1)
    return [first, y1, y2, y3, y4]
  }

  private func cosine(_ numerator: Int, _ denominator: Int) -> Double {
    cos(2 * Double.pi * Double(numerator) / Double(denominator))
  }

  /// The sine with the sign of the direction.
  private func sine(_ numerator: Int, _ denominator: Int) -> Double {
    let value = sin(2 * Double.pi * Double(numerator) / Double(denominator))
    return isInverse ? value : -value
  }

  private func add(_ a: Complex, _ b: Complex, _ graph: inout ScalarGraph) -> Complex {
    Complex(real: graph.plus(a.real, b.real), imaginary: graph.plus(a.imaginary, b.imaginary))
  }

  private func subtract(_ a: Complex, _ b: Complex, _ graph: inout ScalarGraph) -> Complex {
    Complex(real: graph.minus(a.real, b.real), imaginary: graph.minus(a.imaginary, b.imaginary))
  }

  private func scale(_ a: Complex, _ factor: Double, _ graph: inout ScalarGraph) -> Complex {
    let number = graph.number(factor, element)
    return Complex(real: graph.times(a.real, number), imaginary: graph.times(a.imaginary, number))
  }

  /// The product with the imaginary unit.
  private func turned(_ a: Complex, _ graph: inout ScalarGraph) -> Complex {
    Complex(real: graph.negate(a.imaginary), imaginary: a.real)
  }
}
