import Support
import TensorIR

/// The discrete Fourier transform along one axis.
struct DFT: Operator {
  let name = OperatorName("DFT", versions: 17, 20)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    try b.requireFloat(try node.input(0))
    let element = b.type(of: try node.input(0)).element
    let x = try b.cast(try node.input(0), to: element.precise)
    let type = b.type(of: x)
    guard type.rank >= 2 else { throw .invalid("the data has rank \(type.rank); at least 2 is needed") }
    let parts = try b.requireConstant(type.shape[type.rank - 1], "the last dimension")
    guard parts == 1 || parts == 2 else {
      throw .invalid("the last dimension of shape \(type.shape) must hold 1 or 2 parts")
    }
    let length = try node.optionalInput(1).map { (argument) throws(ModelError) in
      try b.scalarExtent(argument, "the length", as: "length")
    }
    let transform = FourierTransform(
      parts: parts, isInverse: try node.flag("inverse"), isOneSided: try node.flag("onesided"), length: length)
    var given = try node.int("axis", default: node.version < 20 ? 1 : -2)
    if node.version >= 20, let argument = node.optionalInput(2) {
      guard b.knownIntegers(argument) != nil else {
        return [try b.cast(try chosen(x, argument, transform, &b), to: element)]
      }
      given = try b.requireConstantIntegers(argument, "the axis").first ?? given
    }
    let axis = try normalizedAxis(given, rank: type.rank)
    guard axis < type.rank - 1 else { throw .invalid("axis \(given) is that of the parts") }
    return [try b.cast(try transform.build(x, axis: axis, &b), to: element)]
  }

  /// Along an axis that only a call knows.
  private func chosen(_ x: ValueID, _ argument: ValueID, _ transform: FourierTransform, _ b: inout GraphBuilder)
    throws(ModelError) -> ValueID
  {
    let rank = b.shape(of: x).count
    let vector = try b.integerVector(argument, "the axis")
    guard b.shape(of: vector) == [1], let axis = b.computedVector([vector], { $0.axes(0, count: 1, rank: rank) }) else {
      throw .invalid("the axis must be one number")
    }
    return try b.choose(axis, among: Array(0..<rank - 1)[...], [x]) { (axis, operands, inner) throws(ModelError) in
      [try transform.build(operands[0], axis: axis, &inner)]
    }[0]
  }
}

/// What a discrete Fourier transform computes, the axis aside.
struct FourierTransform {
  /// 1 for real data, 2 for complex data.
  var parts: Int
  var isInverse: Bool
  var isOneSided: Bool
  /// Given for a transform of fewer or more points than the data has.
  var length: Dim?

  func build(_ x: ValueID, axis: Int, _ b: inout GraphBuilder) throws(ModelError) -> ValueID {
    let type = b.type(of: x)
    let length = length ?? (isInverse && isOneSided ? (type.shape[axis] - 1) * 2 : type.shape[axis])
    guard let points = length.constant else {
      return b.transform(x, axis: axis, length, parts: parts, isInverse: isInverse, isOneSided: isOneSided)
    }
    if points <= 0 {
      var shape = type.shape
      shape[axis] = 0
      shape[type.rank - 1] = isOneSided && isInverse ? 1 : 2
      return try b.broadcast(b.scalar(0, type.element), to: shape)
    }
    let matrix = FourierMatrix(length: points, isInverse: isInverse, isOneSided: isOneSided)
    var shape = type.shape
    shape[axis] = Dim(matrix.results)
    shape[type.rank - 1] = Dim(matrix.resultParts)
    let isWhole = parts == 2 && !isOneSided && length == type.shape[axis]
    if !matrix.isSmall || isWhole && fastRadices(points) != nil {
      let numbers = b.completed(x, axis: axis, points, mirrors: isInverse && isOneSided)
      let results = try b.fourier(numbers, axis: axis, isInverse: isInverse)
      guard isOneSided else { return results }
      let axes = [axis, type.rank - 1]
      return axes.reduce(results) { b.slice($0, axis: $1, from: 0, count: shape[$1]) }
    }
    let factors = b.constant(matrix.factors(parts: parts, type.element))
    var lhs = shape.indices.map { AffineIndex.axis($0) }
    lhs[axis] = .axis(type.rank)
    lhs[type.rank - 1] = .axis(type.rank + 1)
    var epilogue = ScalarGraph()
    epilogue.results = [epilogue.accumulator(0, type.element)]
    let contract = Contract(
      shape: shape, reduced: [Dim(matrix.terms), Dim(parts)], lhs: lhs,
      rhs: [.axis(type.rank), .axis(type.rank + 1), .axis(axis), .axis(type.rank - 1)], accumulator: type.element,
      epilogue: epilogue)
    return b.add(.contract(contract), [x, factors])[0]
  }
}

