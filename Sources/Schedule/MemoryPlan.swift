import LoopIR
import TensorIR

/// A piece of the arena that is live from the step that writes it to the last step that reads it.
struct Lifetime {
  /// Over the symbols that a call knows before it starts.
  var bytes: Dim
  /// The size for sample values of the symbols.
  var sample: Int
  var first: Int
  var last: Int

  init(_ bytes: Dim, first: Int, last: Int) {
    self.bytes = bytes
    sample = MemoryPlan.sample(bytes)
    self.first = first
    self.last = last
  }
}

/// Offsets of all pieces and the size of the arena.
struct MemoryPlan {
  static let alignment = 64

  var offsets: [Dim]
  var bytes: Dim
  /// The size of the arena for sample values of the symbols.
  var sample: Int
  /// The largest sum of bytes that are live at one step: no arena can be smaller. With symbols, for sample values of them.
  var lowerBound: Int

  /// Places pieces so that no two that are live at the same step overlap.
  ///
  /// Pieces are placed one by one at the lowest offset that fits. Several orders, the best first, are improved by moving pieces that
  /// reach the top before pieces that they conflict with, until the lower bound or the limit of work is met. The result depends on
  /// nothing but the lifetimes.
  ///
  /// Symbolic sizes are placed for sample values of the symbols. Every piece then lies above the pieces that it conflicts with and that lie
  /// below it in the sample, whatever their sizes are; such offsets become `derived` symbols.
  init(_ lifetimes: [Lifetime], derived: inout [DerivedSymbol]) {
    func rounded(_ bytes: Dim) -> Dim {
      (bytes + (MemoryPlan.alignment - 1)).floorDivided(by: Dim(MemoryPlan.alignment)) * MemoryPlan.alignment
    }
    let sizes = lifetimes.map { rounded($0.bytes) }
    let pieces = lifetimes.map { Piece(bytes: MemoryPlan.sample(rounded(Dim($0.sample))), first: $0.first, last: $0.last) }
    lowerBound = MemoryPlan.lowerBound(pieces)
    let placer = Placer(pieces)
    let best = placer.best(atLeast: lowerBound)
    offsets = best.offsets.map { Dim($0) }
    bytes = Dim(best.bytes)
    sample = best.bytes
    guard sizes.contains(where: { $0.constant == nil }) else { return }
    stack(sizes, best.offsets, placer.conflicts, &derived)
  }

  /// Makes every piece begin where those below it end.
  private mutating func stack(_ sizes: [Dim], _ sample: [Int], _ conflicts: [[Int]], _ derived: inout [DerivedSymbol]) {
    var below = [Set<Int>](repeating: [], count: sizes.count)
    var isTop = [Bool](repeating: true, count: sizes.count)
    for index in sizes.indices.sorted(by: { (sample[$0], $0) < (sample[$1], $1) }) {
      let lower = conflicts[index].filter { (sample[$0], $0) < (sample[index], index) }
      let indirect = lower.reduce(into: Set<Int>()) { $0.formUnion(below[$1]) }
      let supports = lower.filter { !indirect.contains($0) }
      below[index] = indirect.union(supports)
      for support in supports { isTop[support] = false }
      offsets[index] = MemoryPlan.named(supports.map { offsets[$0] + sizes[$0] }, &derived)
    }
    let tops = sizes.indices.filter { isTop[$0] }
    bytes = MemoryPlan.named(tops.map { offsets[$0] + sizes[$0] }, &derived)
  }

  /// The greatest of some sizes, as a literal, a symbol, or a new derived symbol.
  private static func named(_ sizes: [Dim], _ derived: inout [DerivedSymbol]) -> Dim {
    let greatest = sizes.reduce(Dim(0)) { .maximum($0, $1) }
    if greatest.constant != nil { return greatest }
    derived.append(DerivedSymbol("arena'\(derived.count)", greatest.expr))
    return Dim(symbol: derived[derived.count - 1].name)
  }

  /// The size where every symbol has the same plain value, limited so that sums of sizes do not overflow.
  static func sample(_ size: Dim) -> Int {
    let value = Dim(96)
    let known = size.substituting(Dictionary(uniqueKeysWithValues: size.symbols.map { ($0, value) }))
    return min(max(known.constant ?? 0, 0), 1 << 44)
  }

