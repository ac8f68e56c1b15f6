import Glibc
import Support

/// A case with what became of it.
public struct CaseReport: Hashable, Sendable {
  public var test: TestCase
  public var result: CaseResult
  public var seconds: Double

  public init(test: TestCase, result: CaseResult, seconds: Double) {
    self.test = test
    self.result = result
    self.seconds = seconds
  }
}

/// Runs cases in child processes, so that a crash or a hang costs one case.
public struct SuiteRunner {
  /// The number of child processes.
  public var jobs: Int
  /// Seconds after which a case counts as hanging.
  public var timeout: Double
  /// The arguments that make this executable a worker, which calls `serveWorker`.
  public var workerArguments: [String]
  /// Called after each case with the number done so far.
  public var progress: (Int) -> Void

  public init(
    jobs: Int, timeout: Double, workerArguments: [String], progress: @escaping (Int) -> Void = { _ in }
  ) {
    self.jobs = jobs
    self.timeout = timeout
    self.workerArguments = workerArguments
    self.progress = progress
  }

  /// Runs all cases and reports them in the given order.
  public func run(_ cases: [TestCase]) throws(FileError) -> [CaseReport] {
    signal(SIGPIPE, SIG_IGN)
    // Backtraces would take longer than most cases and hide the message of a crash.
    setenv("SWIFT_BACKTRACE", "enable=no", 1)
    var reports = [CaseReport?](repeating: nil, count: cases.count)
    var workers: [Worker] = []
    var next = 0
    var done = 0
    func record(_ index: Int, _ result: CaseResult, _ start: Double) {
      reports[index] = CaseReport(test: cases[index], result: result, seconds: monotonicSeconds() - start)
      done += 1
      progress(done)
    }
    while done < cases.count {
      while workers.count < max(1, jobs), next < cases.count {
        var worker = try Worker(arguments: workerArguments)
        worker.run(cases[next].folder, index: next)
        next += 1
        workers.append(worker)
      }
      var polled = workers.flatMap { worker in
        [worker.output, worker.errors].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
      }
      poll(&polled, nfds_t(polled.count), 200)
      var kept: [Worker] = []
      for (slot, old) in workers.enumerated() {
        var worker = old
        if polled[2 * slot + 1].revents & Int16(POLLIN) != 0 { _ = worker.readErrors() }
        let event = polled[2 * slot].revents != 0 ? worker.readOutput() : .nothing
        guard let (index, start) = worker.current else { fatalError("an idle worker was kept") }
        switch event {
        case .answer(let line):
          record(index, Self.result(parsing: line), start)
          if next < cases.count {
            worker.run(cases[next].folder, index: next)
            next += 1
            kept.append(worker)
          } else {
            _ = worker.finish(kill: false)
          }
        case .ended:
          let end = worker.finish(kill: false)
          let cause = String(end.prefix { $0 != ":" })
          record(index, CaseResult(.failed, reason: "crash: \(end)", cause: "crash: \(cause)"), start)
        case .nothing:
          if monotonicSeconds() - start > timeout {
            _ = worker.finish(kill: true)
            record(index, CaseResult(.failed, reason: "crash: no result after \(Int(timeout)) s"), start)
          } else {
            kept.append(worker)
          }
        }
      }
      workers = kept
    }
    for index in workers.indices { _ = workers[index].finish(kill: true) }
    return reports.compactMap { $0 }
  }

  private static func result(parsing line: String) -> CaseResult {
    guard let json = try? JSON(parsing: line), let status = json["status"]?.string.flatMap(CaseResult.Status.init)
    else { return CaseResult(.failed, reason: "a worker gave a malformed answer", cause: "") }
    return CaseResult(status, reason: json["reason"]?.string ?? "", cause: json["cause"]?.string ?? "")
  }
}

/// Serves a `SuiteRunner`: runs the case in each folder named on standard input and answers with a line of JSON.
public func serveWorker(with compiler: CaseCompiler) {
  while let folder = readLine() {
    let result = runCase(TestCase(name: folder, folder: folder), with: compiler)
    let answer: JSON = .object([
      "status": .string(result.status.rawValue), "reason": .string(result.reason), "cause": .string(result.cause),
    ])
    print(answer)
    fflush(nil)
  }
}
