public import Support

/// What `bench --profile` prints.
extension ModelProfile {
  private var groupSeconds: Double { rows.reduce(0) { $0 + $1.seconds } }
  private var floorSeconds: Double { rows.reduce(0) { $0 + $1.floor } }

  /// The part of all groups' time.
  private func share(_ row: Row) -> Double { groupSeconds == 0 ? 0 : row.seconds / groupSeconds }

  /// A table for people, first the groups that lose most over their floor.
  public var text: String {
    let columns = ["us", "share", "floor", "ratio", "Mop", "KiB", "calls"]
    var lines = [columns.map { $0.leftPadded(to: 11) }.joined() + "  group"]
    lines += rows.map { row in
      let counts = row.counts
      let cells = [
        fixed(row.seconds * 1e6, decimals: 3), fixed(share(row) * 100, decimals: 1) + "%",
        fixed(row.floor * 1e6, decimals: 3), row.floor == 0 ? "-" : fixed(row.seconds / row.floor, decimals: 2),
        fixed(Double(counts.operations) / 1e6, decimals: 3),
        fixed(Double(counts.constantBytes + counts.otherBytes) / 1024, decimals: 1), "\(counts.calls)",
      ]
      return cells.map { $0.leftPadded(to: 11) }.joined() + "  \(row.name): " + names(row.nodes)
    }
    return (lines + ["", summary]).joined(separator: "\n")
  }

  private var summary: String {
    let times = [("run", seconds), ("groups", groupSeconds), ("floors", floorSeconds)].map {
      "\($0) \(fixed($1 * 1e6, decimals: 2)) us"
    }
    let reading = peaks.reading.filter { $0.footprint.trailingZeroBitCount % 2 == 0 }.map {
      "\($0.footprint >> 10) KiB at \(fixed($0.rate / 1e9, decimals: 1))"
    }
    let groups = [("of bf16", peaks.pairOperations), ("of bytes", peaks.byteOperations)]
    let operations = fixed(peaks.operations / 1e9, decimals: 1)
      + groups.compactMap { kind, rate in rate.map { ", \(kind) \(fixed($0 / 1e9, decimals: 1))" } }.joined()
    return """
      \(times.joined(separator: ", ")); 10th percentiles of \(runs) runs
      peaks: \(operations) Gop/s; reading \(reading.joined(separator: ", ")) GB/s
      """
  }

  /// The first of the nodes, and how many follow.
  private func names(_ nodes: [String]) -> String {
    let shown = 2
    return nodes.prefix(shown).joined(separator: " + ") + (nodes.count > shown ? " + \(nodes.count - shown) more" : "")
  }

  /// The same for machines.
  public var json: JSON {
    .object([
      "runs": .int(runs), "p10_s": .number(seconds), "groups_s": .number(groupSeconds),
      "floor_s": .number(floorSeconds), "peak_op_per_s": .number(peaks.operations),
      "peak_bf16_op_per_s": peaks.pairOperations.map { .number($0) } ?? .null,
      "peak_byte_op_per_s": peaks.byteOperations.map { .number($0) } ?? .null,
      "reading": .array(
        peaks.reading.map { .object(["bytes": .int($0.footprint), "bytes_per_s": .number($0.rate)]) }),
      "groups": .array(
        rows.map { row in
          .object([
            "name": .string(row.name), "nodes": .array(row.nodes.map { .string($0) }), "p10_s": .number(row.seconds),
            "share": .number(share(row)), "floor_s": .number(row.floor),
            "ratio": row.floor == 0 ? .null : .number(row.seconds / row.floor), "calls": .int(row.counts.calls),
            "operations": .int(row.counts.operations), "constant_bytes": .int(row.counts.constantBytes),
            "other_bytes": .int(row.counts.otherBytes),
          ])
        }),
    ])
  }
}

extension String {
  fileprivate func leftPadded(to width: Int) -> String {
    String(repeating: " ", count: max(0, width - count)) + self
  }
}
