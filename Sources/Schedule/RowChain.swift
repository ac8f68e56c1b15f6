import Support
import TensorIR

/// Nodes, each of which alone reads the result of the one before, with an axis of each result along which rows lie.
struct RowChain {
  struct Link {
    var position: Int
    /// The axis of the result that rows are along.
    var axis: Int
    /// The rows of the result.
    var extent: Dim
    /// The operand that the link before computes.
    var slot: Int?
    var rows: NodeRows
    /// What a row of the result takes, if it has memory of its own between two links.
    var bytesPerRow: Int
    /// An estimate, which may exceed every integer.
    var operationsPerRow: Double
  }

  let links: [Link]
  /// Those that the links read.
  let constants: [ValueID: ConstantTensor]
}

/// The rows of every result of a chain that belong to one block.
struct RowCut {
  var rows: [Int]
  /// The first row of each.
  var starts: [Int]
  /// By how much further each link reads what the link before computes than it does where both begin with row 0.
  var shifts: [Int]

  /// Whether the code is the same.
  func isLike(_ other: RowCut) -> Bool { rows == other.rows && shifts == other.shifts }
}

/// Blocks of the same code one below the other.
struct RowRun {
  var count: Dim
  var first: RowCut
  /// The rows from one block to the next.
  var strides: [Int]
}

extension RowChain {
  /// What lies between the links as a whole.
  var bytes: Int { links.reduce(0) { $0 + $1.bytesPerRow * ($1.extent.constant ?? 1) } }

  /// Factors of products that are constant.
  var weightBytes: Int { constants.values.reduce(0) { $0 + $1.bytes.count } }

  /// The rows of every link for some of the last one; nil if some are not there.
  func cut(_ range: Range<Int>) -> RowCut? {
    var cut = RowCut(rows: [range.count], starts: [range.lowerBound], shifts: [])
    var range = range
    for (link, before) in zip(links.dropFirst(), links).reversed() {
      guard let reads = link.rows.chained else { return nil }
      let read = reads.rows(for: range)
      let rows = before.extent.constant.map { read.clamped(to: 0..<$0) } ?? read
      if rows.isEmpty { return nil }
      cut.shifts.insert(read.lowerBound - reads.low - rows.lowerBound, at: 0)
      cut.rows.insert(rows.count, at: 0)
      cut.starts.insert(rows.lowerBound, at: 0)
      range = rows
    }
    cut.shifts.insert(0, at: 0)
    return cut
  }

  /// Equal blocks of at most so many bytes, but of one row at least, and what is different at the borders. There is a
  /// multiple of some number of threads.
  func runs(blockBytes: Int, threads: Int) -> [RowRun]? {
    guard let last = links.last else { return nil }
    guard let extent = last.extent.constant else {
      // Steps of a sequence are not worth a block each; images of a batch are.
      guard threads == 1, bytes > blockBytes, links.dropFirst().allSatisfy({ $0.rows.chained?.isIdentity ?? false }),
        let cut = cut(0..<1)
      else { return nil }
      return [RowRun(count: last.extent, first: cut, strides: cut.rows)]
    }
    let rowsOfStep = last.rows.chained?.rowsOfStep ?? 1
    let steps = (extent + rowsOfStep - 1) / rowsOfStep
    guard steps > 1 else { return nil }
    let fitting = max(1, blockBytes / max(1, bytes / steps))
    let count = (steps + fitting * threads - 1) / (fitting * threads) * threads
    guard count > 1, steps >= 4 * threads || steps % threads == 0 else { return nil }
    let rows = (steps + count - 1) / count * rowsOfStep
    var runs: [RowRun] = []
    for start in stride(from: 0, to: extent, by: rows) {
      guard let cut = cut(start..<min(extent, start + rows)) else { return nil }
      if !(runs.last?.isContinued(by: cut) ?? false) {
        runs.append(RowRun(count: 0, first: cut, strides: cut.starts.map { _ in 0 }))
      }
      runs[runs.count - 1].append(cut)
    }
    return runs
  }

  /// The operations for rows that blocks have in common, which are computed for each of them.
  func repeatedOperations(_ runs: [RowRun]) -> Double {
    links.enumerated().reduce(0) { sum, link in
      let computed = runs.reduce(0) { $0 + ($1.count.constant ?? 1) * $1.first.rows[link.offset] }
      let repeated = max(0, computed - (link.element.extent.constant ?? computed))
      return sum + Double(repeated) * link.element.operationsPerRow
    }
  }
}

extension RowRun {
  private func starts(of block: Int) -> [Int] { zip(first.starts, strides).map { $0 + block * $1 } }

  fileprivate func isContinued(by cut: RowCut) -> Bool {
    guard let count = count.constant, first.isLike(cut) else { return false }
    return count == 1 || starts(of: count) == cut.starts
  }

  fileprivate mutating func append(_ cut: RowCut) {
    if count == 1 { strides = zip(cut.starts, first.starts).map { $0 - $1 } }
    count = count + 1
  }
}

/// Finds chains in a graph.
struct RowChainFinder {
  private let laidOut: LaidOutGraph
  private let producers: [Int?]
  private let uses: [Int]
  /// Copies with borders that other values lie in.
  private let copies: Set<ValueID>

  private var graph: Graph { laidOut.graph }

  /// Nodes of a chain, at most.
  private static let longest = 16

  init(_ laidOut: LaidOutGraph) {
    self.laidOut = laidOut
    (producers, uses) = (laidOut.graph.producers(), laidOut.graph.useCounts())
    copies = Set(laidOut.halos.values.map(\.copy))
  }

