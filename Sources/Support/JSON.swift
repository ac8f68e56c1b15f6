/// A JSON document.
public enum JSON: Hashable, Sendable {
  case null
  case bool(Bool)
  case number(Double)
  case string(String)
  case array([JSON])
  /// Members in the order of the text; of members with equal keys, the first counts.
  case object([JSONMember])

  /// An object with members in the given order.
  public static func object(_ members: KeyValuePairs<String, JSON>) -> JSON {
    .object(members.map { JSONMember(key: $0.key, value: $0.value) })
  }

  /// An integer as a number.
  public static func int(_ value: Int) -> JSON { .number(Double(value)) }

  /// The member of an object with this key, if there is one.
  public subscript(key: String) -> JSON? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.key == key }?.value
  }

  /// The number, if this is one.
  public var double: Double? {
    guard case .number(let value) = self else { return nil }
    return value
  }

  /// The text, if this is a string.
  public var string: String? {
    guard case .string(let value) = self else { return nil }
    return value
  }
}

/// One member of a JSON object.
public struct JSONMember: Hashable, Sendable {
  public var key: String
  public var value: JSON

  public init(key: String, value: JSON) {
    self.key = key
    self.value = value
  }
}

extension JSON: CustomStringConvertible {
  /// The document on one line; numbers that JSON lacks become `null`.
  public var description: String {
    var text = ""
    write(to: &text)
    return text
  }

  private func write(to text: inout String) {
    switch self {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .number(let value):
      if !value.isFinite {
        text += "null"
      } else if let whole = Int(exactly: value), abs(whole) < 1 << 53 {
        text += "\(whole)"
      } else {
        text += "\(value)"
      }
    case .string(let value): Self.write(value, to: &text)
    case .array(let items):
      text += "["
      for (index, item) in items.enumerated() {
        if index > 0 { text += ", " }
        item.write(to: &text)
      }
      text += "]"
    case .object(let members):
      text += "{"
      for (index, member) in members.enumerated() {
        if index > 0 { text += ", " }
        Self.write(member.key, to: &text)
        text += ": "
        member.value.write(to: &text)
      }
      text += "}"
    }
  }

  private static func write(_ string: String, to text: inout String) {
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case _ where scalar.value < 0x20:
        let hex = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      case _: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}
