import ONNXReader
import Support
import TensorIR

extension GraphBuilder {
  /// Conversion between numbers and strings, or of numbers.
  mutating func cast(_ x: ImportedValue, to target: ElementType) throws(ModelError) -> ImportedValue {
    if case .strings(let strings) = x {
      return target == .string ? x : .tensor(try number(strings, as: target))
    }
    let value = try x.tensor("the argument")
    return target == .string ? .strings(try text(value)) : .tensor(try cast(value, to: target))
  }
}

/// Decimal numbers read byte by byte.
private struct DecimalReader {
  enum State: Int, CaseIterable {
    /// The digits as an unsigned integer, as many as fit; then the power of ten that they miss.
    case digits, scale
    /// The digits of the exponent, and what was seen: a sum of `Mark`s.
    case exponent, marks
  }

  struct Mark {
    static let negative = 1, point = 2, exponent = 4, negativeExponent = 8, digit = 16, exponentDigit = 32, wrong = 64
  }

  /// The last integer that takes another digit, if that is small enough.
  static let digitsLimit = Int(UInt64.max / 10)

  var body = ScalarGraph()

  mutating func has(_ marks: ScalarID, _ mark: Int) -> ScalarID {
    let bit = body.binary(.and, marks, body.integer(mark))
    return body.compare(.notEqual, bit, body.integer(0))
  }

  mutating func isByte(_ byte: ScalarID, _ characters: String) -> ScalarID {
    let hits = characters.utf8.map { body.compare(.equal, byte, body.integer(Int($0), .i32)) }
    return body.any(hits)
  }

  /// The states after a byte.
  mutating func next(_ before: [ScalarID], _ byte: ScalarID) -> [ScalarID] {
    let (digits, scale, exponent, marks) = (before[0], before[1], before[2], before[3])
    let none = body.integer(0)
    let value = body.cast(body.minus(byte, body.integer(0x30, .i32)), to: .i64)
    let isDigit = body.all([body.compare(.greaterOrEqual, value, none), body.compare(.less, value, body.integer(10))])
    let isExponent = has(marks, Mark.exponent)
    let isMantissa = body.all([isDigit, body.unary(.not, isExponent)])
    let isExponentDigit = body.all([isDigit, isExponent])
    let limit = body.integer(Self.digitsLimit)
    let isSmall = body.all([body.compare(.greaterOrEqual, digits, none), body.compare(.less, digits, limit)])
    let isLast = body.compare(.lessOrEqual, value, body.integer(Int(UInt64.max % 10)))
    let fits = body.any([isSmall, body.all([body.compare(.equal, digits, limit), isLast])])
    let taken = body.all([isMantissa, fits])
    let isFraction = has(marks, Mark.point)
    let step = body.minus(
      body.cast(body.all([isMantissa, body.unary(.not, fits)]), to: .i64), body.cast(body.all([isMantissa, isFraction]), to: .i64))
    let more = body.plus(body.times(exponent, body.integer(10)), value)
    let limited = body.binary(.min, more, body.integer(100_000))
    return [
      body.select(taken, body.plus(body.times(digits, body.integer(10)), value), digits), body.plus(scale, step),
      body.select(isExponentDigit, limited, exponent), mark(marks, byte, isMantissa, isExponentDigit),
    ]
  }

  private mutating func mark(_ marks: ScalarID, _ byte: ScalarID, _ isDigit: ScalarID, _ isExponentDigit: ScalarID) -> ScalarID {
    let hasDigit = has(marks, Mark.digit)
    let isEmpty = body.compare(.equal, body.binary(.and, marks, body.integer(~Mark.exponent)), body.integer(0))
    let isFresh = body.all([isEmpty, body.unary(.not, has(marks, Mark.exponent))])
    let lacksExponentDigit = body.unary(.not, has(marks, Mark.exponentDigit))
    let mayBeExponentSign = body.all([has(marks, Mark.exponent), lacksExponentDigit])
    let isPlain = body.unary(.not, has(marks, Mark.exponent))
    let isPoint = body.all([isByte(byte, "."), isPlain, body.unary(.not, has(marks, Mark.point))])
    let isExponent = body.all([isByte(byte, "eE"), isPlain, hasDigit])
    let isSign = body.all([isByte(byte, "+-"), body.any([isFresh, mayBeExponentSign])])
    let sign = body.select(
      isByte(byte, "-"), body.select(isFresh, body.integer(Mark.negative), body.integer(Mark.negativeExponent)), body.integer(0))
    var added = body.integer(Mark.wrong)
    for (condition, value) in [
      (isDigit, body.integer(Mark.digit)), (isExponentDigit, body.integer(Mark.exponentDigit)), (isPoint, body.integer(Mark.point)),
      (isExponent, body.integer(Mark.exponent)), (isSign, sign), (isByte(byte, " \t\n\r"), body.integer(0)),
    ] {
      added = body.select(condition, value, added)
    }
    return body.binary(.or, marks, added)
  }
}

