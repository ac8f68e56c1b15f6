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

/// What letters change by: a page of 64 differences for each run of 64 characters, where runs without changes share
/// page 0.
private struct LetterPages {
  static let bits = 6
  /// The page by run of characters; those from the last one on do not change.
  var pages: [Int] = []
  var differences = [Int](repeating: 0, count: 1 << bits)

  init(_ letterCase: LetterCase) {
    let changes = letterCase.letters.map { (run: Int($0.from >> Self.bits), $0.from, $0.to) }
    pages = [Int](repeating: 0, count: (changes.last?.run ?? 0) + 2)
    for (run, from, to) in changes {
      if pages[run] == 0 {
        pages[run] = differences.count >> Self.bits
        differences += [Int](repeating: 0, count: 1 << Self.bits)
      }
      differences[pages[run] << Self.bits + Int(from) % (1 << Self.bits)] = Int(to) - Int(from)
    }
  }
}

extension GraphBuilder {
  /// UTF-8 text with the case of its letters changed; every character keeps its place.
  mutating func changedCase(_ bytes: ValueID, _ letterCase: LetterCase) -> ValueID {
    let letters = LetterPages(letterCase)
    let tables = [letters.pages, letters.differences].map { numbers in
      constant(ConstantTensor(.i32, dims: [numbers.count], integers: numbers))
    }
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
    var byte = number(4, &body)
    var character = Array(text.prefix(4))
    for offset in (0...3).reversed() {
      let isFirst = body.compare(.greaterOrEqual, text[3 - offset], number(0xc0, &body))
      byte = body.select(isFirst, number(offset, &body), byte)
      character = character.indices.map { body.select(isFirst, text[3 - offset + $0], character[$0]) }
    }
    let result = body.changed(character, byte: byte, own, pages: letters.pages.count)
    body.results = [body.cast(body.select(isASCII, ascii, result), to: .u8)]
    return map(shape(of: bytes), body, [bytes] + tables)
  }
}

extension ScalarGraph {
  /// A byte, given by its number, of the changed form of the character that begins with the first of four bytes.
  fileprivate mutating func changed(_ bytes: [ScalarID], byte: ScalarID, _ own: ScalarID, pages: Int) -> ScalarID {
    func small(_ value: Int) -> ScalarID { integer(value, .i32) }
    func joined(_ head: ScalarID, _ index: Int) -> ScalarID {
      binary(.or, binary(.shiftLeft, head, small(6)), binary(.and, bytes[index], small(0x3f)))
    }
    let isTwo = compare(.less, bytes[0], small(0xe0))
    let isThree = compare(.less, bytes[0], small(0xf0))
    let two = joined(binary(.and, bytes[0], small(0x1f)), 1)
    let three = joined(joined(binary(.and, bytes[0], small(0x0f)), 1), 2)
    let four = joined(joined(joined(binary(.and, bytes[0], small(0x07)), 1), 2), 3)
    let length = select(isTwo, small(2), select(isThree, small(3), small(4)))
    let character = select(isTwo, two, select(isThree, three, four))
    let target = plus(character, difference(character, pages: pages))
    let shift = times(minus(minus(length, byte), small(1)), small(6))
    let bits = binary(.shiftRight, target, binary(.max, shift, small(0)))
    let mark = select(isTwo, small(0xc0), select(isThree, small(0xe0), small(0xf0)))
    let tail = binary(.or, binary(.and, bits, small(0x3f)), small(0x80))
    let inside = select(compare(.equal, byte, small(0)), binary(.or, bits, mark), tail)
    return select(compare(.less, byte, length), inside, own)
  }

  /// What a character changes by: an element of operand 2, on a page that operand 1 tells.
  private mutating func difference(_ character: ScalarID, pages: Int) -> ScalarID {
    let run = cast(binary(.shiftRight, character, integer(LetterPages.bits, .i32)), to: .i64)
    let page = cast(read(1, [clamped(run, extent: Dim(pages))], type: .i32), to: .i64)
    let place = cast(binary(.and, character, integer(1 << LetterPages.bits - 1, .i32)), to: .i64)
    return read(2, [plus(times(page, integer(1 << LetterPages.bits)), place)], type: .i32)
  }
}
