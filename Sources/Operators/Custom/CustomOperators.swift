import Support

/// The operators of a model that C functions of the user compute, by domain and name.
public struct CustomOperators: Hashable, Sendable {
  private var rules: [String: CustomOperatorRule] = [:]

  public init() {}

  /// Reads the rules of a text, one after the other:
  ///
  ///     my.domain::Scale(x: T[n, ..s], optional bias: T[n]; factor: float = 1, axes: ints)
  ///       -> y: T[n, ..s], sums: f64[n * 2]
  ///
  /// Inputs come first, then attributes after a semicolon. A dimension of an input is a number or a name, `..name`
  /// stands for any number of dimensions, and an upper-case word for any element type. Dimensions of outputs are sums,
  /// differences, products and quotients (rounded down) of numbers, names and integer attributes; `name[0]` is an
  /// element of a list.
  public init(_ text: String) throws(ParseError) {
    var reader = try TextReader(text)
    var functions: [String: String] = [:]
    while reader.token != .end {
      let start = reader.offset
      let rule = try CustomOperatorRule(&reader)
      let key = Importer.functionKey(rule.domain, rule.name)
      guard rules.updateValue(rule, forKey: key) == nil else {
        throw reader.error(at: start, "\(key) has a rule already")
      }
      if let other = functions.updateValue(key, forKey: rule.functionName) {
        throw reader.error(at: start, "\(key) and \(other) would both call \(rule.functionName)")
      }
    }
  }

  /// The rule for an operator, if there is one.
  func rule(_ domain: String, _ name: String) -> CustomOperatorRule? { rules[Importer.functionKey(domain, name)] }

  /// What to do about an operator without a meaning.
  static func hint(_ domain: String, _ name: String) -> String {
    "give its shape rule with --custom-ops, such as \(domain.quotedDomain)::\(name)(x: T[..s]) -> y: T[..s]"
  }
}

extension String {
  /// A domain as rules write it: words between dots, or in quotes.
  var quotedDomain: String {
    let words = split(separator: ".", omittingEmptySubsequences: false)
    return words.allSatisfy { String($0).quotedIfNeeded == $0 } ? self : quoted
  }
}