  /// The chains along each axis of a node's result, the outermost one first, of nodes that are in no other chain. Vectors
  /// run along the innermost axis.
  func chains(endingAt last: Int, without taken: Set<Int>) -> [RowChain] {
    let node = graph.nodes[last]
    guard hasRows(node), !copies.contains(node.results[0]), !node.primitive.isRead else { return [] }
    let shape = graph.shape(of: node.results[0])
    let axes = laidOut.layouts[node.results[0].index].order.filter { shape[$0] != 1 }
    return axes.dropLast().compactMap { chain(endingAt: last, along: $0, taken) }
  }

  /// The chain along an axis that reads the least, of those with at most one window that overlaps others.
  private func chain(endingAt last: Int, along axis: Int, _ taken: Set<Int>) -> RowChain? {
    var (position, axis, links) = (last, axis, [RowChain.Link]())
    var best: (bytes: Int, links: [RowChain.Link])?
    var hasOverlap = false
    while links.count < Self.longest, !hasScatter(position...last) {
      let node = graph.nodes[position]
      let read = node.operands.map { graph.constant($0, producers) == nil ? bytes($0) : 0 }.max() ?? 0
      if !links.isEmpty, let first = link(position, along: axis, slot: nil), read <= best?.bytes ?? read {
        best = (read, links + [first])
      }
      let slots = node.operands.indices.filter { isChained(node.operands[$0], taken) }
      let next = slots.sorted { bytes(node.operands[$0]) > bytes(node.operands[$1]) }.lazy
        .compactMap { link(position, along: axis, slot: $0) }.first
      guard let next, let slot = next.slot, let reads = next.rows.chained,
        let producer = producers[node.operands[slot].index],
        links.isEmpty || reads.rowsOfStep == 1, !(reads.overlaps && hasOverlap)
      else { break }
      hasOverlap = hasOverlap || reads.overlaps
      links.append(next)
      (position, axis) = (producer, reads.dimension)
    }
    guard var links = best?.links else { return nil }
    links.reverse()
    links[links.count - 1].bytesPerRow = 0
    let operands = Set(links.flatMap { graph.nodes[$0.position].operands })
    let constants = operands.compactMap { value in graph.constant(value, producers).map { (value, $0) } }
    return RowChain(links: links, constants: Dictionary(uniqueKeysWithValues: constants))
  }

  /// A node with or without an operand from the chain; nil if it cannot be computed by rows.
  private func link(_ position: Int, along axis: Int, slot: Int?) -> RowChain.Link? {
    let node = graph.nodes[position]
    guard let rows = NodeRows(node, along: axis, chained: slot, in: graph),
      slot != nil || !copies.contains(node.results[0])
    else { return nil }
    for (place, operand) in node.operands.enumerated() where place != slot {
      // Constants have no rows, formulas no memory, and what lies in a copy has none of its own.
      let isConstant = graph.constant(operand, producers) != nil
      guard isConstant ? rows.others[place] == nil : !graph.isConstant(operand, producers),
        laidOut.halos[operand] == nil
      else { return nil }
    }
    let result = node.results[0]
    let extent = graph.shape(of: result)[axis]
    let count = max(1, extent.constant ?? 1)
    let elements = bytes(result) / graph.type(of: result).element.bytes
    return RowChain.Link(
      position: position, axis: axis, extent: extent, slot: slot, rows: rows,
      bytesPerRow: laidOut.halos[result] == nil ? bytes(result) / count : 0,
      operationsPerRow: Double(elements / count) * node.primitive.operationsPerElement)
  }

  /// Whether a value is computed by a node that may be in a chain, for one reader.
  private func isChained(_ value: ValueID, _ taken: Set<Int>) -> Bool {
    guard let producer = producers[value.index], uses[value.index] == 1 else { return false }
    return !taken.contains(producer) && hasRows(graph.nodes[producer])
  }

  private func hasRows(_ node: Node) -> Bool {
    switch node.primitive {
    case .map, .reduce, .contract: node.results.count == 1
    case .constant, .reshape, .scan, .branch, .scatter, .sort, .compact, .external, .measure, .assume: false
    }
  }

  /// Whether one of some nodes may write over what no later node reads: a chain is computed where its last node is.
  private func hasScatter(_ positions: ClosedRange<Int>) -> Bool {
    graph.nodes[positions].contains { if case .scatter = $0.primitive { true } else { false } }
  }

  /// The bytes of a value; open extents count as 1, as those of batches often are.
  private func bytes(_ value: ValueID) -> Int {
    let type = graph.type(of: value)
    return type.shape.reduce(type.element.bytes) { $0 * ($1.constant ?? 1) }
  }
}

extension Primitive {
  /// Whether every element of the result is one of an operand.
  fileprivate var isRead: Bool {
    guard case .map(let map) = self, case .read = map.body[map.body.results[0]] else { return false }
    return true
  }

  /// About how many operations an element of the result takes.
  fileprivate var operationsPerElement: Double {
    func each(_ graph: ScalarGraph) -> Double { Double(graph.reachable.count) }
    func terms(_ reduced: [Dim]) -> Double { reduced.reduce(1) { $0 * Double($1.constant ?? 1) } }
    return switch self {
    case .map(let map): each(map.body)
    case .reduce(let reduce): each(reduce.body) * terms(reduce.reduced) + each(reduce.epilogue)
    case .contract(let contract): 2 * terms(contract.reduced) + each(contract.epilogue)
    case .constant, .reshape, .scan, .branch, .scatter, .sort, .compact, .external, .measure, .assume: 0
    }
  }
}
