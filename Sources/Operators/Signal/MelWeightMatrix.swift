import Glibc
import Support
import TensorIR

/// Triangular filters from linear frequencies to the mel scale.
struct MelWeightMatrix: Operator {
  let name = OperatorName("MelWeightMatrix", versions: 17)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    for position in 0..<5 where b.constantValue(try node.input(position)) == nil { return [try measured(node, &b)] }
    let bins = try b.requireConstantIntegers(try node.input(0), "the number of mel bins").first ?? 0
    let length = try b.requireConstantIntegers(try node.input(1), "the transform's length").first ?? 0
    let rate = try b.requireConstantIntegers(try node.input(2), "the sample rate").first ?? 0
    let low = try b.requireNumbers(try node.input(3), "the lower edge").first ?? 0
    let high = try b.requireNumbers(try node.input(4), "the upper edge").first ?? 0
    guard bins > 0, length > 0, rate > 0, low >= 0, high > low, bins < 1 << 20, length < 1 << 24 else {
      throw .invalid(
        "\(bins) mel bins from \(low) to \(high) Hz do not fit a transform of length \(length) at \(rate) Hz")
    }
    let element = try node.elementType("output_datatype") ?? .f32
    func mel(_ hertz: Double) -> Double { 2595 * log10(1 + hertz / 700) }
    let step = (mel(high) - mel(low)) / Double(bins + 2)
    let edges = (0..<bins + 2).map { position in
      let hertz = 700 * (pow(10, (mel(low) + Double(position) * step) / 2595) - 1)
      return Int((Double(length + 1) * hertz / Double(rate)).rounded(.down))
    }
    let rows = length / 2 + 1
    guard edges.allSatisfy({ (0..<rows).contains($0) }) else {
      throw .invalid("the upper edge \(high) Hz lies above half of the sample rate")
    }
    var values = [Double](repeating: 0, count: rows * bins)
    for bin in 0..<bins {
      let (left, centre, right) = (edges[bin], edges[bin + 1], edges[bin + 2])
      if centre == left { values[centre * bins + bin] = 1 }
      for row in left...centre where centre > left {
        values[row * bins + bin] = Double(row - left) / Double(centre - left)
      }
      for row in centre..<right { values[row * bins + bin] = Double(right - row) / Double(right - centre) }
    }
    guard element.isFloat else {
      return [b.constant(ConstantTensor(element, dims: [rows, bins], integers: values.map { Int($0) }))]
    }
    return [b.constant(ConstantTensor(element, dims: [rows, bins], doubles: values))]
  }

  /// The matrix for sizes or edges that only a call knows.
  private func measured(_ node: OperatorNode, _ b: inout GraphBuilder) throws(ModelError) -> ValueID {
    let element = try node.elementType("output_datatype") ?? .f32
    let bins = try b.scalarExtent(try node.input(0), "the number of mel bins", as: "bins")
    let length = try b.scalarExtent(try node.input(1), "the transform's length", as: "length")
    var numbers: [ValueID] = []
    for position in 0..<5 {
      let value = try node.input(position)
      guard b.shape(of: value).product == 1 else { throw .invalid("argument \(position) must be one number") }
      numbers.append(b.reshape(try b.cast(value, to: .f64), []))
    }
    let edges = b.melEdges(numbers, bins)
    var body = ScalarGraph()
    let (row, bin) = (body.axis(0), body.axis(1))
    let corners = (0..<3).map { body.read(0, [body.plus(bin, body.integer($0))], type: .i64) }
    func number(_ value: ScalarID) -> ScalarID { body.cast(value, to: .f64) }
    func slope(_ from: ScalarID, _ to: ScalarID, _ distance: ScalarID) -> ScalarID {
      let span = body.binary(.max, body.minus(to, from), body.integer(1))
      return body.over(number(distance), number(span))
    }
    let (zero, one) = (body.number(0, .f64), body.number(1, .f64))
    let isPoint = body.compare(.equal, corners[1], corners[0])
    let isPeak = body.all([isPoint, body.compare(.equal, row, corners[1])])
    let isLeft = body.all([body.compare(.greaterOrEqual, row, corners[0]), body.compare(.lessOrEqual, row, corners[1])])
    let isRight = body.all([body.compare(.greaterOrEqual, row, corners[1]), body.compare(.less, row, corners[2])])
    let rising = body.select(isLeft, slope(corners[0], corners[1], body.minus(row, corners[0])), zero)
    let falling = slope(corners[1], corners[2], body.minus(corners[2], row))
    let value = body.select(isRight, falling, body.select(isPeak, one, rising))
    body.results = [body.cast(value, to: element)]
    return b.map([length.floorDivided(by: 2) + 1, bins], body, [edges])
  }
}

extension GraphBuilder {
  /// The frequencies, in steps of the transform, between which the filters rise and fall.
  fileprivate mutating func melEdges(_ numbers: [ValueID], _ bins: Dim) -> ValueID {
    var body = ScalarGraph()
    let values = numbers.indices.map { body.read($0, [], type: .f64) }
    let (count, length, rate) = (values[0], values[1], values[2])
    func mel(_ hertz: ScalarID) -> ScalarID {
      body.affineNumber(body.unary(.log, body.affineNumber(hertz, 1 / 700.0, 1)), 2595 / log(10), 0)
    }
    let low = mel(values[3])
    let step = body.over(body.minus(mel(values[4]), low), body.affineNumber(count, 1, 2))
    let place = body.plus(low, body.times(body.cast(body.axis(0), to: .f64), step))
    let power = body.unary(.exp, body.affineNumber(place, log(10) / 2595, 0))
    let hertz = body.affineNumber(power, 700, -700)
    let edge = body.over(body.times(body.affineNumber(length, 1, 1), hertz), rate)
    body.results = [body.cast(body.unary(.floor, edge), to: .i64)]
    return map([bins + 2], body, numbers)
  }
}
