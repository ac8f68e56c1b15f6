import Schedule
import Support
public import Tuning
public import Verify
import ONNXReader

/// What measuring the choices of a model gave.
public struct TuningResult: Sendable {
  /// The table that was used before, with the choices that win.
  public var table: TuningTable
  /// Choices that were measured, and how many of them win.
  public var questions: Int
  public var changes: Int
  /// Seconds of a run with the choices that were made before, and with those of `table`.
  public var defaultSeconds: Double
  public var tunedSeconds: Double
}

extension Pipeline {
  /// Measures the choices that there are in compiling a model for this machine.
  ///
  /// First the choices that decide which kernels there are, then those of their code. One compilation has the n-th
  /// option of every choice, and its kernels are compared with those of the present choices, in the model and in turn.
  /// What wins is measured again together, and the whole model at last.
  ///
  /// `seconds` is for how long each variant runs in one comparison.
  ///
  /// - Throws: `ModelError` if the options are for another machine, or if the model cannot be compiled.
  public static func tune(
    _ request: CaseRequest, inputs: [HostValue], options: CompileOptions, seconds: Double = 1,
    report: @escaping (String) -> Void
  ) throws -> TuningResult {
    guard options.cpu == "native", options.target.isEmpty, options.features.isEmpty, options.backend == .llvm else {
      throw ModelError.unsupported(
        "choices are measured in code of the LLVM back end for this machine",
        hint: "leave out --target, --cpu, --features and --backend")
    }
    var tuner = Tuner(
      request: request, inputs: inputs, options: options, processor: try processors(options)[0].model,
      usualSeconds: seconds, report: report)
    return try tuner.run()
  }
}

/// Looks for better choices, step by step.
private struct Tuner {
  let request: CaseRequest
  let inputs: [HostValue]
  /// With the choices that won so far.
  var options: CompileOptions
  let processor: String
  let report: (String) -> Void
  /// Seconds for each of two variants that are compared.
  private let usualSeconds: Double
  private var questions = 0
  private var changes: [ChoiceKey: Choice] = [:]

  /// What a choice must take of the time of the present one to win, in both measurements.
  private static let margin = 0.98
  /// The part of a run that a choice must save.
  private static let leastShare = 0.0005

  init(
    request: CaseRequest, inputs: [HostValue], options: CompileOptions, processor: String, usualSeconds: Double,
    report: @escaping (String) -> Void
  ) {
    (self.request, self.inputs, self.processor, self.report) = (request, inputs, processor, report)
    self.usualSeconds = usualSeconds
    self.options = options
    self.options.emit = .object
    self.options.dumpAfter = []
  }

  mutating func run() throws -> TuningResult {
    let before = options.tuning
    try improve { $0.changesKernels }
    try improve { !$0.changesKernels }
    var result = TuningResult(
      table: options.tuning, questions: questions, changes: changes.count, defaultSeconds: 0, tunedSeconds: 0)
    try compareWhole(before, &result)
    if result.changes > 0 && result.tunedSeconds >= result.defaultSeconds {
      report("the whole model does not gain: nothing is changed")
      (result.table, result.changes, result.tunedSeconds) = (before, 0, result.defaultSeconds)
    }
    return result
  }

  // MARK: Choices

  private func options(with changes: [ChoiceKey: Choice]) -> CompileOptions {
    var options = options
    options.tuning.processors[processor, default: [:]].merge(changes) { _, new in new }
    return options
  }

  /// Measures all options of the choices of some kinds, and takes those that win.
  private mutating func improve(_ isMeasured: (Choice.Kind) -> Bool) throws {
    let present = try MeasuredCase(request, options: options)
    let table = options.tuning.choices(for: processor)
    var candidates: [ChoiceKey: [Choice]] = [:]
    for question in present.questions where isMeasured(question.key.kind) {
      let taken = table[question.key] ?? question.options[0]
      candidates[question.key] = question.options.filter { $0 != taken }
    }
    questions += candidates.count
    let count = candidates.values.map(\.count).max() ?? 0
    var best: [ChoiceKey: (choice: Choice, ratio: Double)] = [:]
    for number in 0..<count {
      let variant = candidates.compactMapValues { number < $0.count ? $0[number] : nil }
      let gains = try compare(present, variant, usualSeconds)
      for (key, gain) in gains where gain.isWin && gain.ratio < best[key]?.ratio ?? 1 {
        if let choice = variant[key] { best[key] = (choice, gain.ratio) }
      }
      report("\(number + 1) of \(count) variants of \(candidates.count) choices: \(best.count) gain")
    }
    guard !best.isEmpty else { return }
    let winners = best.mapValues(\.choice)
    let confirmed = try compare(present, winners, usualSeconds * 3)
    let kept = winners.filter { confirmed[$0.key]?.isWin == true }
    for (key, choice) in kept.sorted(by: { $0.key < $1.key }) {
      let ratio = fixed(confirmed[key]?.ratio ?? 1, decimals: 3)
      report("\(key): \(choice) takes \(ratio) of the time")
    }
    if kept.isEmpty { return }
    options = options(with: kept)
    changes.merge(kept) { _, new in new }
  }

