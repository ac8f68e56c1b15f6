import Glibc
import Support

/// The end of a command without success.
struct Failure: Error {
  var code: Int32
  var message: String

  /// Wrong usage, or a file that cannot be written.
  static func usage(_ message: String) -> Failure { Failure(code: 1, message: "onnxc: error: \(message)") }

  /// A model at `path` that is wrong (2) or unsupported (3).
  init(_ error: ModelError, path: String) {
    let invalid = error.diagnostics.contains { $0.kind == .invalid }
    let file = path == "-" ? "<stdin>" : path
    code = invalid ? 2 : 3
    message = error.diagnostics.map { diagnostic in
      let place = diagnostic.location.hasPrefix("'") ? "node " : ""
      let kind = diagnostic.kind == .unsupported ? "error: unsupported" : "error"
      return "\(file): \(kind): \(place)\(diagnostic)"
    }.joined(separator: "\n")
  }

  init(code: Int32, message: String) {
    self.code = code
    self.message = message
  }
}

/// Calls `body` and turns what it throws into an end of the command.
func reporting<Result>(_ path: String, _ body: () throws -> Result) throws -> Result {
  do {
    return try body()
  } catch let error as ModelError {
    throw Failure(error, path: path)
  } catch let error as FileError {
    throw Failure.usage(error.description)
  }
}
