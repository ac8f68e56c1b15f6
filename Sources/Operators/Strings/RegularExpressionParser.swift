import Support

/// Reads RE2's syntax.
struct RegularExpressionParser {
  private let text: [Unicode.Scalar]
  private var position = 0
  private var depth = 0
  /// The flags `i` and `s`.
  private var ignoresCase = false
  private var dotMatchesNewline = false

  init(_ pattern: String) { text = Array(pattern.unicodeScalars) }

  mutating func parse() throws(ModelError) -> RegularExpression {
    let result = try choice()
    guard position == text.count else { throw wrong("has a ')' without '('") }
    return result
  }

  private var next: Unicode.Scalar? { position < text.count ? text[position] : nil }

  private func wrong(_ what: String) -> ModelError {
    var pattern = ""
    pattern.unicodeScalars.append(contentsOf: text)
    return .invalid("the pattern '\(pattern)' \(what) at position \(position)")
  }

  private func unsupported(_ what: String) -> ModelError {
    .unsupported("\(what) in a pattern is not supported", hint: "match a simpler pattern")
  }

  private mutating func accept(_ expected: String) -> Bool {
    let scalars = Array(expected.unicodeScalars)
    guard position + scalars.count <= text.count, Array(text[position..<position + scalars.count]) == scalars else {
      return false
    }
    position += scalars.count
    return true
  }

  private mutating func choice() throws(ModelError) -> RegularExpression {
    depth += 1
    defer { depth -= 1 }
    guard depth < 200 else { throw wrong("nests too deeply") }
    var cases = [try sequence()]
    while accept("|") { cases.append(try sequence()) }
    return cases.count == 1 ? cases[0] : .choice(cases)
  }

  private mutating func sequence() throws(ModelError) -> RegularExpression {
    var items: [RegularExpression] = []
    while let scalar = next, scalar != "|", scalar != ")" {
      var item = try atom()
      while let (minimum, maximum) = try quantifier() {
        // A question mark or plus sign behind it changes which match is found, not whether there is one.
        _ = accept("?") || accept("+")
        item = .repetition(item, minimum: minimum, maximum: maximum)
      }
      items.append(item)
    }
    return items.isEmpty ? .empty : items.count == 1 ? items[0] : .sequence(items)
  }

  private mutating func quantifier() throws(ModelError) -> (Int, Int?)? {
    if accept("*") { return (0, nil) }
    if accept("+") { return (1, nil) }
    if accept("?") { return (0, 1) }
    let start = position
    guard accept("{"), let minimum = number() else {
      position = start
      return nil
    }
    var maximum: Int? = minimum
    if accept(",") { maximum = number() }
    guard accept("}") else {
      position = start
      return nil
    }
    guard minimum <= 1000, (maximum ?? 0) <= 1000, minimum <= maximum ?? .max else { throw wrong("has a wrong repetition") }
    return (minimum, maximum)
  }

  private mutating func number() -> Int? {
    var value: Int?
    while let scalar = next, ("0"..."9").contains(scalar), (value ?? 0) < 100_000 {
      value = (value ?? 0) * 10 + Int(scalar.value - 0x30)
      position += 1
    }
    return value
  }

  private mutating func atom() throws(ModelError) -> RegularExpression {
    guard let scalar = next else { throw wrong("ends too early") }
    switch scalar {
    case "(": return try group()
    case "[": return .oneOf(try cased(bracketed()))
    case "*", "+", "?": throw wrong("repeats nothing")
    case "\\": return try escape()
    default: position += 1
    }
    switch scalar {
    case ".": return .oneOf(dotMatchesNewline ? RegularExpression.any : ScalarRanges.complement([0x0a...0x0a]))
    case "^": return .atStart
    case "$": return .atEnd
    default: return .oneOf(cased([scalar.value...scalar.value]))
    }
  }

  private func cased(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
    ignoresCase ? ScalarRanges.caseless(ranges) : ScalarRanges.normalized(ranges)
  }

  private mutating func group() throws(ModelError) -> RegularExpression {
    position += 1
    let flags = (ignoresCase, dotMatchesNewline)
    if accept("?") {
      if accept("P<") || accept("<") {
        if next == "=" || next == "!" { throw unsupported("looking back") }
        while let scalar = next, scalar != ">" { position += scalar == ")" ? text.count : 1 }
        guard accept(">") else { throw wrong("has an unfinished name") }
      } else if next == "=" || next == "!" {
        throw unsupported("looking ahead")
      } else {
        try setFlags()
        // Flags without a colon hold to the end of the group around them.
        if accept(")") { return .empty }
        guard accept(":") else { throw wrong("has an unknown group") }
      }
    }
    let inner = try choice()
    guard accept(")") else { throw wrong("has a '(' without ')'") }
    (ignoresCase, dotMatchesNewline) = flags
    return inner
  }

  private mutating func setFlags() throws(ModelError) {
    var value = true
    while let scalar = next, scalar != ":", scalar != ")" {
      switch scalar {
      case "-": value = false
      case "i": ignoresCase = value
      case "s": dotMatchesNewline = value
      case "U": break
      case "m":
        if value { throw unsupported("the flag m") }
      default: throw wrong("has an unknown flag")
      }
      position += 1
    }
  }

