import Support
import TensorIR

/// Floats as decimal text with up to 8 significant digits, like C's `%.8g`.
struct FloatText {
  static let digits = 8
  /// Room for a sign, a digit, a point, seven digits, and an exponent such as e-45; or for a sign, 0.000 and eight digits.
  static let width = 14

  var body: ScalarGraph
  private let isNegative: ScalarID
  private let isFinite: ScalarID
  private let isNaN: ScalarID
  /// The first digits as an integer, and the power of ten of the first one.
  private var significand: ScalarID
  private var exponent: ScalarID
  private var count: ScalarID
  private let powers: Int

  /// Analyses a float; operand `powers` holds the powers of ten up to 308 as `f64`.
  init(_ given: ScalarID, powers: Int, in body: ScalarGraph) {
    self.body = body
    self.powers = powers
    let value = self.body.cast(given, to: .f64)
    let zero = self.body.number(0, .f64)
    let magnitude = self.body.unary(.abs, value)
    isNaN = self.body.compare(.notEqual, value, value)
    isNegative = self.body.compare(.notEqual, self.body.binary(.shiftRight, self.body.bitcast(value, to: .u64), self.body.integer(63, .u64)), self.body.integer(0, .u64))
    isFinite = self.body.compare(.less, magnitude, self.body.number(.infinity, .f64))
    let isZero = self.body.compare(.equal, magnitude, zero)
    let one = self.body.number(1, .f64)
    let safe = self.body.select(self.body.any([isZero, self.body.unary(.not, isFinite)]), one, magnitude)
    let estimate = self.body.unary(.floor, self.body.times(self.body.unary(.log, safe), self.body.number(0.4342944819032518, .f64)))
    exponent = self.body.cast(estimate, to: .i64)
    (significand, count) = (exponent, exponent)
    let limit = self.body.integer(100_000_000)
    // The estimate may be off by one to either side, and rounding may give one digit more.
    for step in [-1, 1] {
      let found = rounded(safe, exponent)
      let isOff = step < 0
        ? self.body.compare(.less, found, self.body.integer(10_000_000)) : self.body.compare(.greaterOrEqual, found, limit)
      exponent = self.body.plus(exponent, self.body.select(isOff, self.body.integer(step), self.body.integer(0)))
    }
    exponent = self.body.select(isZero, self.body.integer(0), exponent)
    significand = self.body.select(isZero, self.body.integer(0), rounded(safe, exponent))
    count = self.body.integer(1)
    for number in 1..<Self.digits {
      let rest = self.body.binary(.remainder, significand, self.body.integer(power(Self.digits - number)))
      let isUsed = self.body.compare(.notEqual, rest, self.body.integer(0))
      count = self.body.select(isUsed, self.body.integer(number + 1), count)
    }
  }

  private func power(_ exponent: Int) -> Int { (0..<exponent).reduce(1) { product, _ in product * 10 } }

  /// `value * 10^(7 - exponent)` as an integer.
  private mutating func rounded(_ value: ScalarID, _ exponent: ScalarID) -> ScalarID {
    let shift = body.minus(body.integer(Self.digits - 1), exponent)
    let factor = body.read(powers, [body.clamped(shift, extent: 309)], type: .f64)
    let divisor = body.read(powers, [body.clamped(body.negate(shift), extent: 309)], type: .f64)
    let isDivided = body.compare(.less, shift, body.integer(0))
    return body.cast(body.unary(.rint, body.select(isDivided, body.over(value, divisor), body.times(value, factor))), to: .i64)
  }

  private mutating func isScientific() -> ScalarID {
    body.any([
      body.compare(.less, exponent, body.integer(-4)), body.compare(.greaterOrEqual, exponent, body.integer(Self.digits)),
    ])
  }

  private mutating func less(_ a: ScalarID, _ b: ScalarID) -> ScalarID { body.compare(.less, a, b) }

  private mutating func sign() -> ScalarID {
    body.cast(body.all([isNegative, body.unary(.not, isNaN)]), to: .i64)
  }

  /// The number of characters.
  mutating func length() -> ScalarID {
    let one = body.integer(1)
    let hasFraction = body.compare(.greater, count, one)
    let mantissa = body.plus(count, body.cast(hasFraction, to: .i64))
    let whole = body.plus(exponent, one)
    let hasPoint = less(whole, count)
    let large = body.select(hasPoint, body.plus(count, one), whole)
    let small = body.plus(body.minus(one, exponent), count)
    let fixed = body.select(less(exponent, body.integer(0)), small, large)
    let finite = body.select(isScientific(), body.plus(mantissa, body.integer(4)), fixed)
    return body.plus(sign(), body.select(isFinite, finite, body.integer(3)))
  }

