import ArgumentParser
import Driver

/// `onnxc model.onnx -o model.o`
struct CompileCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compile", abstract: "Compile a model; the output's suffix picks the kind.")

  @Argument(help: "The model, or '-' for standard input.")
  var model: String

  @Option(name: .shortAndLong, help: "The file to write: .o .a .so .c .ll .bc .s; '-' for standard output.")
  var output: String?

  @Option(help: "The kind of output when the suffix does not say it.")
  var emit: CompileOptions.EmitKind?

  @Option(help: "The prefix of all symbols; from the file's name when left out.")
  var name = ""

  @Option(help: "Weights in the output (embed) or in a file of their own (separate).")
  var weights = CompileOptions.Weights.embed

  @OptionGroup var flags: TargetFlags

  func run() throws {
    var options = try flags.options()
    let stem = Self.stem(of: model)
    let path = output ?? "\(stem).\((emit ?? .object).suffix)"
    let suffix = path.split(separator: "/").last?.split(separator: ".").dropFirst().last.map(String.init) ?? ""
    guard let kind = emit ?? CompileOptions.EmitKind(suffix: suffix) else {
      let known = CompileOptions.EmitKind.allCases.map { ".\($0.suffix)" }.joined(separator: " ")
      throw Failure.usage("cannot tell the kind of output from '\(path)' (use a suffix of \(known), or --emit)")
    }
    options.emit = kind
    options.output = path
    options.weights = weights
    options.name = name.isEmpty ? stem : name
    try reporting(model) { try Pipeline.compile(path: model, options: options) }
  }

  /// The file's name without folder and suffix.
  static func stem(of path: String) -> String {
    if path == "-" { return "model" }
    let file = path.split(separator: "/").last.map(String.init) ?? "model"
    guard let dot = file.lastIndex(of: "."), dot > file.startIndex else { return file }
    return String(file[..<dot])
  }
}