/// Fourier transforms of overlapping frames of a signal.
struct STFT: Operator {
  let name = OperatorName("STFT", versions: 17)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    try b.requireFloat(try node.input(0))
    let element = b.type(of: try node.input(0)).element
    let x = try b.cast(try node.input(0), to: element.precise)
    var type = b.type(of: x)
    var signal = x
    if type.rank == 2 {
      signal = b.reshape(x, type.shape + [1])
      type = b.type(of: signal)
    }
    guard type.rank == 3, let parts = type.shape[2].constant, parts == 1 || parts == 2 else {
      throw .invalid("the signal has shape \(type.shape)")
    }
    let step = try b.scalarExtent(try node.input(1), "the frame step", as: "step")
    guard step.constant ?? 1 > 0 else { throw .invalid("the frame step must be positive") }
    b.assume([DimFact(1, .atMost, step)], isRequired: step.constant == nil)
    var length = node.optionalInput(2).map { b.shape(of: $0).product } ?? type.shape[1]
    if let argument = node.optionalInput(3) { length = try b.scalarExtent(argument, "the frame length", as: "length") }
    guard length.constant ?? 0 >= 0 else { throw .invalid("the frame length is negative") }
    b.assume([DimFact(length, .atMost, type.shape[1])])
    let isOneSided = try node.flag("onesided", default: true)
    let results = isOneSided ? length.floorDivided(by: 2) + 1 : length
    let frames = (type.shape[1] - length).floorDivided(by: step) + 1
    b.assume([DimFact(frames, .atMost, type.shape[1] + 1)])
    let window = try node.optionalInput(2).map { (window) throws(ModelError) in
      try b.requireShape(window, [length], "the window")
      return b.reshape(try b.cast(window, to: type.element), [length, 1, 1, 1])
    }
    var factors: ValueID
    if let points = length.constant {
      let matrix = FourierMatrix(length: points, isInverse: false, isOneSided: isOneSided)
      guard matrix.isSmall else {
        let shape = [type.shape[0], frames, length, Dim(parts)]
        let transform = FourierTransform(parts: parts, isInverse: false, isOneSided: isOneSided)
        let windowed = try b.frames(of: signal, shape, step: step, window)
        return [try b.cast(try transform.build(windowed, axis: 2, &b), to: element)]
      }
      factors = b.constant(matrix.factors(parts: parts, type.element))
    } else {
      factors = b.fourierFactors(length, terms: length, parts: parts, results: results, resultParts: 2, type.element)
    }
    if let window { factors = try b.elementwise([factors, window]) { $0.times($1[0], $1[1]) } }
    let shape = [type.shape[0], frames, results, 2]
    if let step = step.constant {
      var epilogue = ScalarGraph()
      epilogue.results = [epilogue.accumulator(0, type.element)]
      // Results and their two parts are one axis, along which vectors are full.
      let contract = Contract(
        shape: [type.shape[0], frames, results * 2], reduced: [length, Dim(parts)],
        lhs: [.axis(0), AffineIndex([1: step, 3: 1]), .axis(4)], rhs: [.axis(3), .axis(4), .axis(2)],
        accumulator: type.element, epilogue: epilogue)
      let columns = b.reshape(factors, [length, Dim(parts), results * 2])
      let sums = b.reshape(b.add(.contract(contract), [signal, columns])[0], shape)
      return [try b.cast(sums, to: element)]
    }
    var body = ScalarGraph()
    let start = body.times(body.axis(1), body.dim(step))
    let sample = body.read(0, [body.axis(0), body.plus(start, body.axis(4)), body.axis(5)], type: type.element)
    let place = [body.axis(4), body.axis(5), body.axis(2), body.axis(3)]
    body.results = [body.times(sample, body.read(1, place, type: type.element))]
    let sums = b.reduce(.sum, shape: shape, reduced: [length, Dim(parts)], operands: [signal, factors], body: body)
    return [try b.cast(sums[0], to: element)]
  }
}

