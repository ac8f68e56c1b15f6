import Support

/// A deterministic automaton over the bytes of UTF-8 text.
struct ByteAutomaton {
  /// Classes of bytes that the automaton does not tell apart.
  var classes: [Int] = []
  var classCount = 0
  /// The next state by state and class; state 0 is the first one, and -1 fails.
  var transitions: [Int] = []
  /// Whether text may end in a state.
  var accepts: [Bool] = []

  private static let stateLimit = 4096

  /// - Throws: `ModelError.unsupported` if there are too many states.
  init(_ expression: RegularExpression) throws(ModelError) {
    var nondeterministic = NondeterministicAutomaton()
    let end = nondeterministic.newState()
    let start = try nondeterministic.add(expression, to: end)
    partition(nondeterministic)
    let first = State(active: [start], isFirst: true, followsWord: false)
    var states = [first]
    var numbers = [first: 0]
    let representatives = (0..<classCount).map { number in UInt8(classes.firstIndex(of: number) ?? 0) }
    var number = 0
    while number < states.count {
      accepts.append(nondeterministic.closure(states[number], before: nil).contains(end))
      for byte in representatives {
        let active = nondeterministic.move(nondeterministic.closure(states[number], before: byte), byte)
        guard !active.isEmpty else {
          transitions.append(-1)
          continue
        }
        let followsWord = nondeterministic.hasBoundaries && NondeterministicAutomaton.isWord(byte)
        let next = State(active: active, isFirst: false, followsWord: followsWord)
        if numbers[next] == nil {
          numbers[next] = states.count
          states.append(next)
        }
        transitions.append(numbers[next] ?? -1)
      }
      guard states.count <= Self.stateLimit else {
        throw .unsupported("a pattern needs more than \(Self.stateLimit) states", hint: "match a simpler pattern")
      }
      number += 1
    }
  }

  /// Where text may be in a pattern, before what needs the next byte is decided.
  fileprivate struct State: Hashable {
    var active: Set<Int>
    var isFirst: Bool
    var followsWord: Bool
  }

  private mutating func partition(_ automaton: NondeterministicAutomaton) {
    var isBoundary = [Bool](repeating: false, count: 257)
    for edge in automaton.edges.joined() {
      isBoundary[Int(edge.bytes.lowerBound)] = true
      isBoundary[Int(edge.bytes.upperBound) + 1] = true
    }
    if automaton.hasBoundaries {
      for byte in UInt8.min..<UInt8.max
      where NondeterministicAutomaton.isWord(byte) != NondeterministicAutomaton.isWord(byte + 1) {
        isBoundary[Int(byte) + 1] = true
      }
    }
    isBoundary[0] = false
    var number = 0
    for byte in 0..<256 {
      if isBoundary[byte] { number += 1 }
      classes.append(number)
    }
    classCount = number + 1
  }
}

/// An automaton in which several states may be active at a time.
private struct NondeterministicAutomaton {
  struct Edge {
    var bytes: ClosedRange<UInt8>
    var target: Int
  }
  enum Condition { case always, atStart, atEnd, atBoundary, notAtBoundary }

  var edges: [[Edge]] = []
  var jumps: [[(condition: Condition, target: Int)]] = []
  /// Whether anything depends on where words begin and end.
  private(set) var hasBoundaries = false
  private static let stateLimit = 1 << 16

  static func isWord(_ byte: UInt8) -> Bool { ScalarRanges.perl("w")?.contains { $0.contains(UInt32(byte)) } == true }

  mutating func newState() -> Int {
    edges.append([])
    jumps.append([])
    return edges.count - 1
  }

  /// The states reached without reading anything before a byte, or before the end.
  func closure(_ state: ByteAutomaton.State, before next: UInt8?) -> Set<Int> {
    let isAtBoundary = state.followsWord != (next.map(Self.isWord) ?? false)
    var found = state.active
    var open = Array(found)
    while let from = open.popLast() {
      for jump in jumps[from] {
        let isOpen =
          switch jump.condition {
          case .always: true
          case .atStart: state.isFirst
          case .atEnd: next == nil
          case .atBoundary: isAtBoundary
          case .notAtBoundary: !isAtBoundary
          }
        if isOpen, found.insert(jump.target).inserted { open.append(jump.target) }
      }
    }
    return found
  }