extension GraphBuilder {
  /// The numbers that strings spell; a call fails if one spells none.
  private mutating func number(_ x: ImportedStrings, as target: ElementType) throws(ModelError) -> ValueID {
    guard target != .c64, target != .c128 else { throw .unsupported("conversion of strings to \(target.rawValue) is not supported") }
    let shape = shape(of: x)
    let length = longest(x)
    var inner = GraphBuilder(inside: self)
    let step = inner.input(TensorType(.i64, []))
    let states = DecimalReader.State.allCases.map { _ in inner.input(TensorType(.i64, shape)) }
    let spans = inner.input(TensorType(.i64, shape))
    let bytes = inner.input(type(of: x.bytes))
    let next = DecimalReader.State.allCases.map { state in
      var reader = DecimalReader()
      let axes = shape.indices.map { reader.body.axis($0) }
      let before = states.indices.map { reader.body.read($0 + 1, axes, type: .i64) }
      let span = reader.body.read(states.count + 1, axes, type: .i64)
      let byte = reader.body.byte(states.count + 2, ofSpan: span, at: reader.body.read(0, [], type: .i64))
      let after = reader.next(before, byte)[state.rawValue]
      let isBeyond = reader.body.compare(.less, byte, reader.body.integer(0, .i32))
      reader.body.results = [reader.body.select(isBeyond, before[state.rawValue], after)]
      return inner.map(shape, reader.body, [step] + states + [spans, bytes])
    }
    let scan = Scan(
      length: length, carried: states.count, scanned: 0, reversedInputs: [], reversedOutputs: [],
      body: inner.finish(outputs: next))
    let zeros = try broadcast(scalar(0, .i64), to: shape)
    let last = add(.scan(scan), states.map { _ in zeros } + [x.spans, x.bytes])
    let words = GraphBuilder.numberWords
    let word = try positions(of: x, among: words.map { Array($0.name.utf8) })
    requireNumbers(last[3], word)
    let special = gathered(ConstantTensor(.f64, dims: [words.count], doubles: words.map(\.value)), word)
    let powers = constant(ConstantTensor(.f64, dims: [309], doubles: (0...308).map { Double("1e\($0)") ?? 0 }))
    var body = ScalarGraph()
    let axes = shape.indices.map { body.axis($0) }
    let parts = (0..<4).map { body.read($0, axes, type: .i64) }
    let isWord = body.compare(.greaterOrEqual, body.read(4, axes, type: .i64), body.integer(0))
    let value = body.decimal(parts, powers: 6)
    let isWhole = body.compare(.equal, body.binary(.or, parts[1], parts[2]), body.integer(0))
    var result = body.cast(body.select(isWord, body.read(5, axes, type: .f64), value), to: target)
    if target.isInteger {
      let sign = body.binary(.and, parts[3], body.integer(DecimalReader.Mark.negative))
      let signed = body.select(body.compare(.notEqual, sign, body.integer(0)), body.negate(parts[0]), parts[0])
      result = body.select(isWhole, body.cast(signed, to: target), result)
    }
    body.results = [result]
    return map(shape, body, Array(last.prefix(4)) + [word, special, powers])
  }

  private static var numberWords: [(name: String, value: Double)] {
    var words: [(name: String, value: Double)] = []
    for (name, value) in [("inf", Double.infinity), ("infinity", .infinity), ("nan", .nan)] {
      let forms = [name, name.uppercased(), name.prefix(1).uppercased() + name.dropFirst()] + (name == "nan" ? ["NaN"] : [])
      for form in forms { for sign in ["", "+", "-"] { words.append((sign + form, sign == "-" ? -value : value)) } }
    }
    return words
  }

