/// A text that does not follow its grammar, with the place of the first fault.
public struct ParseError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Counted from 1.
  public var line: Int
  /// In bytes, counted from 1.
  public var column: Int
  public var message: String

  public init(line: Int, column: Int, message: String) {
    (self.line, self.column, self.message) = (line, column, message)
  }

  public var description: String { "\(line):\(column): \(message)" }
}

/// A unit of the texts of both intermediate representations.
public enum Token: Hashable, Sendable {
  /// Letters, digits and underscores, not starting with a digit.
  case word(String)
  /// A decimal integer or float with an optional minus directly before it, also `-inf` and `-nan`.
  case number(String)
  /// Text in double quotes, with `\"` and `\\` for these characters.
  case quoted(String)
  case sign(String)
  case end
}

/// Walks over the tokens of a text; blanks and comments from `//` to the end of the line separate tokens.
public struct TextReader: Sendable {
  private let text: [UInt8]
  private var tokens: [(token: Token, offset: Int)] = []
  private var position = 0
  private var depth = 0

  /// Splits a text into tokens.
  public init(_ text: String) throws(ParseError) {
    self.text = Array(text.utf8)
    var lexer = Lexer(text: self.text)
    while let (token, offset) = lexer.next() {
      guard let token else { throw error(at: offset, "unexpected '\(Character(UnicodeScalar(self.text[offset])))'") }
      tokens.append((token, offset))
    }
    tokens.append((.end, self.text.count))
  }

  /// The next token.
  public var token: Token { tokens[position].token }

  /// The token after the next one.
  public var following: Token { tokens[min(position + 1, tokens.count - 1)].token }

  /// The place of the next token, for `error(at:_:)`.
  public var offset: Int { tokens[position].offset }

  /// Goes to the next token.
  public mutating func advance() { position = min(position + 1, tokens.count - 1) }

  /// Goes past a sign if it is next.
  public mutating func take(_ sign: String) -> Bool {
    guard token == .sign(sign) else { return false }
    advance()
    return true
  }

  /// Goes past a word if it is next.
  public mutating func take(word: String) -> Bool {
    guard token == .word(word) else { return false }
    advance()
    return true
  }

  public mutating func expect(_ sign: String) throws(ParseError) {
    guard take(sign) else { throw error("'\(sign)' expected, not \(found)") }
  }

  public mutating func expect(word: String) throws(ParseError) {
    guard take(word: word) else { throw error("'\(word)' expected, not \(found)") }
  }

  /// Any word.
  public mutating func word(_ what: String) throws(ParseError) -> String {
    guard case .word(let word) = token else { throw error("\(what) expected, not \(found)") }
    advance()
    return word
  }

  public mutating func integer() throws(ParseError) -> Int {
    guard case .number(let text) = token, let value = Int(text) else {
      throw error("an integer expected, not \(found)")
    }
    advance()
    return value
  }

  /// An integer of at least 0.
  public mutating func count() throws(ParseError) -> Int {
    let start = offset
    let value = try integer()
    guard value >= 0 else { throw error(at: start, "\(value) is negative") }
    return value
  }

  /// A float, `inf` or `nan`.
  public mutating func float() throws(ParseError) -> Double {
    let text: String
    switch token {
    case .number(let number): text = number
    case .word("inf"), .word("nan"): text = token == .word("inf") ? "inf" : "nan"
    case .word, .quoted, .sign, .end: throw error("a number expected, not \(found)")
    }
    guard let value = Double(text) else { throw error("'\(text)' is not a number") }
    advance()
    return value
  }

  /// A name as `quotedIfNeeded` writes it.
  public mutating func name() throws(ParseError) -> String {
    if case .quoted(let text) = token {
      advance()
      return text
    }
    return try word("a name")
  }

  /// An element type.
  public mutating func element() throws(ParseError) -> ElementType {
    guard case .word(let name) = token, let element = ElementType(rawValue: name) else {
      throw error("an element type expected, not \(found)")
    }
    advance()
    return element
  }

  /// The number behind a prefix in a word such as `d12`.
  public static func number(in word: String, after prefix: String) -> Int? {
    guard word.hasPrefix(prefix) else { return nil }
    let digits = word.dropFirst(prefix.count)
    guard !digits.isEmpty, digits.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
    return Int(digits)
  }

  /// Numbered names such as `d12`.
  public mutating func numbered(_ prefix: String) throws(ParseError) -> Int {
    guard case .word(let word) = token, let number = TextReader.number(in: word, after: prefix) else {
      throw error("'\(prefix)' and a number expected, not \(found)")
    }
    advance()
    return number
  }

  /// Items between brackets, separated by commas.
  public mutating func list<Item>(
    _ open: String, _ close: String, _ item: (inout TextReader) throws(ParseError) -> Item
  ) throws(ParseError) -> [Item] {
    try expect(open)
    var items: [Item] = []
    if take(close) { return items }
    repeat { items.append(try item(&self)) } while take(",")
    try expect(close)
    return items
  }

