import Support

/// A regular expression over Unicode scalars in RE2's syntax, without what needs to look around.
///
/// `https://github.com/google/re2/wiki/Syntax`
indirect enum RegularExpression: Hashable {
  case empty
  /// One scalar of some ranges.
  case oneOf([ClosedRange<UInt32>])
  case sequence([RegularExpression])
  case choice([RegularExpression])
  /// `maximum` is nil where there is none.
  case repetition(RegularExpression, minimum: Int, maximum: Int?)
  case atStart
  case atEnd
  /// Where a word of ASCII letters, digits and underscores begins or ends, or where none does.
  case atBoundary(Bool)

  /// All scalars.
  static let any: [ClosedRange<UInt32>] = [0...0xd7ff, 0xe000...0x10_ffff]

  /// Whether it asks where in a text it is.
  var looksAround: Bool {
    switch self {
    case .empty, .oneOf: false
    case .sequence(let parts), .choice(let parts): parts.contains(where: \.looksAround)
    case .repetition(let part, _, _): part.looksAround
    case .atStart, .atEnd, .atBoundary: true
    }
  }

  /// - Throws: `ModelError` if the pattern is wrong or beyond what is supported.
  init(_ pattern: String) throws(ModelError) {
    var parser = RegularExpressionParser(pattern)
    self = try parser.parse()
  }
}

/// Ranges of scalars as sets.
enum ScalarRanges {
  static func complement(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
    var result: [ClosedRange<UInt32>] = []
    var next: UInt32 = 0
    for range in normalized(ranges + [0xd800...0xdfff]) {
      if range.lowerBound > next { result.append(next...(range.lowerBound - 1)) }
      next = range.upperBound + 1
    }
    if next <= 0x10_ffff { result.append(next...0x10_ffff) }
    return result
  }

  /// Sorted, without overlaps.
  static func normalized(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
    var result: [ClosedRange<UInt32>] = []
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = result.last, range.lowerBound <= last.upperBound + 1 {
        result[result.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
      } else {
        result.append(range)
      }
    }
    return result
  }

  /// With the other case of every letter.
  static func caseless(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
    var result = ranges
    for range in ranges where range.count < 0x1_0000 {
      for number in range {
        guard let properties = Unicode.Scalar(number)?.properties else { continue }
        for mapping in [properties.lowercaseMapping, properties.uppercaseMapping] where mapping.unicodeScalars.count == 1 {
          if let other = mapping.unicodeScalars.first?.value { result.append(other...other) }
        }
      }
    }
    return normalized(result)
  }

  /// The scalars of a class like `d` or `W`; nil if there is none of that name.
  static func perl(_ name: Unicode.Scalar) -> [ClosedRange<UInt32>]? {
    switch name {
    case "d": [0x30...0x39]
    case "s": [0x09...0x0a, 0x0c...0x0d, 0x20...0x20]
    case "w": [0x30...0x39, 0x41...0x5a, 0x5f...0x5f, 0x61...0x7a]
    case "D", "S", "W": perl(name.properties.lowercaseMapping.unicodeScalars.first ?? "d").map(complement)
    default: nil
    }
  }

  /// The scalars of a class like `[:alpha:]`; nil if there is none of that name.
  static func posix(_ name: String) -> [ClosedRange<UInt32>]? {
    switch name {
    case "alnum": [0x30...0x39, 0x41...0x5a, 0x61...0x7a]
    case "alpha": [0x41...0x5a, 0x61...0x7a]
    case "ascii": [0...0x7f]
    case "blank": [0x09...0x09, 0x20...0x20]
    case "cntrl": [0...0x1f, 0x7f...0x7f]
    case "digit": [0x30...0x39]
    case "graph": [0x21...0x7e]
    case "lower": [0x61...0x7a]
    case "print": [0x20...0x7e]
    case "punct": [0x21...0x2f, 0x3a...0x40, 0x5b...0x60, 0x7b...0x7e]
    case "space": [0x09...0x0d, 0x20...0x20]
    case "upper": [0x41...0x5a]
    case "word": [0x30...0x39, 0x41...0x5a, 0x5f...0x5f, 0x61...0x7a]
    case "xdigit": [0x30...0x39, 0x41...0x46, 0x61...0x66]
    default: nil
    }
  }

  /// The scalars of a general category such as `Lu` or `L`; nil if there is none of that name.
  static func category(_ name: String) -> [ClosedRange<UInt32>]? {
    let chosen = categories.filter { $0.name == name || $0.name.prefix(1) == name }.map(\.category)
    guard !chosen.isEmpty else { return nil }
    var ranges: [ClosedRange<UInt32>] = []
    for number in UInt32(0)...0x10_ffff {
      guard let scalar = Unicode.Scalar(number), chosen.contains(scalar.properties.generalCategory) else { continue }
      if let last = ranges.last, last.upperBound + 1 == number {
        ranges[ranges.count - 1] = last.lowerBound...number
      } else {
        ranges.append(number...number)
      }
    }
    return ranges
  }

  private static let categories: [(name: String, category: Unicode.GeneralCategory)] = [
    ("Lu", .uppercaseLetter), ("Ll", .lowercaseLetter), ("Lt", .titlecaseLetter), ("Lm", .modifierLetter), ("Lo", .otherLetter),
    ("Mn", .nonspacingMark), ("Mc", .spacingMark), ("Me", .enclosingMark), ("Nd", .decimalNumber), ("Nl", .letterNumber),
    ("No", .otherNumber), ("Pc", .connectorPunctuation), ("Pd", .dashPunctuation), ("Ps", .openPunctuation),
    ("Pe", .closePunctuation), ("Pi", .initialPunctuation), ("Pf", .finalPunctuation), ("Po", .otherPunctuation),
    ("Sm", .mathSymbol), ("Sc", .currencySymbol), ("Sk", .modifierSymbol), ("So", .otherSymbol), ("Zs", .spaceSeparator),
    ("Zl", .lineSeparator), ("Zp", .paragraphSeparator), ("Cc", .control), ("Cf", .format), ("Co", .privateUse),
  ]
}
