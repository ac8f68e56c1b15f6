import Support

/// The results of a suite, as text and as JSON.
public struct SuiteReport: Sendable {
  public var reports: [CaseReport]
  /// Cases that passed earlier and must still pass, but did not.
  public var lost: [String]

  /// Sums up `reports`; `mustPass` names the cases that have to be among those that passed.
  public init(_ reports: [CaseReport], mustPass: [String] = []) {
    self.reports = reports
    let passed = Set(reports.filter { $0.result.status == .passed }.map(\.test.name))
    lost = mustPass.filter { !passed.contains($0) }
  }

  /// The number of cases with a status.
  public func count(_ status: CaseResult.Status) -> Int { reports.count { $0.result.status == status } }

  /// The names of the cases that passed, in order.
  public var passing: [String] { reports.filter { $0.result.status == .passed }.map(\.test.name) }

  /// A summary that ends with the counts; with `details`, each case that did not pass has a line.
  public func text(details: Bool) -> String {
    var lines: [String] = []
    for report in reports where details && report.result.status != .passed {
      lines.append("\(report.result.status.rawValue): \(report.test.name): \(report.result.reason)")
    }
    for status in [CaseResult.Status.unsupported, .failed] {
      let causes = Dictionary(grouping: reports.filter { $0.result.status == status }, by: \.result.cause)
      let sorted = causes.sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }
      for (cause, members) in sorted {
        lines.append("\(members.count) \(status.rawValue): \(cause) (\(members[0].test.name))")
      }
    }
    for name in lost { lines.append("lost: \(name) passed before") }
    let bound = reports.count { $0.result.status == .passed && !$0.result.reason.isEmpty }
    if bound > 0 { lines.append("\(bound) passed only when compiled with fixed dimensions") }
    lines.append("\(count(.unsupported)) unsupported")
    lines.append("\(count(.passed)) passed, \(count(.failed)) failed")
    return lines.joined(separator: "\n") + "\n"
  }

  /// All results for machines.
  public var json: JSON {
    .object([
      "passed": .int(count(.passed)), "failed": .int(count(.failed)), "unsupported": .int(count(.unsupported)),
      "lost": .array(lost.map { .string($0) }),
      "cases": .array(
        reports.map { report in
          .object([
            "name": .string(report.test.name), "status": .string(report.result.status.rawValue),
            "reason": .string(report.result.reason),
            "seconds": .number((report.seconds * 1000).rounded() / 1000),
          ])
        }),
    ])
  }
}
