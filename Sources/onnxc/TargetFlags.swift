import ArgumentParser
import Driver
import Operators
import Support
import Tuning

extension CompileOptions.Backend: ExpressibleByArgument {}
extension CompileOptions.EmitKind: ExpressibleByArgument {}
extension CompileOptions.Weights: ExpressibleByArgument {}
extension CompileOptions.Precision: ExpressibleByArgument {}

/// Options that all commands share that compile.
struct TargetFlags: ParsableArguments {
  @Option(help: ArgumentHelp("Target triple; this machine's when left out.", valueName: "triple"))
  var target = ""

  @Option(help: "Processor, 'native', or several, such as x86-64-v3,x86-64-v4, to choose from when the code runs.")
  var cpu = "native"

  @Option(help: "Target features to switch, such as +avx2,-fma.")
  var features = ""

  @Option(help: "Sizes of named dimensions, such as batch=1,seq=128.")
  var dim: [String] = []

  @Option(help: ArgumentHelp("Rules for operators that C functions compute; see the README.", valueName: "file"))
  var customOps: String?

  @Option(help: ArgumentHelp("Code of custom operators, to run or for a library: .c .o .a .so.", valueName: "file"))
  var link: [String] = []

  @Option(help: "Back end: llvm or c.")
  var backend = CompileOptions.Backend.llvm

  @Option(
    help: """
      How f32 factors may be multiplied: strict (as f32), f32 (no less exact), fast (in between) or bf16. All but strict round \
      f16 results less often than their operators.
      """)
  var precision = CompileOptions.Precision.f32

  @Option(help: "Threads that the code may use.")
  var threads = 1

  @Option(
    help: ArgumentHelp("Choices that --tune measured; those for other processors are not used.", valueName: "file"))
  var tuning: String?

  @Option(help: "Print the program after a pass; may be repeated.")
  var dumpAfter: [String] = []

  @Option(help: "Stop after a pass.")
  var stopAfter = ""

  @Flag(help: "Print the time that each pass takes.")
  var timePasses = false

  @Flag(help: "Report in JSON.")
  var json = false

  @Flag(name: .shortAndLong, help: "Say more.")
  var verbose = false

  @Flag(name: .shortAndLong, help: "Say nothing but errors.")
  var quiet = false

  func validate() throws {
    guard (1...1024).contains(threads) else { throw ValidationError("--threads must be from 1 to 1024") }
    _ = try dims()
  }

  /// The options as the compiler takes them.
  func options() throws -> CompileOptions {
    var options = CompileOptions()
    options.target = target
    options.cpu = cpu
    options.features = features.split(separator: ",").map(String.init)
    options.dims = try dims()
    options.customOperators = try customOperators()
    options.link = link
    options.backend = backend
    options.precision = precision
    options.threads = threads
    options.tuning = try tuningTable()
    options.dumpAfter = dumpAfter
    options.stopAfter = stopAfter
    options.timePasses = timePasses
    options.json = json
    if let tuning, !quiet {
      for name in Pipeline.processorsWithoutTuning(options) {
        StandardError.print("\(tuning): note: nothing was measured on \(name.isEmpty ? "this target" : name)")
      }
    }
    return options
  }

  /// The same options for another process.
  var arguments: [String] {
    let choices = [("backend", backend.rawValue), ("precision", precision.rawValue), ("threads", "\(threads)")]
    let texts = [("target", target), ("cpu", cpu), ("features", features)].filter { !$0.1.isEmpty }
    let named = [("custom-ops", customOps), ("tuning", tuning)].compactMap { name, file in file.map { (name, $0) } }
    let files = named + link.map { ("link", $0) }
    return (texts + choices + files + dim.map { ("dim", $0) }).map { "--\($0)=\($1)" }
  }

  private func customOperators() throws -> CustomOperators {
    try parsed(customOps) { (text) throws(ParseError) in try CustomOperators(text) } ?? CustomOperators()
  }

  private func tuningTable() throws -> TuningTable {
    try parsed(tuning) { (text) throws(ParseError) in try TuningTable(text) } ?? TuningTable()
  }

  /// What a file says; nil if there is no file.
  private func parsed<Result>(_ path: String?, _ parse: (String) throws(ParseError) -> Result) throws -> Result? {
    guard let path else { return nil }
    do {
      return try parse(try InputFile.text(path: path))
    } catch let error as ParseError {
      throw Failure.usage("\(path):\(error)")
    } catch let error as FileError {
      throw Failure.usage(error.description)
    }
  }

  private func dims() throws -> [String: Int] {
    var result: [String: Int] = [:]
    for binding in dim.flatMap({ $0.split(separator: ",") }) {
      guard let equals = binding.lastIndex(of: "="), equals > binding.startIndex,
        let size = Int(binding[binding.index(after: equals)...]), size >= 0
      else { throw ValidationError("--dim takes NAME=SIZE, not '\(binding)'") }
      result[String(binding[..<equals])] = size
    }
    return result
  }
}
