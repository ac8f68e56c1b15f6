import Support
import TensorIR

/// A change of the case of letters.
enum LetterCase: String {
  case lower = "LOWER"
  case upper = "UPPER"

  /// The letters outside of ASCII that change, in rising order, with what they become.
  ///
  /// Only those whose encoding keeps its length are here, which leaves out a dozen, such as the Kelvin sign.
  fileprivate var letters: [(from: UInt32, to: UInt32)] {
    (UInt32(0x80)...0x1_ffff).compactMap { number in
      guard let scalar = Unicode.Scalar(number), scalar.properties.isCased else { return nil }
      let mapping = self == .lower ? scalar.properties.lowercaseMapping : scalar.properties.uppercaseMapping
      let scalars = mapping.unicodeScalars
      guard scalars.count == 1, let target = scalars.first, target != scalar,
        String(target).utf8.count == String(scalar).utf8.count
      else { return nil }
      return (number, target.value)
    }
  }

  /// Constant text with its letters changed.
  func applied(to text: [UInt8]) -> [UInt8] {
    let table = Dictionary(letters.map { ($0.from, $0.to) }, uniquingKeysWith: { first, _ in first })
    var result = String.UnicodeScalarView()
    for scalar in String(decoding: text, as: UTF8.self).unicodeScalars {
      let isASCII = scalar.value < 0x80
      let changed = isASCII ? scalar.value ^ (isChanged(ascii: scalar.value) ? 0x20 : 0) : table[scalar.value] ?? scalar.value
      result.append(Unicode.Scalar(changed) ?? scalar)
    }
    return Array(String(result).utf8)
  }

  private func isChanged(ascii: UInt32) -> Bool { letterRange.contains(Int(ascii)) }

  fileprivate var letterRange: ClosedRange<Int> { self == .lower ? 0x41...0x5a : 0x61...0x7a }
}

extension GraphBuilder {
  /// UTF-8 text with the case of its letters changed; every character keeps its place.
  mutating func changedCase(_ bytes: ValueID, _ letterCase: LetterCase) -> ValueID {
    let letters = letterCase.letters
    let tables = [letters.map(\.from), letters.map(\.to)].map { numbers in
      constant(ConstantTensor(.i32, dims: [numbers.count], integers: numbers.map { Int($0) }))
    }
    let shape = shape(of: bytes)
    var body = ScalarGraph()
    let text = (-3...3).map { offset in
      let place = body.plus(body.axis(0), body.integer(offset))
      return body.cast(body.read(0, [place], outside: body.integer(0, .u8), type: .u8), to: .i32)
    }
    let own = text[3]
    let number = { (value: Int, graph: inout ScalarGraph) in graph.integer(value, .i32) }
    let isASCII = body.compare(.less, own, number(0x80, &body))
    let isLetter = body.all([
      body.compare(.greaterOrEqual, own, number(letterCase.letterRange.lowerBound, &body)),
      body.compare(.lessOrEqual, own, number(letterCase.letterRange.upperBound, &body)),
    ])
    let ascii = body.binary(.xor, own, body.select(isLetter, number(0x20, &body), number(0, &body)))
    // A byte is number 0 to 3 of its character, whose first byte is the nearest one that begins a character.
    var result = own
    for offset in (0...3).reversed() {
      let isFirst = body.compare(.greaterOrEqual, text[3 - offset], number(0xc0, &body))
      let character = Array(text[(3 - offset)...])
      result = body.select(isFirst, body.changed(Array(character.prefix(4)), byte: offset, letters.count), result)
    }
    body.results = [body.cast(body.select(isASCII, ascii, result), to: .u8)]
    return map(shape, body, [bytes] + tables)
  }
}

extension ScalarGraph {
  /// A byte of the changed form of the character that begins with the first of four bytes.
  fileprivate mutating func changed(_ bytes: [ScalarID], byte: Int, _ count: Int) -> ScalarID {
    func small(_ value: Int) -> ScalarID { integer(value, .i32) }
    func tail(_ index: Int) -> ScalarID {
      index < bytes.count ? binary(.and, bytes[index], small(0x3f)) : small(0)
    }
    func joined(_ head: ScalarID, _ index: Int) -> ScalarID { binary(.or, binary(.shiftLeft, head, small(6)), tail(index)) }
    let isTwo = compare(.less, bytes[0], small(0xe0))
    let isThree = compare(.less, bytes[0], small(0xf0))
    let two = joined(binary(.and, bytes[0], small(0x1f)), 1)
    let three = joined(joined(binary(.and, bytes[0], small(0x0f)), 1), 2)
    let four = joined(joined(joined(binary(.and, bytes[0], small(0x07)), 1), 2), 3)
    let length = select(isTwo, small(2), select(isThree, small(3), small(4)))
    let character = select(isTwo, two, select(isThree, three, four))
    let target = changedCharacter(character, count)
    let shift = times(minus(length, small(byte + 1)), small(6))
    let inside = binary(.max, shift, small(0))
    let bits = binary(.and, binary(.shiftRight, target, inside), small(0x3f))
    if byte > 0 { return select(compare(.less, small(byte), length), binary(.or, bits, small(0x80)), bytes[byte]) }
    let head = binary(.shiftRight, target, inside)
    let mark = select(isTwo, small(0xc0), select(isThree, small(0xe0), small(0xf0)))
    return binary(.or, head, mark)
  }

  /// A character looked up in operand 1, as operand 2 has it; itself if it is not there.
  private mutating func changedCharacter(_ character: ScalarID, _ count: Int) -> ScalarID {
    let none = integer(0, .i32)
    let place = lastPlace(in: 1, count: count, notAbove: character)
    let isFound = compare(.equal, read(1, [place], outside: none, type: .i32), character)
    return select(isFound, read(2, [place], outside: none, type: .i32), character)
  }
}
