import ArgumentParser
import Driver
import Glibc
import Support
import Verify

/// `onnxc verify CASE… | --suite DIR`
struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Run cases in the ONNX backend-test layout and compare their outputs.")

  @Argument(help: "Folders with model.onnx and test_data_set_*.")
  var cases: [String] = []

  @Option(help: "Run every case at any depth below this folder.")
  var suite: String?

  @Option(name: .shortAndLong, help: "Cases to run at the same time.")
  var jobs = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))

  @Option(help: "Run only cases whose name contains this text.")
  var filter = ""

  @Option(help: "Seconds after which a case counts as hanging.")
  var timeout = 120.0

  @Option(help: "A file with the names of cases that must pass; the exit code then tells whether one does not.")
  var passing: String?

  @Flag(help: "Rewrite the --passing file with the cases that pass now.")
  var updatePassing = false

  @Flag(help: .hidden)
  var worker = false

  @OptionGroup var flags: TargetFlags

  func validate() throws {
    guard worker || !cases.isEmpty || suite != nil else { throw ValidationError("give CASE folders or --suite DIR") }
    guard jobs >= 1, timeout > 0 else { throw ValidationError("--jobs and --timeout must be positive") }
    guard !updatePassing || passing != nil else { throw ValidationError("--update-passing needs --passing FILE") }
  }

  func run() throws {
    if worker { return serveWorker(with: Pipeline.caseCompiler(options: try flags.options())) }
    var tests = cases.map { TestCase(name: $0, folder: $0) }
    if let suite { tests += TestCase.all(below: suite) }
    if !filter.isEmpty { tests.removeAll { !$0.name.contains(filter) } }
    guard !tests.isEmpty else { throw Failure.usage("there is no such case") }
    let report = try reporting(suite ?? "") {
      let required = updatePassing ? [] : try mustPass()
      var runner = SuiteRunner(
        jobs: jobs, timeout: timeout, workerArguments: ["verify", "--worker", "--quiet"] + flags.arguments)
      let total = tests.count
      if isatty(STDERR_FILENO) == 1, !flags.quiet {
        runner.progress = { done in
          StandardError.print("\r\(done)/\(total)" + (done == total ? "\r\u{1b}[K" : ""), terminator: "")
        }
      }
      return SuiteReport(try runner.run(tests), mustPass: required)
    }
    print(flags.json ? "\(report.json)\n" : report.text(details: flags.verbose || tests.count <= 20), terminator: "")
    if updatePassing, let passing {
      try reporting(passing) {
        try AtomicFile.write(report.passing.map { $0 + "\n" }.joined(), path: passing)
      }
    }
    let isBad = passing == nil ? report.count(.failed) > 0 : !report.lost.isEmpty && !updatePassing
    if isBad { throw ExitCode(1) }
  }

  /// The names in the `--passing` file that the filter lets through.
  private func mustPass() throws(FileError) -> [String] {
    guard let passing else { return [] }
    let names = try InputFile.text(path: passing).split(separator: "\n").map(String.init)
    return names.filter { filter.isEmpty || $0.contains(filter) }
  }
}
