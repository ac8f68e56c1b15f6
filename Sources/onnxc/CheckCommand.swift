import ArgumentParser
import Driver
import Support

/// `onnxc check model.onnx`
struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Report everything that would stop compilation.")

  @Argument(help: "The model, or '-' for standard input.")
  var model: String

  @OptionGroup var flags: TargetFlags

  func run() throws {
    let options = try flags.options()
    do {
      try Pipeline.check(path: model, options: options)
      if flags.json { print(Self.json([])) }
    } catch {
      if flags.json { print(Self.json(error.diagnostics)) }
      throw Failure(error, path: model)
    }
  }

  private static func json(_ diagnostics: [Diagnostic]) -> JSON {
    .array(
      diagnostics.map { diagnostic in
        .object([
          "kind": .string(diagnostic.kind == .invalid ? "invalid" : "unsupported"),
          "location": .string(diagnostic.location), "message": .string(diagnostic.message),
          "hint": .string(diagnostic.hint),
        ])
      })
  }
}
