import Support
import TensorIR

/// A positive float as an integer times a power of two.
private struct BinaryFloat {
  let significand: ScalarID
  let exponent: ScalarID

  init(_ value: ScalarID, in body: inout ScalarGraph) {
    let bits = body.bitcast(value, to: .u64)
    let field = body.cast(body.binary(.shiftRight, bits, body.integer(52, .u64)), to: .i64)
    let fraction = body.binary(.and, bits, body.integer(1 << 52 - 1, .u64))
    let isNormal = body.compare(.greater, field, body.integer(0))
    let hidden = body.select(isNormal, body.integer(1 << 52, .u64), body.integer(0, .u64))
    significand = body.binary(.or, fraction, hidden)
    exponent = body.plus(body.binary(.max, field, body.integer(1)), body.integer(-1075))
  }
}

/// Floats as decimal text with up to 8 significant digits, like C's `%.8g`, rounded correctly.
struct FloatText {
  static let digits = 8
  /// Of which the first is left out where it is 0.
  private static let exponentDigits = 3
  /// Room for a sign, a point, digits and an exponent with its sign.
  static let width = digits + 4 + exponentDigits
  var body: ScalarGraph
  private let isNegative: ScalarID
  private let isFinite: ScalarID
  private let isNaN: ScalarID
  /// The first digits as an integer, and the power of ten of the first one.
  private var significand: ScalarID
  private var exponent: ScalarID
  private var count: ScalarID
  private let powers: Int

  /// Analyses a float; operand `powers` holds the rows of `PowerOfTen.table`.
  init(_ given: ScalarID, powers: Int, in body: ScalarGraph) {
    self.body = body
    self.powers = powers
    let value = self.body.cast(given, to: .f64)
    let zero = self.body.number(0, .f64)
    let magnitude = self.body.unary(.abs, value)
    let bits = self.body.bitcast(value, to: .u64)
    isNaN = self.body.compare(.notEqual, value, value)
    isNegative = self.body.compare(
      .notEqual, self.body.binary(.shiftRight, bits, self.body.integer(63, .u64)), self.body.integer(0, .u64))
    isFinite = self.body.compare(.less, magnitude, self.body.number(.infinity, .f64))
    let isZero = self.body.compare(.equal, magnitude, zero)
    let one = self.body.number(1, .f64)
    let safe = self.body.select(self.body.any([isZero, self.body.unary(.not, isFinite)]), one, magnitude)
    let log = self.body.times(self.body.unary(.log, safe), self.body.number(0.4342944819032518, .f64))
    exponent = self.body.cast(self.body.unary(.floor, log), to: .i64)
    (significand, count) = (exponent, exponent)
    let parts = BinaryFloat(safe, in: &self.body)
    // The estimate may be off by one to either side, and rounding may give one digit more.
    for step in [-1, 1] {
      let found = rounded(parts, exponent)
      let isOff = step < 0
        ? self.body.compare(.less, found, self.body.integer(power(Self.digits - 1)))
        : self.body.compare(.greaterOrEqual, found, self.body.integer(power(Self.digits)))
      exponent = self.body.plus(exponent, self.body.select(isOff, self.body.integer(step), self.body.integer(0)))
    }
    exponent = self.body.select(isZero, self.body.integer(0), exponent)
    significand = self.body.select(isZero, self.body.integer(0), rounded(parts, exponent))
    count = self.body.integer(1)
    for number in 1..<Self.digits {
      let rest = self.body.binary(.remainder, significand, self.body.integer(power(Self.digits - number)))
      let isUsed = self.body.compare(.notEqual, rest, self.body.integer(0))
      count = self.body.select(isUsed, self.body.integer(number + 1), count)
    }
  }

  private func power(_ exponent: Int) -> Int { (0..<exponent).reduce(1) { product, _ in product * 10 } }

  /// The float times `10^(digits - 1 - exponent)` as an integer, rounded to even: a product of 53 and 128 bits, shifted.
  private mutating func rounded(_ value: BinaryFloat, _ exponent: ScalarID) -> ScalarID {
    let row = body.minus(body.integer(Self.digits - 1 - PowerOfTen.exponents.lowerBound), exponent)
    let place = body.clamped(row, extent: Dim(PowerOfTen.exponents.count))
    let limbs = (0..<4).map { body.read(powers, [place, body.integer($0)], type: .u64) }
    let scale = body.cast(body.read(powers, [place, body.integer(4)], type: .u64), to: .i64)
    let words = body.product(value.significand, limbs)
    // The result is the product shifted right by 65 to 191 bits.
    let shift = body.negate(body.plus(value.exponent, scale))
    let isFar = body.compare(.greaterOrEqual, shift, body.integer(128))
    let zero = body.integer(0, .u64)
    let high = body.select(isFar, zero, words[2])
    let middle = body.select(isFar, words[2], words[1])
    let low = body.select(isFar, body.binary(.or, words[1], body.sticky(words[0])), words[0])
    let rest = body.cast(body.minus(shift, body.select(isFar, body.integer(128), body.integer(64))), to: .u64)
    let amount = body.binary(.and, rest, body.integer(63, .u64))
    let isWhole = body.compare(.equal, amount, zero)
    let back = body.binary(.and, body.minus(body.integer(64, .u64), amount), body.integer(63, .u64))
    let upper = body.select(isWhole, zero, body.binary(.shiftLeft, high, back))
    let quotient = body.binary(.or, body.binary(.shiftRight, middle, amount), upper)
    // What was shifted out, its highest bit first, above whether anything follows.
    let out = body.select(isWhole, low, body.binary(.or, body.binary(.shiftLeft, middle, back), body.sticky(low)))
    let half = body.integer(Int(bitPattern: 1 << 63), .u64)
    let isOdd = body.compare(.notEqual, body.binary(.and, quotient, body.integer(1, .u64)), zero)
    let isTie = body.all([body.compare(.equal, out, half), isOdd])
    let isUp = body.any([body.compare(.greater, out, half), isTie])
    return body.cast(body.plus(quotient, body.cast(isUp, to: .u64)), to: .i64)
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

  /// The number of characters of an exponent with its sign.
  private mutating func exponentLength() -> ScalarID {
    let magnitude = body.unary(.abs, exponent)
    let isLong = body.compare(.greaterOrEqual, magnitude, body.integer(100))
    return body.plus(body.integer(4), body.cast(isLong, to: .i64))
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
    let finite = body.select(isScientific(), body.plus(mantissa, exponentLength()), fixed)
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
    let exponentSign = body.select(isNegative, character("-"), character("+"))
    var result = body.select(body.compare(.equal, place, end), character("e"), mantissa)
    let length = exponentLength()
    for offset in 1..<Self.exponentDigits + 2 {
      // Digits count from the end.
      let number = body.minus(length, body.integer(offset + 1))
      var text = exponentSign
      if offset > 1 {
        let divisor = (1..<Self.exponentDigits).reduce(body.integer(1)) { found, digit in
          body.select(body.compare(.equal, number, body.integer(digit)), body.integer(power(digit)), found)
        }
        text = body.plus(
          body.binary(.remainder, body.binary(.divide, magnitude, divisor), body.integer(10)), character("0"))
      }
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
    let wide = try cast(x, to: .f64)
    let powers = constant(PowerOfTen.table())
    var graph = ScalarGraph()
    let axes = shape.indices.map { graph.axis($0) }
    let value = graph.read(0, axes, type: .f64)
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
