import ArgumentParser
import CSystem
import Driver
import ONNXReader
import Support
import Tuning
import Verify

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

  @Option(
    help: ArgumentHelp(
      "Measure on this machine which ways to compute the model are fastest, write them down, and compile with them.",
      valueName: "file"))
  var tune: String?

  @OptionGroup var flags: TargetFlags

  func validate() throws {
    if tune != nil, model == "-" { throw ValidationError("--tune needs a file with the model") }
  }

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
    try reporting(model) {
      if let tune { options.tuning = try measuredTuning(tune, options) }
      try Pipeline.compile(path: model, options: options)
    }
  }

  /// Measures choices with inputs that are made up, and writes them to a file.
  private func measuredTuning(_ path: String, _ options: CompileOptions) throws -> TuningTable {
    csystem_pin_to_last_processors(Int32(options.threads))
    let start = monotonicSeconds()
    let loaded = try Model.load(path: model)
    let inputs = try madeUpInputs(loaded, bindings: options.dims).map(\.value)
    let request = CaseRequest(path: model, model: loaded, bindings: [:], inputs: loaded.requiredInputs)
    let say = { (text: String) in if !flags.quiet { StandardError.print("\(model): \(text)") } }
    let result = try Pipeline.tune(request, inputs: inputs, options: options) { if flags.verbose { say($0) } }
    try AtomicFile.write(result.table.description, path: path)
    let times = [result.defaultSeconds, result.tunedSeconds].map { fixed($0 * 1e3, decimals: 4) }
    say(
      "\(result.changes) of \(result.questions) choices changed, \(times[1]) ms instead of \(times[0]) ms; "
        + "took \(fixed(monotonicSeconds() - start, decimals: 0)) s")
    if result.questions == 0 { say("contractions with open dimensions have no choices; --dim fixes dimensions") }
    return result.table
  }

  /// The file's name without folder and suffix.
  static func stem(of path: String) -> String {
    if path == "-" { return "model" }
    let file = path.split(separator: "/").last.map(String.init) ?? "model"
    guard let dot = file.lastIndex(of: "."), dot > file.startIndex else { return file }
    return String(file[..<dot])
  }
}
