/// Why a text is not JSON.
public struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
  public var message: String
  /// The byte at fault.
  public var offset: Int

  public var description: String { "\(message) at byte \(offset)" }
}

extension JSON {
  /// Parses a document; nesting deeper than 200 is refused.
  public init(parsing text: String) throws(JSONError) {
    var parser = JSONParser(bytes: Array(text.utf8))
    self = try parser.document()
  }
}

private struct JSONParser {
  let bytes: [UInt8]
  var offset = 0
  var depth = 0

  init(bytes: [UInt8]) { self.bytes = bytes }

  mutating func document() throws(JSONError) -> JSON {
    let value = try value()
    guard peek() == nil else { throw failure("text after the end") }
    return value
  }

  private func failure(_ message: String) -> JSONError { JSONError(message: message, offset: offset) }

  /// The next byte that is not white space.
  private mutating func peek() -> UInt8? {
    while offset < bytes.count, [0x20, 0x09, 0x0a, 0x0d].contains(bytes[offset]) { offset += 1 }
    return offset < bytes.count ? bytes[offset] : nil
  }

  private mutating func accept(_ character: Unicode.Scalar) -> Bool {
    guard peek() == UInt8(ascii: character) else { return false }
    offset += 1
    return true
  }

  private mutating func expect(_ character: Unicode.Scalar) throws(JSONError) {
    guard accept(character) else { throw failure("expected '\(character)'") }
  }

  private mutating func value() throws(JSONError) -> JSON {
    depth += 1
    defer { depth -= 1 }
    guard depth <= 200 else { throw failure("too deep nesting") }
    switch peek() {
    case UInt8(ascii: "{"): return .object(try members())
    case UInt8(ascii: "["): return .array(try items())
    case UInt8(ascii: "\""): return .string(try string())
    case nil: throw failure("unexpected end")
    case _:
      for (word, value) in [("true", JSON.bool(true)), ("false", .bool(false)), ("null", .null)]
      where bytes[offset...].starts(with: word.utf8) {
        offset += word.utf8.count
        return value
      }
      return .number(try number())
    }
  }

  private mutating func members() throws(JSONError) -> [JSONMember] {
    try expect("{")
    var result: [JSONMember] = []
    if accept("}") { return result }
    repeat {
      guard peek() == UInt8(ascii: "\"") else { throw failure("expected a key") }
      let key = try string()
      try expect(":")
      result.append(JSONMember(key: key, value: try value()))
    } while accept(",")
    try expect("}")
    return result
  }

  private mutating func items() throws(JSONError) -> [JSON] {
    try expect("[")
    var result: [JSON] = []
    if accept("]") { return result }
    repeat { result.append(try value()) } while accept(",")
    try expect("]")
    return result
  }

  private mutating func number() throws(JSONError) -> Double {
    let start = offset
    while offset < bytes.count, "+-.0123456789eE".utf8.contains(bytes[offset]) { offset += 1 }
    guard start < offset, let value = Double(String(decoding: bytes[start..<offset], as: UTF8.self)) else {
      offset = start
      throw failure("expected a value")
    }
    return value
  }

  private mutating func string() throws(JSONError) -> String {
    try expect("\"")
    var units: [UInt8] = []
    while offset < bytes.count {
      let byte = bytes[offset]
      offset += 1
      switch byte {
      case UInt8(ascii: "\""): return String(decoding: units, as: UTF8.self)
      case UInt8(ascii: "\\"): units += String(try escape()).utf8
      case 0..<0x20: throw failure("control character in a string")
      case _: units.append(byte)
      }
    }
    throw failure("string without end")
  }

  private mutating func escape() throws(JSONError) -> Unicode.Scalar {
    guard offset < bytes.count else { throw failure("string without end") }
    let byte = bytes[offset]
    offset += 1
    switch byte {
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{c}"
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
    case UInt8(ascii: "u"):
      var code = try hexadecimal()
      if code >> 10 == 0x36, bytes[offset...].starts(with: "\\u".utf8) {
        offset += 2
        let low = try hexadecimal()
        guard low >> 10 == 0x37 else { throw failure("unpaired surrogate") }
        code = 0x10000 + ((code & 0x3ff) << 10) + (low & 0x3ff)
      }
      guard let scalar = Unicode.Scalar(code) else { throw failure("unpaired surrogate") }
      return scalar
    case _: throw failure("unknown escape")
    }
  }

  private mutating func hexadecimal() throws(JSONError) -> UInt32 {
    guard offset + 4 <= bytes.count,
      let code = UInt32(String(decoding: bytes[offset..<offset + 4], as: UTF8.self), radix: 16)
    else { throw failure("expected four hexadecimal digits") }
    offset += 4
    return code
  }
}
