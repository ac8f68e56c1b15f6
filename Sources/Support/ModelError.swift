/// A fault of the model file or a limit of the compiler, with what a user needs to act on it.
public struct Diagnostic: Hashable, Sendable, CustomStringConvertible {
  public enum Kind: Hashable, Sendable {
    /// The model breaks the ONNX specification.
    case invalid
    /// The model is valid, but this compiler cannot compile it.
    case unsupported
  }

  public var kind: Kind
  public var message: String
  /// The node at fault as `'name' (Op-version)`; empty when no node is.
  public var location: String
  /// What the user can do about it; empty when the message says it.
  public var hint: String

  public init(_ kind: Kind, _ message: String, location: String = "", hint: String = "") {
    self.kind = kind
    self.message = message
    self.location = location
    self.hint = hint
  }

  public var description: String {
    let place = location.isEmpty ? "" : "\(location): "
    let next = hint.isEmpty ? "" : " (\(hint))"
    return "\(place)\(message)\(next)"
  }
}

/// Everything that stops a compilation, collected over the whole model.
public struct ModelError: Error, Hashable, Sendable, CustomStringConvertible {
  public var diagnostics: [Diagnostic]

  public init(_ diagnostics: [Diagnostic]) { self.diagnostics = diagnostics }

  /// The model is wrong.
  public static func invalid(_ message: String, at location: String = "", hint: String = "") -> ModelError {
    ModelError([Diagnostic(.invalid, message, location: location, hint: hint)])
  }

  /// The model is right, but beyond what is supported.
  public static func unsupported(_ message: String, at location: String = "", hint: String = "") -> ModelError {
    ModelError([Diagnostic(.unsupported, message, location: location, hint: hint)])
  }

  /// The same error with a location for diagnostics that have none.
  public func located(at location: String) -> ModelError {
    ModelError(
      diagnostics.map { diagnostic in
        var located = diagnostic
        if located.location.isEmpty { located.location = location }
        return located
      })
  }

  public var description: String { diagnostics.map(\.description).joined(separator: "\n") }
}