  /// How the kernels of a choice fare beside those of the present one.
  private struct Gain {
    var ratio: Double
    /// The part of a run that is saved.
    var share: Double

    var isWin: Bool { ratio < Tuner.margin && share > Tuner.leastShare }
  }

  private func compare(
    _ present: MeasuredCase, _ changes: [ChoiceKey: Choice], _ seconds: Double
  ) throws -> [ChoiceKey: Gain] {
    let variant = try MeasuredCase(request, options: options(with: changes))
    let cases = [present, variant]
    let usual = try cases.map { try $0.secondsOfRun(inputs) }.max() ?? 1
    var samples = cases.map { _ in MeasuredCase.Samples(seconds: []) }
    try inTurn(usual, seconds) { index, runs in
      let round = try cases[index].samples(inputs, count: runs)
      samples[index].append(round)
    }
    let whole = lowPercentile(samples[0].whole)
    let (old, new) = (present.seconds(of: changes.keys, samples[0]), variant.seconds(of: changes.keys, samples[1]))
    var gains: [ChoiceKey: Gain] = [:]
    for key in changes.keys {
      guard let before = old[key], let after = new[key], before > 0 else { continue }
      gains[key] = Gain(ratio: after / before, share: (before - after) / whole)
    }
    return gains
  }

  // MARK: The whole model

  /// Compares libraries as users get them.
  private func compareWhole(_ before: TuningTable, _ result: inout TuningResult) throws {
    let tables = changes.isEmpty ? [before] : [before, options.tuning]
    let cases = try tables.map { table in
      var options = options
      (options.tuning, options.emit) = (table, .library)
      return try Pipeline.caseCompiler(options: options).compile(request)
    }
    let usual = try cases.map { try $0.time(inputs, count: 2)[1] }.max() ?? 1
    var samples = cases.map { _ in [Double]() }
    try inTurn(usual, usualSeconds * 5, variants: cases.count) { index, runs in
      samples[index] += try cases[index].time(inputs, count: runs).dropFirst()
    }
    result.defaultSeconds = lowPercentile(samples[0])
    result.tunedSeconds = lowPercentile(samples[samples.count - 1])
  }

  /// Calls `body` with the number of each variant in turn, and how many runs to make; the first warms the caches.
  private func inTurn(
    _ usual: Double, _ seconds: Double, variants: Int = 2, _ body: (Int, Int) throws -> Void
  ) throws {
    let runs = 1 + max(1, min(50, Int(0.05 / max(usual, 1e-6))))
    let rounds = max(8, min(200, Int(seconds / (usual * Double(runs)))))
    for round in 0..<rounds {
      for index in 0..<variants { try body((index + round) % variants, runs) }
    }
  }
}

/// The 10th percentile.
func lowPercentile(_ seconds: [Double]) -> Double { seconds.sorted()[seconds.count / 10] }

extension MeasuredCase.Samples {
  /// Adds a round, whose first run is left out.
  fileprivate mutating func append(_ round: MeasuredCase.Samples) {
    if seconds.isEmpty { seconds = round.seconds.map { _ in [] } }
    for group in seconds.indices { seconds[group] += round.seconds[group].dropFirst() }
    whole += round.whole.dropFirst()
  }
}

extension MeasuredCase {
  /// The time that depends on each of some choices.
  fileprivate func seconds(of keys: some Sequence<ChoiceKey>, _ samples: Samples) -> [ChoiceKey: Double] {
    let asked = Set(keys)
    var scopes: [ChoiceKey: [Question.Scope]] = [:]
    for question in questions where asked.contains(question.key) {
      scopes[question.key, default: []].append(question.scope)
    }
    let seconds = samples.seconds.map(lowPercentile)
    return scopes.mapValues { scopes in
      groups.indices.reduce(0) { sum, group in
        scopes.contains { $0.contains(groups[group]) } ? sum + seconds[group] : sum
      }
    }
  }
}

extension Question.Scope {
  fileprivate func contains(_ group: Group) -> Bool {
    switch self {
    case .kernel(let name): return group.name == name
    case .origins(let origins):
      let isLayout = group.origin.hasPrefix(layoutPrefix)
      return origins.contains(isLayout ? String(group.origin.dropFirst(layoutPrefix.count)) : group.origin)
    }
  }
}