extension GraphBuilder {
  /// The frames of a signal, [batch, frames, length, parts], times the window.
  fileprivate mutating func frames(
    of signal: ValueID, _ shape: [Dim], step: Dim, _ window: ValueID?
  ) throws(ModelError) -> ValueID {
    var body = ScalarGraph()
    let position = body.plus(body.times(body.axis(1), body.dim(step)), body.axis(2))
    body.results = [body.read(0, [body.axis(0), position, body.axis(3)], type: type(of: signal).element)]
    let frames = map(shape, body, [signal])
    guard let window else { return frames }
    return try elementwise([frames, reshape(window, [shape[2], 1])]) { $0.times($1[0], $1[1]) }
  }

  /// The transform along an axis whose length only a call knows.
  fileprivate mutating func transform(
    _ x: ValueID, axis: Int, _ length: Dim, parts: Int, isInverse: Bool, isOneSided: Bool
  ) -> ValueID {
    let type = type(of: x)
    let half = length.floorDivided(by: 2) + 1
    let terms = isOneSided && isInverse ? half : length
    let results = isOneSided && !isInverse ? half : length
    let resultParts = isOneSided && isInverse ? 1 : 2
    let factors = fourierFactors(
      length, terms: terms, parts: parts, results: results, resultParts: resultParts, type.element, isInverse: isInverse,
      mirrors: isOneSided && isInverse)
    var shape = type.shape
    shape[axis] = results
    shape[type.rank - 1] = Dim(resultParts)
    var body = ScalarGraph()
    var place = shape.indices.map { body.axis($0) }
    let target = (place[axis], place[type.rank - 1])
    let (term, part) = (body.axis(type.rank), body.axis(type.rank + 1))
    (place[axis], place[type.rank - 1]) = (term, part)
    let sample = body.read(0, place, outside: body.number(0, type.element), type: type.element)
    body.results = [body.times(sample, body.read(1, [term, part, target.0, target.1], type: type.element))]
    return reduce(.sum, shape: shape, reduced: [terms, Dim(parts)], operands: [x, factors], body: body)[0]
  }

  /// The factors of a transform whose length only a call knows, laid out as those of `FourierMatrix`.
  fileprivate mutating func fourierFactors(
    _ length: Dim, terms: Dim, parts: Int, results: Dim, resultParts: Int, _ element: ElementType, isInverse: Bool = false,
    mirrors: Bool = false
  ) -> ValueID {
    var body = ScalarGraph()
    let points = body.dim(length)
    let turn = body.binary(
      .floorRemainder, body.times(body.axis(0), body.axis(2)), body.binary(.max, points, body.integer(1)))
    let count = body.cast(points, to: .f64)
    let angle = body.affineNumber(body.over(body.cast(turn, to: .f64), count), 2 * Double.pi * (isInverse ? 1 : -1), 0)
    let (cosine, sine) = (body.unary(.cos, angle), body.unary(.sin, angle))
    let isReal = body.compare(.equal, body.axis(1), body.integer(0))
    let isFirst = body.compare(.equal, body.axis(3), body.integer(0))
    let real = body.select(isFirst, cosine, sine)
    let imaginary = body.select(isFirst, body.negate(sine), cosine)
    var value = body.select(isReal, real, imaginary)
    if isInverse { value = body.over(value, count) }
    if mirrors {
      // The missing half mirrors all frequencies but the first and, for even lengths, the last.
      let isEdge = body.binary(
        .or, body.compare(.equal, body.axis(0), body.integer(0)),
        body.compare(.equal, body.times(body.axis(0), body.integer(2)), points))
      value = body.select(isEdge, value, body.affineNumber(value, 2, 0))
    }
    body.results = [body.cast(value, to: element)]
    return map([terms, Dim(parts), results, Dim(resultParts)], body, [])
  }
}
