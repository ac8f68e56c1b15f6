import Schedule
public import ONNXReader
public import Verify
import Support
import TensorIR

/// How long every group of a model takes, and how long it would at the peaks of the machine.
public struct ModelProfile: Sendable {
  public struct Row: Sendable {
    /// The kernel or function that is called.
    public var name: String
    /// The model's nodes that it computes.
    public var nodes: [String]
    /// What one run does: calls, operations and bytes.
    public var counts: GroupCounts
    /// Seconds in one run; the 10th percentile of all runs.
    public var seconds: Double
    /// The least seconds that its operations and bytes could take.
    public var floor: Double
  }

  /// The groups, first those that lose most over their floor.
  public var rows: [Row]
  /// Seconds of a whole run; the 10th percentile.
  public var seconds: Double
  public var runs: Int
  public var peaks: MachinePeaks
}

extension Pipeline {
  /// Measures every group of a model on `inputs`, in `runs` runs or as many as fit two seconds.
  ///
  /// - Throws: `ModelError` if the options name several processors, or if the model cannot be compiled.
  public static func profile(
    _ request: CaseRequest, inputs: [HostValue], options: CompileOptions, runs: Int?
  ) throws -> ModelProfile {
    var peakOptions = options
    (peakOptions.backend, peakOptions.emit, peakOptions.isMeasured) = (.llvm, .library, true)
    let processors = try processors(peakOptions)
    guard processors.count == 1 else {
      throw ModelError.unsupported("a profile is of code for one processor", hint: "give one --cpu")
    }
    var options = options
    options.emit = .library
    let measured = try MeasuredCase(request, options: options)
    let samples = try measured.samples(inputs, runs: runs)
    let peaks = try MachinePeaks(
      processors[0], threads: options.threads, footprint: measured.footprint,
      factors: Set(measured.groups.map(\.factors)))
    var rows = measured.groups.enumerated().map { number, group in
      let counts = samples.counts[number]
      return ModelProfile.Row(
        name: group.name, nodes: group.origin.split(separator: Node.joint).map(String.init), counts: counts,
        seconds: lowPercentile(samples.seconds[number]),
        floor: peaks.floor(counts, of: group.factors, inModel: measured.footprint))
    }
    rows.sort { $0.seconds - $0.floor > $1.seconds - $1.floor }
    return ModelProfile(rows: rows, seconds: lowPercentile(samples.whole), runs: samples.whole.count, peaks: peaks)
  }
}

extension MachinePeaks {
  /// The least seconds that a group can take in a run of a model with so many bytes of data.
  fileprivate func floor(_ counts: GroupCounts, of factors: FactorKind, inModel footprint: Int) -> Double {
    let calls = Double(max(1, counts.calls))
    let (constants, others) = (Double(counts.constantBytes), Double(counts.otherBytes))
    // Constants that one call reads after the other may still be near; others have been away while the whole model ran.
    let away = counts.calls > 1 ? constants / calls : Double(footprint)
    return floor(
      operations: Double(counts.operations), of: factors, accesses: [(constants, away), (others, others / calls)])
  }
}