  private static func lowerBound(_ pieces: [Piece]) -> Int {
    var changes: [Int: Int] = [:]
    for piece in pieces {
      changes[piece.first, default: 0] += piece.bytes
      changes[piece.last + 1, default: 0] -= piece.bytes
    }
    var live = 0
    var most = 0
    for step in changes.keys.sorted() {
      live += changes[step] ?? 0
      most = max(most, live)
    }
    return most
  }
}

/// A lifetime of known size.
private struct Piece {
  var bytes: Int
  var first: Int
  var last: Int
}

/// Places pieces in a given order, and searches for a better order.
private struct Placer {
  let pieces: [Piece]
  /// By piece, the pieces that are live at a common step.
  let conflicts: [[Int]]

  init(_ pieces: [Piece]) {
    self.pieces = pieces
    conflicts = pieces.indices.map { index in
      pieces.indices.filter {
        $0 != index && pieces[$0].first <= pieces[index].last && pieces[index].first <= pieces[$0].last
      }
    }
  }

  /// By size, by size times span, by span, and in order of time.
  var startingOrders: [[Int]] {
    func span(_ index: Int) -> Int { pieces[index].last - pieces[index].first + 1 }
    func sorted(_ key: (Int) -> (Int, Int)) -> [Int] {
      pieces.indices.sorted { a, b in
        let (x, y) = (key(a), key(b))
        return x == y ? a < b : x > y
      }
    }
    return [
      sorted { (pieces[$0].bytes, span($0)) }, sorted { (pieces[$0].bytes * span($0), 0) },
      sorted { (span($0), pieces[$0].bytes) }, Array(pieces.indices),
    ]
  }

  func place(_ order: [Int]) -> (offsets: [Int], bytes: Int) {
    var offsets = [Int](repeating: -1, count: pieces.count)
    var total = 0
    for index in order {
      let taken = conflicts[index].filter { offsets[$0] >= 0 }.sorted { offsets[$0] < offsets[$1] }
      var offset = 0
      for other in taken {
        if offsets[other] >= offset + pieces[index].bytes { break }
        offset = max(offset, offsets[other] + pieces[other].bytes)
      }
      offsets[index] = offset
      total = max(total, offset + pieces[index].bytes)
    }
    return (offsets, total)
  }

  /// The best placement that is found; none takes fewer bytes than the goal.
  func best(atLeast goal: Int) -> (offsets: [Int], bytes: Int) {
    var candidates = startingOrders.map { (order: $0, placement: place($0)) }
    candidates.sort { $0.placement.bytes < $1.placement.bytes }
    var best = candidates.first?.placement ?? (offsets: [], bytes: 0)
    for var candidate in candidates where best.bytes > goal {
      improve(&candidate.order, &candidate.placement, to: goal)
      if candidate.placement.bytes < best.bytes { best = candidate.placement }
    }
    return best
  }

  private func improve(_ order: inout [Int], _ placement: inout (offsets: [Int], bytes: Int), to goal: Int) {
    let pairs = conflicts.reduce(pieces.count) { $0 + $1.count }
    var random = LinearCongruentialGenerator()
    var current = (order: order, placement: placement)
    for _ in 0..<min(4000, 20_000_000 / max(1, pairs)) where placement.bytes > goal {
      let top = pieces.indices.filter { current.placement.offsets[$0] + pieces[$0].bytes == current.placement.bytes }
      let moved = top[random.next(below: top.count)]
      guard !conflicts[moved].isEmpty else { return }
      let before = conflicts[moved][random.next(below: conflicts[moved].count)]
      var candidate = current.order
      candidate.removeAll { $0 == moved }
      candidate.insert(moved, at: candidate.firstIndex(of: before) ?? 0)
      let result = place(candidate)
      // Slightly worse orders are kept for a while, to leave local minima.
      if result.bytes <= current.placement.bytes + goal / 50 { current = (candidate, result) }
      if result.bytes < placement.bytes { (order, placement) = (candidate, result) }
    }
  }
}

/// A generator of the same numbers every time.
private struct LinearCongruentialGenerator {
  private var state: UInt64 = 1

  mutating func next(below bound: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int((state >> 33) % UInt64(bound))
  }
}
