import ONNXReader
import Support
import TensorIR

/// Constant strings with their positions, found by a hash.
private struct StringTable {
  /// Hashes in rising order as unsigned numbers, with the strings in that order.
  var hashes: [UInt64] = []
  var strings: [[UInt8]] = []
  var positions: [Int] = []
  var seed: UInt64

  /// The first seed under which all hashes differ.
  init(_ keys: [[UInt8]: Int]) {
    seed = 0
    repeat {
      seed += 1
      hashes = []
      let sorted = keys.map { (hash: Self.hash($0.key, seed), string: $0.key, position: $0.value) }
        .sorted { $0.hash < $1.hash }
      hashes = sorted.map(\.hash)
      strings = sorted.map(\.string)
      positions = sorted.map(\.position)
    } while zip(hashes, hashes.dropFirst()).contains { $0 == $1 }
  }

  /// The sum of all bytes, each times a factor that depends on its position; the empty string has 0.
  static func hash(_ string: [UInt8], _ seed: UInt64) -> UInt64 {
    string.enumerated().reduce(0) { $0 &+ UInt64($1.element) &* factor($1.offset, seed) &+ factor($1.offset, ~seed) }
  }

  private static func factor(_ position: Int, _ seed: UInt64) -> UInt64 {
    let mixed = (UInt64(position) &+ seed) &* multipliers[0]
    return (mixed ^ (mixed >> 29)) &* multipliers[1]
  }

  private static let multipliers: [UInt64] = [0x9e37_79b9_7f4a_7c15, 0xbf58_476d_1ce4_e5b9]

  /// The same factor in a scalar graph.
  func factor(_ position: ScalarID, _ seed: UInt64, _ graph: inout ScalarGraph) -> ScalarID {
    let start = graph.plus(graph.cast(position, to: .u64), graph.unsigned(seed))
    let mixed = graph.times(start, graph.unsigned(Self.multipliers[0]))
    let folded = graph.binary(.xor, mixed, graph.binary(.shiftRight, mixed, graph.unsigned(29)))
    return graph.times(folded, graph.unsigned(Self.multipliers[1]))
  }
}

extension ScalarGraph {
  fileprivate mutating func unsigned(_ value: UInt64) -> ScalarID { integer(Int(bitPattern: UInt(value)), .u64) }
}

extension GraphBuilder {
  /// The positions of strings among constant ones as `i64`, -1 for those that are not among them; of equal keys the first or last counts.
  mutating func positions(
    of strings: ImportedStrings, among keys: [[UInt8]], takesLast: Bool = false
  ) throws(ModelError) -> ValueID {
    let shape = shape(of: strings)
    let numbered = keys.enumerated().map { ($0.element, $0.offset) }
    let table = StringTable(Dictionary(numbered, uniquingKeysWith: { takesLast ? $1 : $0 }))
    guard !table.hashes.isEmpty else { return try broadcast(scalar(-1, .i64), to: shape) }
    let length = longest(strings)
    let place = map(shape, search(table, shape), [hash(strings, table, length), hashes(table)])
    let candidates = self.strings(table.strings)
    var chosen = ScalarGraph()
    let axes = shape.indices.map { chosen.axis($0) }
    chosen.results = [chosen.read(1, [chosen.clamped(chosen.read(0, axes, type: .i64), extent: Dim(keys.count))], type: .i64)]
    let expected = ImportedStrings(spans: map(shape, chosen, [place, candidates.spans]), bytes: candidates.bytes)
    let isEqual = try areEqual(strings, expected)
    return try elementwise([isEqual, gathered(.integers(table.positions), place)]) { graph, values in
      graph.select(values[0], values[1], graph.integer(-1))
    }
  }

  /// Constant strings at given positions.
  mutating func strings(_ table: [[UInt8]], at positions: ValueID) -> ImportedStrings {
    let parts = TensorData(dims: [table.count], strings: table).stringParts
    return ImportedStrings(spans: gathered(ConstantTensor(parts.spans), positions), bytes: constant(ConstantTensor(parts.bytes)))
  }

  /// The elements of a constant vector at given positions.
  mutating func gathered(_ table: ConstantTensor, _ positions: ValueID) -> ValueID {
    let shape = shape(of: positions)
    var body = ScalarGraph()
    let position = body.read(0, shape.indices.map { body.axis($0) }, type: .i64)
    body.results = [body.read(1, [body.clamped(position, extent: table.type.shape[0])], type: table.type.element)]
    return map(shape, body, [positions, constant(table)])
  }

  private mutating func hashes(_ table: StringTable) -> ValueID {
    constant(ConstantTensor(.u64, dims: [table.hashes.count], integers: table.hashes.map { Int(bitPattern: UInt($0)) }))
  }

  private mutating func hash(_ strings: ImportedStrings, _ table: StringTable, _ length: Dim) -> ValueID {
    let shape = shape(of: strings)
    var body = ScalarGraph()
    let span = body.read(0, shape.indices.map { body.axis($0) }, type: .i64)
    let position = body.axis(shape.count)
    let byte = body.byte(1, ofSpan: span, at: position)
    let value = body.cast(body.binary(.max, byte, body.integer(0, .i32)), to: .u64)
    let product = body.times(value, table.factor(position, table.seed, &body))
    let term = body.plus(product, table.factor(position, ~table.seed, &body))
    body.results = [body.select(body.compare(.less, byte, body.integer(0, .i32)), body.integer(0, .u64), term)]
    return reduce(
      .sum, shape: shape, reduced: [length], operands: [strings.spans, strings.bytes], body: body)[0]
  }

  /// The place of the greatest hash that is not above operand 0, or 0.
  private func search(_ table: StringTable, _ shape: [Dim]) -> ScalarGraph {
    var body = ScalarGraph()
    let hash = body.read(0, shape.indices.map { body.axis($0) }, type: .u64)
    body.results = [body.lastPlace(in: 1, count: table.hashes.count, notAbove: hash)]
    return body
  }
}