  private mutating func escape() throws(ModelError) -> RegularExpression {
    position += 1
    guard let scalar = next else { throw wrong("ends with a backslash") }
    if let ranges = ScalarRanges.perl(scalar) {
      position += 1
      return .oneOf(cased(ranges))
    }
    switch scalar {
    case "A": position += 1
      return .atStart
    case "z": position += 1
      return .atEnd
    case "b", "B":
      position += 1
      return .atBoundary(scalar == "b")
    case "C": throw unsupported("a single byte")
    case "Q":
      position += 1
      var literals: [RegularExpression] = []
      while position < text.count, !accept("\\E") {
        literals.append(.oneOf(cased([text[position].value...text[position].value])))
        position += 1
      }
      return .sequence(literals)
    case "p", "P": return .oneOf(cased(try category()))
    default:
      let value = try character()
      return .oneOf(cased([value...value]))
    }
  }

  /// Behind `\`: `pL`, `p{Lu}`, `P{Greek}` and so on.
  private mutating func category() throws(ModelError) -> [ClosedRange<UInt32>] {
    var isNegated = next == "P"
    position += 1
    var name = ""
    if accept("{") {
      if accept("^") { isNegated.toggle() }
      while let scalar = next, scalar != "}" {
        name.unicodeScalars.append(scalar)
        position += 1
      }
      guard accept("}") else { throw wrong("has an unfinished class") }
    } else if let scalar = next {
      name.unicodeScalars.append(scalar)
      position += 1
    }
    guard let ranges = ScalarRanges.category(name) else { throw unsupported("the class '\(name)'") }
    return isNegated ? ScalarRanges.complement(ranges) : ranges
  }

  /// Behind `\`: a character that stands for itself, or `n`, `x41`, `x{1F600}`, `101` and so on.
  private mutating func character() throws(ModelError) -> UInt32 {
    guard let scalar = next else { throw wrong("ends with a backslash") }
    position += 1
    switch scalar {
    case "a": return 0x07
    case "f": return 0x0c
    case "t": return 0x09
    case "n": return 0x0a
    case "r": return 0x0d
    case "v": return 0x0b
    case "x":
      if accept("{") {
        let value = try digits(radix: 16, atMost: 6)
        guard accept("}") else { throw wrong("has an unfinished character") }
        return value
      }
      return try digits(radix: 16, atMost: 2)
    case "0"..."7":
      position -= 1
      return try digits(radix: 8, atMost: 3)
    case "A"..."Z", "b"..."z", "8", "9": throw wrong("has an unknown escape")
    default: return scalar.value
    }
  }

  private mutating func digits(radix: UInt32, atMost count: Int) throws(ModelError) -> UInt32 {
    var value: UInt32 = 0
    var read = 0
    while read < count, let digit = next.flatMap({ Character($0).hexDigitValue }), digit < radix {
      value = value * radix + UInt32(digit)
      position += 1
      read += 1
    }
    guard read > 0, Unicode.Scalar(value) != nil else { throw wrong("has a wrong character") }
    return value
  }

  private mutating func bracketed() throws(ModelError) -> [ClosedRange<UInt32>] {
    position += 1
    let isNegated = accept("^")
    var ranges: [ClosedRange<UInt32>] = []
    var isFirst = true
    while isFirst || next != "]" {
      guard next != nil else { throw wrong("has a '[' without ']'") }
      isFirst = false
      if let named = try namedClass() {
        ranges += named
        continue
      }
      let low = try classCharacter()
      if next == "-", position + 1 < text.count, text[position + 1] != "]" {
        position += 1
        let high = try classCharacter()
        guard low <= high else { throw wrong("has a wrong range") }
        ranges.append(low...high)
      } else {
        ranges.append(low...low)
      }
    }
    position += 1
    let all = ignoresCase ? ScalarRanges.caseless(ranges) : ScalarRanges.normalized(ranges)
    return isNegated ? ScalarRanges.complement(all) : all
  }

  private mutating func namedClass() throws(ModelError) -> [ClosedRange<UInt32>]? {
    if accept("[:") {
      let isNegated = accept("^")
      var name = ""
      while let scalar = next, scalar != ":" {
        name.unicodeScalars.append(scalar)
        position += 1
      }
      guard accept(":]"), let ranges = ScalarRanges.posix(name) else { throw wrong("has an unknown class") }
      return isNegated ? ScalarRanges.complement(ranges) : ranges
    }
    guard next == "\\", position + 1 < text.count else { return nil }
    let name = text[position + 1]
    if let ranges = ScalarRanges.perl(name) {
      position += 2
      return ranges
    }
    guard name == "p" || name == "P" else { return nil }
    position += 1
    return try category()
  }

  private mutating func classCharacter() throws(ModelError) -> UInt32 {
    guard let scalar = next else { throw wrong("has a '[' without ']'") }
    position += 1
    return scalar == "\\" ? try character() : scalar.value
  }
}
