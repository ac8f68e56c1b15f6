/// A piece of the arena that is live from the step that writes it to the last step that reads it.
struct Lifetime {
  var bytes: Int
  var first: Int
  var last: Int
}

/// Offsets of all pieces and the size of the arena.
struct MemoryPlan {
  static let alignment = 64

  var offsets: [Int]
  var bytes: Int
  /// The largest sum of bytes that are live at one step: no arena can be smaller.
  var lowerBound: Int

  /// Places pieces so that no two that are live at the same step overlap.
  ///
  /// Pieces are placed one by one at the lowest offset that fits; the best of several orders is kept.
  init(_ lifetimes: [Lifetime]) {
    let sized = lifetimes.map { lifetime in
      let rounded = (lifetime.bytes + MemoryPlan.alignment - 1) / MemoryPlan.alignment * MemoryPlan.alignment
      return Lifetime(bytes: rounded, first: lifetime.first, last: lifetime.last)
    }
    lowerBound = MemoryPlan.lowerBound(sized)
    let span = { (lifetime: Lifetime) in lifetime.last - lifetime.first }
    let bySize = sized.indices.sorted { (sized[$0].bytes, span(sized[$0]), -$0) > (sized[$1].bytes, span(sized[$1]), -$1) }
    let bySpan = sized.indices.sorted { (span(sized[$0]), sized[$0].bytes, -$0) > (span(sized[$1]), sized[$1].bytes, -$1) }
    let byArea = sized.indices.sorted {
      (sized[$0].bytes * (span(sized[$0]) + 1), -$0) > (sized[$1].bytes * (span(sized[$1]) + 1), -$1)
    }
    offsets = [Int](repeating: 0, count: sized.count)
    bytes = Int.max
    for order in [bySize, byArea, bySpan, Array(sized.indices)] where bytes > lowerBound {
      let candidate = MemoryPlan.place(sized, order)
      if candidate.bytes < bytes { (offsets, bytes) = (candidate.offsets, candidate.bytes) }
    }
  }

  private static func lowerBound(_ lifetimes: [Lifetime]) -> Int {
    var changes: [Int: Int] = [:]
    for lifetime in lifetimes {
      changes[lifetime.first, default: 0] += lifetime.bytes
      changes[lifetime.last + 1, default: 0] -= lifetime.bytes
    }
    var live = 0
    var most = 0
    for step in changes.keys.sorted() {
      live += changes[step] ?? 0
      most = max(most, live)
    }
    return most
  }

  private static func place(_ lifetimes: [Lifetime], _ order: [Int]) -> (offsets: [Int], bytes: Int) {
    var offsets = [Int](repeating: 0, count: lifetimes.count)
    var placed: [Int] = []
    var total = 0
    for index in order {
      let piece = lifetimes[index]
      var offset = 0
      for other in placed where lifetimes[other].first <= piece.last && piece.first <= lifetimes[other].last {
        if offsets[other] >= offset + piece.bytes { break }
        offset = max(offset, offsets[other] + lifetimes[other].bytes)
      }
      offsets[index] = offset
      total = max(total, offset + piece.bytes)
      let position = placed.firstIndex { offsets[$0] > offset } ?? placed.count
      placed.insert(index, at: position)
    }
    return (offsets, total)
  }
}
