import Schedule
import ONNXReader
import Support
import Tuning
import Verify

/// What the calls of a group do in one run.
public struct GroupCounts: Hashable, Sendable {
  public var calls: Int
  public var operations: Int
  /// Bytes of constants, and of what else is read and written.
  public var constantBytes: Int
  public var otherBytes: Int
}

/// A model compiled to be measured, with the functions of `Measurement` in a library, which sum up ticks and work.
struct MeasuredCase {
  /// The choices that there were.
  let questions: [Question]
  let groups: [Group]
  /// Bytes of everything that a run uses.
  let footprint: Int
  private let code: CompiledCase
  private let counters: UnsafeMutablePointer<Int64>
  private let begin: @convention(c) () -> Int32
  private let end: @convention(c) (Int64, Int64, Int64, Int64) -> Int32
  private let now: @convention(c) () -> Int64

  /// Fields of a counter: ticks, calls, operations, bytes of constants, other bytes.
  private static let fields = 5

  init(_ request: CaseRequest, options: CompileOptions) throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/measurement.c"
    var options = options
    options.isMeasured = true
    let lowered = try Pipeline.lower(request, options: options)
    let functions = lowered.program.externals.filter { $0.provider == .user && $0 != Measurement.begin && $0 != Measurement.end }
    try CompiledCase.requireCode(of: functions, options)
    options.link.append(path)
    groups = lowered.groups
    questions = lowered.questions
    let memory = lowered.memory
    footprint = memory.arena + memory.constants + memory.inputs + memory.outputs
    // One more group measures what measuring takes.
    try AtomicFile.write(Self.source(groups: groups.count + 1), path: path)
    code = try CompiledCase(lowered, outputs: request.model.graph.outputs, options: options)
    counters = try code.symbol("onnxc_profile_counters").assumingMemoryBound(to: Int64.self)
    begin = unsafeBitCast(try code.symbol(Measurement.begin.name), to: (@convention(c) () -> Int32).self)
    end = unsafeBitCast(
      try code.symbol(Measurement.end.name), to: (@convention(c) (Int64, Int64, Int64, Int64) -> Int32).self)
    now = unsafeBitCast(try code.symbol("onnxc_profile_now"), to: (@convention(c) () -> Int64).self)
  }

  /// Seconds of every group and of the whole in every run, and what the last run did.
  struct Samples {
    var seconds: [[Double]]
    var whole: [Double] = []
    var counts: [GroupCounts] = []
  }

  /// Measures `runs` runs, or as many as fit two seconds.
  func samples(_ inputs: [HostValue], runs: Int?) throws -> Samples {
    let usual = try secondsOfRun(inputs)
    return try samples(inputs, count: runs ?? max(10, min(5000, Int(2 / usual))))
  }

  /// The seconds of the second run.
  func secondsOfRun(_ inputs: [HostValue]) throws -> Double { max(1e-6, try code.time(inputs, count: 2)[1]) }

  /// Measures runs without others before them.
  func samples(_ inputs: [HostValue], count runs: Int) throws -> Samples {
    let empty = emptyTicks()
    reset()
    let (start, startTicks) = (monotonicSeconds(), now())
    var ticks = [[Int64]](repeating: [], count: groups.count)
    var samples = Samples(seconds: [])
    samples.whole = try code.time(inputs, count: runs) { isLast in
      for group in groups.indices { ticks[group].append(max(0, field(0, group) - field(1, group) * empty)) }
      if isLast { samples.counts = groups.indices.map(counts) }
      reset()
    }
    let tick = (monotonicSeconds() - start) / Double(max(1, now() - startTicks))
    samples.seconds = ticks.map { $0.map { Double($0) * tick } }
    return samples
  }

  private func field(_ field: Int, _ group: Int) -> Int64 { counters[Self.fields * group + field] }

  private func counts(_ group: Int) -> GroupCounts {
    GroupCounts(
      calls: Int(field(1, group)), operations: Int(field(2, group)), constantBytes: Int(field(3, group)),
      otherBytes: Int(field(4, group)))
  }

  private func reset() { counters.update(repeating: 0, count: Self.fields * (groups.count + 1)) }

  /// The ticks that a group without work takes.
  private func emptyTicks() -> Int64 {
    var least = Int64.max
    for _ in 0..<1000 {
      reset()
      _ = begin()
      _ = end(Int64(groups.count), 0, 0, 0)
      least = min(least, field(0, groups.count))
    }
    return least
  }

  /// The counters and the functions in C. Groups do not nest, and only the calling thread begins and ends them.
  private static func source(groups: Int) -> String {
    """
    #define _POSIX_C_SOURCE 199309L
    #include <stdint.h>
    #include <time.h>
    int64_t onnxc_profile_counters[\(groups)][\(fields)];
    static int64_t start;
    int64_t onnxc_profile_now(void) {
    #if defined(__x86_64__)
      __builtin_ia32_lfence();
      return (int64_t)__builtin_ia32_rdtsc();
    #else
      struct timespec now;
      clock_gettime(CLOCK_MONOTONIC, &now);
      return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    #endif
    }
    int \(Measurement.begin.name)(void) {
      start = onnxc_profile_now();
      return 0;
    }
    int \(Measurement.end.name)(int64_t group, int64_t operations, int64_t constant_bytes, int64_t other_bytes) {
      int64_t *counter = onnxc_profile_counters[group];
      counter[0] += onnxc_profile_now() - start;
      counter[1] += 1;
      counter[2] += operations;
      counter[3] += constant_bytes;
      counter[4] += other_bytes;
      return 0;
    }

    """
  }
}