  func move(_ states: Set<Int>, _ byte: UInt8) -> Set<Int> {
    var next: Set<Int> = []
    for state in states { for edge in edges[state] where edge.bytes.contains(byte) { next.insert(edge.target) } }
    return next
  }

  /// The state from which text that an expression matches leads to `end`.
  mutating func add(_ expression: RegularExpression, to end: Int) throws(ModelError) -> Int {
    guard edges.count < Self.stateLimit else { throw .unsupported("a pattern is too long", hint: "match a simpler pattern") }
    switch expression {
    case .empty: return end
    case .oneOf(let ranges): return add(ranges, to: end)
    case .sequence(let items):
      var target = end
      for item in items.reversed() { target = try add(item, to: target) }
      return target
    case .choice(let cases):
      var targets: [Int] = []
      for item in cases { targets.append(try add(item, to: end)) }
      return fork(targets.map { (.always, $0) })
    case .repetition(let item, let minimum, let maximum): return try add(item, minimum, maximum, to: end)
    case .atStart: return fork([(.atStart, end)])
    case .atEnd: return fork([(.atEnd, end)])
    case .atBoundary(let isBoundary):
      hasBoundaries = true
      return fork([(isBoundary ? .atBoundary : .notAtBoundary, end)])
    }
  }

  private mutating func fork(_ targets: [(condition: Condition, target: Int)]) -> Int {
    let state = newState()
    jumps[state] = targets
    return state
  }

  private mutating func add(_ item: RegularExpression, _ minimum: Int, _ maximum: Int?, to end: Int) throws(ModelError) -> Int {
    var target = end
    if let maximum {
      for _ in minimum..<maximum { target = fork([(.always, try add(item, to: target)), (.always, end)]) }
    } else {
      target = newState()
      jumps[target] = [(.always, try add(item, to: target)), (.always, end)]
    }
    for _ in 0..<minimum { target = try add(item, to: target) }
    return target
  }

  /// Scalars as sequences of bytes.
  private mutating func add(_ ranges: [ClosedRange<UInt32>], to end: Int) -> Int {
    let state = newState()
    for range in ranges { for part in Self.sameLength(range) { add(part.low, part.high, from: state, to: end) } }
    return state
  }

  /// The parts of a range whose scalars have equally long encodings.
  private static func sameLength(_ range: ClosedRange<UInt32>) -> [(low: [UInt8], high: [UInt8])] {
    let lengths: [ClosedRange<UInt32>] = [0...0x7f, 0x80...0x7ff, 0x800...0xd7ff, 0xe000...0xffff, 0x1_0000...0x10_ffff]
    return lengths.compactMap { length in
      guard range.overlaps(length),
        let low = Unicode.Scalar(max(range.lowerBound, length.lowerBound)),
        let high = Unicode.Scalar(min(range.upperBound, length.upperBound))
      else { return nil }
      return (Array(String(low).utf8), Array(String(high).utf8))
    }
  }

  /// All sequences of bytes from one to another of the same length, whose bytes behind the first are 0x80 to 0xbf.
  private mutating func add(_ low: [UInt8], _ high: [UInt8], from state: Int, to end: Int) {
    guard low.count > 1 else { return edges[state].append(Edge(bytes: low[0]...high[0], target: end)) }
    let (lowRest, highRest) = (Array(low.dropFirst()), Array(high.dropFirst()))
    let least = lowRest.map { _ in UInt8(0x80) }
    let greatest = lowRest.map { _ in UInt8(0xbf) }
    func connect(_ bytes: ClosedRange<UInt8>, _ low: [UInt8], _ high: [UInt8]) {
      let next = newState()
      edges[state].append(Edge(bytes: bytes, target: next))
      add(low, high, from: next, to: end)
    }
    if low[0] == high[0] { return connect(low[0]...low[0], lowRest, highRest) }
    var (first, last) = (low[0], high[0])
    if lowRest != least {
      connect(first...first, lowRest, greatest)
      first += 1
    }
    if highRest != greatest {
      connect(last...last, least, highRest)
      last -= 1
    }
    if first <= last { connect(first...last, least, greatest) }
  }
}
