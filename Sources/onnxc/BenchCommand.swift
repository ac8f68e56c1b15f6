import ArgumentParser
import CSystem
import Driver
import Glibc
import ONNXReader
import Support
import Verify

/// `onnxc bench model.onnx`
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Measure a model compiled for the dimensions of its inputs, or with --open for any.")

  @Argument(help: "The model.")
  var model: String

  @Option(help: "A folder with input_*.pb; inputs are made up without it.")
  var inputs: String?

  @Option(help: "Runs to measure; as many as fit two seconds when left out.")
  var runs: Int?

  @Flag(help: "Print time, work and floor of every kernel call; a floor is what work takes at this machine's peaks.")
  var profile = false

  @Flag(help: "Leave named dimensions open that --dim does not fix, as compile does.")
  var open = false

  @Flag(help: "Answer requests on standard input: a number of runs, or 'save FILE.npz'.")
  var serve = false

  @OptionGroup var flags: TargetFlags

  func validate() throws {
    if let runs, !(1...100_000_000).contains(runs) { throw ValidationError("--runs must be positive") }
    if serve, profile { throw ValidationError("--serve and --profile exclude each other") }
  }

  func run() throws {
    csystem_pin_to_last_processors(Int32(flags.threads))
    var options = try flags.options()
    // What is measured is what a user ships: a shared library, loaded as one.
    options.emit = .library
    try reporting(model) {
      let loaded = try Model.load(path: model)
      let given =
        try inputs.map { (folder) throws(ModelError) in try DataSet(folder: folder, model: loaded).inputs }
        ?? madeUpInputs(loaded, bindings: options.dims)
      let start = monotonicSeconds()
      let request = try request(loaded, given, dims: options.dims)
      let values = given.map(\.value)
      if profile {
        let report = try Pipeline.profile(request, inputs: values, options: options, runs: runs)
        return print(flags.json ? report.json.description : report.text)
      }
      let code = try Pipeline.caseCompiler(options: options).compile(request)
      let loadSeconds = monotonicSeconds() - start
      let first = try code.time(values, count: 1)[0]
      if serve {
        try answerRequests(code, values, loadSeconds: loadSeconds, firstSeconds: first)
      } else {
        try report(code.time(values, count: runs ?? max(5, min(100_000, Int(2 / max(first, 1e-6))))), loadSeconds)
      }
    }
  }

  private func request(
    _ loaded: Model, _ given: [(info: ValueInfo, value: HostValue)], dims: [String: Int]
  ) throws(ModelError) -> CaseRequest {
    if open { return CaseRequest(path: model, model: loaded, bindings: dims, inputs: given.map(\.info)) }
    return CaseRequest(
      path: model, model: loaded,
      bindings: try DataSet(inputs: given, outputs: []).bindings().merging(dims) { _, asked in asked },
      inputs: given.map { ValueInfo(name: $0.info.name, type: $0.value.type, doc: $0.info.doc) })
  }

  private func report(_ latencies: [Double], _ loadSeconds: Double) throws {
    let sorted = latencies.sorted()
    let (least, low, middle) = (sorted[0], sorted[sorted.count / 10], sorted[sorted.count / 2])
    if flags.json {
      print(
        JSON.object([
          "runs": .int(sorted.count), "min_s": .number(least), "p10_s": .number(low), "median_s": .number(middle),
          "load_s": .number(loadSeconds),
        ]))
    } else {
      let parts = [("min", least), ("p10", low), ("median", middle)].map { "\($0) \(fixed($1 * 1e3, decimals: 4)) ms" }
      print(
        parts.joined(separator: ", ") + " of \(sorted.count) runs; compiled in \(fixed(loadSeconds, decimals: 2)) s")
    }
  }

  private func answerRequests(
    _ code: any RunnableCase, _ values: [HostValue], loadSeconds: Double, firstSeconds: Double
  ) throws {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    answer(
      .object([
        "load_s": .number(loadSeconds), "first_s": .number(firstSeconds),
        "rss_mib": .number(Double(usage.ru_maxrss) / 1024),
      ]))
    while let line = readLine() {
      if line.hasPrefix("save ") {
        try saveOutputs(try code.run(values), path: String(line.dropFirst(5).filter { $0 != "\r" }))
        answer(.string("saved"))
      } else if let count = Int(line.filter { $0 != " " }), count >= 0 {
        answer(.array(try code.time(values, count: count).map { .number($0) }))
      } else {
        throw Failure.usage("expected a number of runs or 'save FILE', not '\(line)'")
      }
    }
  }

  private func answer(_ json: JSON) {
    print(json)
    fflush(nil)
  }

  private func saveOutputs(_ outputs: [HostValue], path: String) throws {
    var archive = ZipArchive()
    for (index, value) in outputs.enumerated() {
      guard case .tensor(let tensor) = value else { throw Failure.usage("output \(index) is not a tensor") }
      try archive.add("\(index).npy", NPY.encode(tensor))
    }
    try AtomicFile.write(archive.finished(), path: path)
  }
}