  /// Makes a call fail in which a string is neither a number nor a word for one.
  private mutating func requireNumbers(_ marks: ValueID, _ word: ValueID) {
    let shape = shape(of: marks)
    var reader = DecimalReader()
    let axes = shape.indices.map { reader.body.axis($0) }
    let own = reader.body.read(0, axes, type: .i64)
    let isOpen = reader.body.all([
      reader.has(own, DecimalReader.Mark.exponent), reader.body.unary(.not, reader.has(own, DecimalReader.Mark.exponentDigit)),
    ])
    let lacksDigits = reader.body.unary(.not, reader.has(own, DecimalReader.Mark.digit))
    let isWrong = reader.body.any([reader.has(own, DecimalReader.Mark.wrong), lacksDigits, isOpen])
    let isNoWord = reader.body.compare(.less, reader.body.read(1, axes, type: .i64), reader.body.integer(0))
    reader.body.results = [reader.body.all([isWrong, isNoWord])]
    fail(.malformedText, ifAny: reader.body, over: shape, [marks, word])
  }

  /// Numbers as decimal text: integers exactly, floats with up to 8 significant digits like C's `%.8g`.
  private mutating func text(_ x: ValueID) throws(ModelError) -> ImportedStrings {
    let element = type(of: x).element
    switch element {
    case .bool, .i2, .i4, .i8, .i16, .i32, .i64, .u2, .u4, .u8, .u16, .u32, .u64: return integerText(x)
    case .f16, .bf16, .f32, .f4e2m1, .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .f8e8m0, .f64:
      return try floatText(x)
    case .c64, .c128, .string: throw .unsupported("conversion of \(element.rawValue) to strings is not supported")
    }
  }

  private mutating func integerText(_ x: ValueID) -> ImportedStrings {
    let (shape, element) = (shape(of: x), type(of: x).element)
    let width = 20
    let powers = constant(
      ConstantTensor(.u64, dims: [width], integers: (0..<width).map { power in
        Int(bitPattern: UInt((0..<power).reduce(UInt64(1)) { product, _ in product &* 10 }))
      }))
    var body = ScalarGraph()
    let axes = shape.indices.map { body.axis($0) }
    let value = body.read(0, axes, type: element)
    let isNegative = element.isSignedInteger ? body.compare(.less, value, body.integer(0, element)) : body.integer(0, .bool)
    let wide = body.cast(element.isSignedInteger ? body.cast(value, to: .i64) : value, to: .u64)
    let magnitude = body.select(isNegative, body.minus(body.integer(0, .u64), wide), wide)
    var digits = body.integer(1)
    for power in 1..<width {
      let reaches = body.compare(.greaterOrEqual, magnitude, body.read(1, [body.integer(power)], type: .u64))
      digits = body.plus(digits, body.cast(reaches, to: .i64))
    }
    let sign = body.cast(isNegative, to: .i64)
    let number = body.rowMajor(axes, shape)
    var spans = body
    spans.results = [spans.span(start: spans.times(number, spans.integer(width)), count: spans.plus(digits, sign))]
    let place = body.minus(body.axis(shape.count), sign)
    let power = body.clamped(body.minus(body.plus(digits, body.integer(-1)), place), extent: Dim(width))
    let digit = body.binary(
      .remainder, body.binary(.divide, magnitude, body.read(1, [power], type: .u64)), body.integer(10, .u64))
    let text = body.plus(body.cast(digit, to: .u8), body.integer(0x30, .u8))
    body.results = [body.select(body.compare(.less, place, body.integer(0)), body.integer(0x2d, .u8), text)]
    let bytes = map(shape + [Dim(width)], body, [x, powers])
    return ImportedStrings(spans: map(shape, spans, [x, powers]), bytes: reshape(bytes, [shape.product * width]))
  }
}

extension ScalarGraph {
  /// The value of digits, scale, exponent and marks, with an operand that holds the powers of ten up to 308.
  fileprivate mutating func decimal(_ parts: [ScalarID], powers: Int) -> ScalarID {
    func power(_ exponent: ScalarID) -> ScalarID { read(powers, [clamped(exponent, extent: 309)], type: .f64) }
    let zero = integer(0)
    func scaled(_ value: ScalarID, _ exponent: ScalarID) -> ScalarID {
      let isNegative = compare(.less, exponent, zero)
      return select(isNegative, over(value, power(negate(exponent))), times(value, power(exponent)))
    }
    func has(_ mark: Int) -> ScalarID { compare(.notEqual, binary(.and, parts[3], integer(mark)), zero) }
    let given = select(has(DecimalReader.Mark.negativeExponent), negate(parts[2]), parts[2])
    let exponent = plus(given, parts[1])
    // One step is rounded once; two reach the ends of the range.
    let half = binary(.max, binary(.min, exponent, integer(290)), integer(-290))
    let value = scaled(scaled(cast(bitcast(parts[0], to: .u64), to: .f64), half), minus(exponent, half))
    return select(has(DecimalReader.Mark.negative), negate(value), value)
  }
}