  private mutating func character(_ text: Character) -> ScalarID { body.integer(Int(text.asciiValue ?? 0)) }

  private mutating func digit(_ number: ScalarID) -> ScalarID {
    var value = body.integer(0)
    for place in 0..<Self.digits {
      let own = body.binary(.remainder, body.binary(.divide, significand, body.integer(power(Self.digits - 1 - place))), body.integer(10))
      value = body.select(body.compare(.equal, number, body.integer(place)), own, value)
    }
    return body.plus(value, character("0"))
  }

  /// The character at a position.
  mutating func character(at position: ScalarID) -> ScalarID {
    let place = body.minus(position, sign())
    let zero = body.integer(0)
    let scientific = scientificCharacter(place)
    let isSmall = less(exponent, zero)
    let fixed = body.select(isSmall, smallCharacter(place), largeCharacter(place))
    let finite = body.select(isScientific(), scientific, fixed)
    let isFirst = body.compare(.equal, place, zero)
    let isSecond = body.compare(.equal, place, body.integer(1))
    let nan = body.select(isSecond, character("a"), character("N"))
    let infinite = body.select(isFirst, character("I"), body.select(isSecond, character("N"), character("F")))
    let unsigned = body.select(isFinite, finite, body.select(isNaN, nan, infinite))
    return body.cast(body.select(less(place, zero), character("-"), unsigned), to: .u8)
  }

  private mutating func scientificCharacter(_ place: ScalarID) -> ScalarID {
    let (zero, one) = (body.integer(0), body.integer(1))
    let fraction = body.select(body.compare(.equal, place, one), character("."), digit(body.plus(place, body.integer(-1))))
    let mantissa = body.select(body.compare(.equal, place, zero), digit(zero), fraction)
    let hasFraction = body.compare(.greater, count, one)
    let end = body.plus(count, body.cast(hasFraction, to: .i64))
    let isNegative = less(exponent, zero)
    let magnitude = body.select(isNegative, body.negate(exponent), exponent)
    let tens = body.plus(body.binary(.divide, magnitude, body.integer(10)), character("0"))
    let ones = body.plus(body.binary(.remainder, magnitude, body.integer(10)), character("0"))
    let exponentSign = body.select(isNegative, character("-"), character("+"))
    var result = mantissa
    for (offset, text) in [character("e"), exponentSign, tens, ones].enumerated() {
      result = body.select(body.compare(.equal, place, body.plus(end, body.integer(offset))), text, result)
    }
    return result
  }

  private mutating func largeCharacter(_ place: ScalarID) -> ScalarID {
    let whole = body.plus(exponent, body.integer(1))
    let fraction = digit(body.plus(place, body.integer(-1)))
    let rest = body.select(body.compare(.equal, place, whole), character("."), fraction)
    return body.select(less(place, whole), digit(place), rest)
  }

  private mutating func smallCharacter(_ place: ScalarID) -> ScalarID {
    let start = body.minus(body.integer(1), exponent)
    let isPoint = body.compare(.equal, place, body.integer(1))
    let lead = body.select(isPoint, character("."), character("0"))
    return body.select(less(place, start), lead, digit(body.minus(place, start)))
  }
}

extension GraphBuilder {
  /// Floats as text.
  mutating func floatText(_ x: ValueID) throws(ModelError) -> ImportedStrings {
    let shape = shape(of: x)
    let wide = try cast(x, to: .f32)
    let powers = constant(ConstantTensor(.f64, dims: [309], doubles: (0...308).map { Double("1e\($0)") ?? 0 }))
    var graph = ScalarGraph()
    let axes = shape.indices.map { graph.axis($0) }
    let value = graph.read(0, axes, type: .f32)
    var spans = FloatText(value, powers: 1, in: graph)
    let number = spans.body.rowMajor(axes, shape)
    let start = spans.body.times(number, spans.body.integer(FloatText.width))
    let count = spans.length()
    spans.body.results = [spans.body.span(start: start, count: count)]
    var text = FloatText(value, powers: 1, in: graph)
    text.body.results = [text.character(at: text.body.axis(shape.count))]
    let bytes = map(shape + [Dim(FloatText.width)], text.body, [wide, powers])
    return ImportedStrings(
      spans: map(shape, spans.body, [wide, powers]), bytes: reshape(bytes, [shape.product * FloatText.width]))
  }
}