  /// Parses something that nests in itself; texts that nest absurdly deep are rejected.
  public mutating func nested<Result>(_ body: (inout TextReader) throws(ParseError) -> Result) throws(ParseError)
    -> Result
  {
    depth += 1
    defer { depth -= 1 }
    guard depth <= 200 else { throw error("nested too deep") }
    return try body(&self)
  }

  /// The next token for messages.
  public var found: String {
    switch token {
    case .word(let text), .number(let text), .sign(let text): "'\(text)'"
    case .quoted(let text): "\"\(text)\""
    case .end: "the end"
    }
  }

  /// A fault at the next token.
  public func error(_ message: String) -> ParseError { error(at: offset, message) }

  /// A fault at a place that was next before.
  public func error(at offset: Int, _ message: String) -> ParseError {
    let before = text.prefix(offset)
    let newline = UInt8(ascii: "\n")
    let line = before.count { $0 == newline }
    let start = before.lastIndex(of: newline).map { $0 + 1 } ?? 0
    return ParseError(line: line + 1, column: offset - start + 1, message: message)
  }
}

extension String {
  /// The text itself if it is a word that `TextReader` reads as such, else in double quotes.
  public var quotedIfNeeded: String {
    let isWord = utf8.enumerated().allSatisfy { Lexer.isLetter($1) || ($0 > 0 && Lexer.isDigit($1)) }
    return !isEmpty && isWord ? self : quoted
  }

  /// The text in double quotes.
  public var quoted: String {
    "\"" + map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : "\($0)" }.joined() + "\""
  }
}

/// Finds the tokens of a text one by one.
private struct Lexer {
  let text: [UInt8]
  var position = 0

  private static let longSigns = ["..<", "->", "<<", ">>", "==", "!=", "<=", ">="].map { Array($0.utf8) }
  private static let shortSigns = Set("()[]{}<>,;:=*+-/%&|^.#$".utf8)

  static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

  static func isLetter(_ byte: UInt8) -> Bool {
    let lower = byte | 0x20
    return lower >= UInt8(ascii: "a") && lower <= UInt8(ascii: "z") || byte == UInt8(ascii: "_")
  }

  private func byte(_ distance: Int = 0) -> UInt8 {
    position + distance < text.count ? text[position + distance] : 0
  }

  /// The next token and its place, a nil token where there is none, or nil at the end.
  mutating func next() -> (Token?, Int)? {
    skipBlanks()
    guard position < text.count else { return nil }
    let start = position
    let first = byte()
    if Lexer.isLetter(first) { return (.word(letters()), start) }
    if Lexer.isDigit(first) { return (.number(number()), start) }
    if first == UInt8(ascii: "-"), Lexer.isDigit(byte(1)) || Lexer.isLetter(byte(1)) {
      position += 1
      return (.number("-" + (Lexer.isDigit(byte()) ? number() : letters())), start)
    }
    if first == UInt8(ascii: "\"") { return (quoted(), start) }
    for sign in Lexer.longSigns where text[position...].starts(with: sign) {
      position += sign.count
      return (.sign(String(decoding: sign, as: UTF8.self)), start)
    }
    guard Lexer.shortSigns.contains(first) else { return (nil, start) }
    position += 1
    return (.sign(String(UnicodeScalar(first))), start)
  }

  private mutating func skipBlanks() {
    while position < text.count {
      if byte() == UInt8(ascii: "/"), byte(1) == UInt8(ascii: "/") {
        while position < text.count, byte() != UInt8(ascii: "\n") { position += 1 }
      } else if [UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\t"), UInt8(ascii: "\r")].contains(byte()) {
        position += 1
      } else {
        return
      }
    }
  }

  private mutating func letters() -> String {
    let start = position
    while Lexer.isLetter(byte()) || Lexer.isDigit(byte()) { position += 1 }
    return String(decoding: text[start..<position], as: UTF8.self)
  }

  private mutating func number() -> String {
    let start = position
    while Lexer.isDigit(byte()) { position += 1 }
    if byte() == UInt8(ascii: "."), Lexer.isDigit(byte(1)) {
      position += 1
      while Lexer.isDigit(byte()) { position += 1 }
    }
    if byte() | 0x20 == UInt8(ascii: "e") {
      let signed = byte(1) == UInt8(ascii: "-") || byte(1) == UInt8(ascii: "+")
      if Lexer.isDigit(byte(signed ? 2 : 1)) {
        position += signed ? 2 : 1
        while Lexer.isDigit(byte()) { position += 1 }
      }
    }
    return String(decoding: text[start..<position], as: UTF8.self)
  }

  /// Nil if the closing quote is missing.
  private mutating func quoted() -> Token? {
    let start = position
    var bytes: [UInt8] = []
    position += 1
    while position < text.count, byte() != UInt8(ascii: "\"") {
      if byte() == UInt8(ascii: "\\"), position + 1 < text.count { position += 1 }
      bytes.append(byte())
      position += 1
    }
    guard position < text.count else {
      position = start
      return nil
    }
    position += 1
    return .quoted(String(decoding: bytes, as: UTF8.self))
  }
}
