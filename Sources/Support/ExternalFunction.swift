/// A C function that the program which links a model supplies; it returns 0, or anything else to end the call.
public struct ExternalFunction: Hashable, Sendable {
  /// Where the function's code comes from.
  public enum Provider: String, Hashable, Sendable, CaseIterable {
    /// The user, who defines what a custom operator computes.
    case user
    /// The decoders in `Runtime/images`.
    case images

    /// How a call ends whose function does not return 0.
    public var failure: Status {
      switch self {
      case .user: .customOperatorFailed
      case .images: .malformedImage
      }
    }
  }

  public enum ParameterKind: String, Hashable, Sendable, CaseIterable {
    /// Elements that the function reads; null where the model gives none.
    case input
    /// Elements that the function writes, all of them.
    case output
    /// One `i64` or `f32`, by value.
    case value
    /// Characters that end with a zero byte.
    case text
  }

  public struct Parameter: Hashable, Sendable {
    /// A C identifier.
    public var name: String
    public var kind: ParameterKind
    public var element: ElementType

    public init(_ name: String, _ kind: ParameterKind, _ element: ElementType) {
      self.name = name
      self.kind = kind
      self.element = element
    }
  }

  /// A C identifier.
  public var name: String
  public var parameters: [Parameter]
  /// What a reader of the declaration must know.
  public var documentation: String
  public var provider: Provider

  public init(name: String, parameters: [Parameter], documentation: String, provider: Provider = .user) {
    self.provider = provider
    self.name = name
    self.parameters = parameters
    self.documentation = documentation
  }
}

extension ExternalFunction: CustomStringConvertible {
  public var description: String {
    let list = parameters.map { "\($0.name): \($0.kind.rawValue) \($0.element.rawValue)" }.joined(separator: ", ")
    let origin = provider == .user ? "" : " from \(provider.rawValue)"
    return "\(name)(\(list)) \(documentation.quoted)\(origin)"
  }

  /// Reads what `description` prints.
  public init(_ reader: inout TextReader) throws(ParseError) {
    let name = try reader.word("a function")
    let parameters = try reader.list("(", ")") { (reader) throws(ParseError) in
      let name = try reader.word("a parameter")
      try reader.expect(":")
      let start = reader.offset
      guard let kind = ParameterKind(rawValue: try reader.word("a kind")) else {
        throw reader.error(at: start, "input, output, value or text expected")
      }
      return Parameter(name, kind, try reader.element())
    }
    self.init(name: name, parameters: parameters, documentation: try reader.name())
    guard reader.take(word: "from") else { return }
    let start = reader.offset
    guard let provider = Provider(rawValue: try reader.word("a provider")) else {
      throw reader.error(at: start, "user or images expected")
    }
    self.provider = provider
  }
}
