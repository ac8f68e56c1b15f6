import Support
import TensorIR

/// How often sequences of integers or strings occur in the rows of the data, weighted on request.
struct TfIdfVectorizer: ContainerOperator {
  let name = OperatorName("TfIdfVectorizer", versions: 9)

  func buildValues(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ImportedValue] {
    guard case .strings(let strings) = try node.value(0) else {
      let x = try node.input(0)
      try b.require(x, "the data", isOneOf: .i32, .i64)
      return [.tensor(try vectors(try b.cast(x, to: .i64), try node.ints("pool_int64s") ?? [], node, &b))]
    }
    guard let pool = try node.byteStrings("pool_strings") else { throw .invalid("attribute 'pool_strings' is missing") }
    var numbers: [[UInt8]: Int] = [:]
    var words: [[UInt8]] = []
    for word in pool where numbers[word] == nil {
      numbers[word] = words.count
      words.append(word)
    }
    let positions = try b.cast(try b.positions(of: strings, among: words), to: .i32)
    return [.tensor(try vectors(positions, pool.compactMap { numbers[$0] }, node, &b))]
  }

  private func vectors(
    _ x: ValueID, _ pool: [Int], _ node: OperatorNode, _ b: inout GraphBuilder
  ) throws(ModelError) -> ValueID {
    let shape = b.shape(of: x)
    guard shape.count <= 2 else { throw .invalid("the data has rank \(shape.count), not 1 or 2") }
    let columns = shape.last ?? 1
    let data = b.reshape(x, [shape.count == 2 ? shape[0] : 1, columns])
    guard let indexes = try node.ints("ngram_indexes"), let greatest = indexes.max(), (indexes.min() ?? 0) >= 0,
      greatest < 1 << 31
    else { throw .invalid("attribute 'ngram_indexes' is missing or has numbers out of range") }
    guard let skips = try node.int("max_skip_count"), skips >= 0, skips < 1 << 31 else {
      throw .invalid("attribute 'max_skip_count' is missing or out of range")
    }
    let mode = try node.string("mode", default: "")
    guard ["TF", "IDF", "TFIDF"].contains(mode) else { throw .invalid("attribute 'mode' is '\(mode)'") }
    let weights = try node.floats("weights") ?? []
    guard weights.isEmpty || weights.count == indexes.count else {
      throw .invalid("attribute 'weights' has \(weights.count) elements, not \(indexes.count)")
    }
    let sequences = try sequences(node, pool, count: indexes.count)
    let rows = b.shape(of: data)[0]
    guard !sequences.isEmpty else {
      let zeros = try b.broadcast(b.scalar(0, .f32), to: [rows, Dim(greatest + 1)])
      return shape.count == 2 ? zeros : b.reshape(zeros, [Dim(greatest + 1)])
    }
    // Where no column of the result has several sequences, they are counted in its order.
    let ordered = greatest < 2 * sequences.count ? columnOrder(sequences, indexes, greatest + 1) : nil
    let counted = ordered ?? sequences
    var sums = count(counted, data, distances: skips + 1, &b)
    if mode == "IDF" {
      sums = try b.elementwise([sums]) { $0.binary(.min, $1[0], $0.number(1, .f32)) }
    }
    if mode != "TF", !weights.isEmpty {
      let row = b.floatRow(counted.map { $0.map { weights[$0.number] } ?? 0 })
      sums = try b.elementwise([sums, row]) { $0.times($1[0], $1[1]) }
    }
    if ordered == nil {
      var target = ScalarGraph()
      let axes = [target.axis(0), target.axis(1)]
      target.results = [axes[0], target.read(2, [axes[1]], type: .i64), target.read(1, axes, type: .f32)]
      // Whether a sequence of a column occurs is no more than 1 either.
      let combiner: ScatterCombiner = mode == "IDF" && weights.isEmpty ? .max : .add
      let scatter = Scatter(updates: [rows, Dim(counted.count)], combiner: combiner, target: target)
      let zeros = try b.broadcast(b.scalar(0, .f32), to: [rows, Dim(greatest + 1)])
      let places = b.constant(.integers(counted.map { $0.map { indexes[$0.number] } ?? 0 }))
      sums = b.add(.scatter(scatter), [zeros, sums, places])[0]
    }
    return shape.count == 2 ? sums : b.reshape(sums, [Dim(greatest + 1)])
  }

  /// Items that are looked for, with their number among all sequences.
  private struct Sequence {
    var items: [Int]
    var number: Int
  }

  /// The sequences of the sizes that are asked for; of equal ones the last counts.
  private func sequences(_ node: OperatorNode, _ pool: [Int], count: Int) throws(ModelError) -> [Sequence?] {
    guard let starts = try node.ints("ngram_counts"), let shortest = try node.int("min_gram_length"),
      let longest = try node.int("max_gram_length")
    else { throw .invalid("attribute 'ngram_counts', 'min_gram_length' or 'max_gram_length' is missing") }
    guard zip([0] + starts, starts + [pool.count]).allSatisfy({ $0 <= $1 }) else {
      throw .invalid("attribute 'ngram_counts' is \(starts), which does not divide \(pool.count) numbers")
    }
    var sequences: [Sequence?] = []
    var number = 0
    for (position, start) in starts.enumerated() {
      let size = position + 1
      let end = position + 1 < starts.count ? starts[position + 1] : pool.count
      let total = (end - start) / size
      guard number + total <= count else {
        throw .invalid("attribute 'ngram_indexes' has \(count) elements for more sequences")
      }
      var last: [ArraySlice<Int>: Int] = [:]
      for sequence in 0..<total { last[pool[start + sequence * size..<start + (sequence + 1) * size]] = sequence }
      if size >= shortest, size <= longest {
        sequences += last.sorted { $0.value < $1.value }
          .map { Sequence(items: Array($0.key), number: number + $0.value) }
      }
      number += total
    }
    return sequences
  }

  /// The sequence of each column of the result; nil where one has several.
  private func columnOrder(_ sequences: [Sequence?], _ indexes: [Int], _ count: Int) -> [Sequence?]? {
    var columns = [Sequence?](repeating: nil, count: count)
    for sequence in sequences.compactMap({ $0 }) {
      guard columns[indexes[sequence.number]] == nil else { return nil }
      columns[indexes[sequence.number]] = sequence
    }
    return columns
  }

  /// How often each sequence occurs in each row, with items up to `distances` apart: `[N, sequences]`.
  ///
  /// Behind each row stands an item that no sequence has.
  private func count(_ sequences: [Sequence?], _ data: ValueID, distances: Int, _ b: inout GraphBuilder) -> ValueID {
    let shape = b.shape(of: data)
    let sizes = sequences.map { $0?.items.count ?? 0 }
    let (least, greatest) = (sizes.min() ?? 0, sizes.max() ?? 0)
    let items = (0..<greatest).flatMap { place in
      sequences.map { sequence in sequence.flatMap { place < $0.items.count ? $0.items[place] : nil } ?? 0 }
    }
    let element = b.type(of: data).element
    let known = Set(items)
    let stranger = (-1...known.count).first { !known.contains($0) } ?? -1
    var padding = ScalarGraph()
    padding.results = [
      padding.read(0, [padding.axis(0), padding.axis(1)], outside: padding.integer(stranger, element), type: element)
    ]
    let padded = b.map([shape[0], shape[1] + Dim(distances * (greatest - 1))], padding, [data])
    let tables = [
      ConstantTensor(element, dims: [greatest, sizes.count], integers: items),
      ConstantTensor(.i32, dims: [sizes.count], integers: sizes),
    ].map { b.constant($0) }
    // Axes: row, sequence; then distance less one, start.
    var body = ScalarGraph()
    let size = body.read(2, [body.axis(1)], type: .i32)
    let distance = body.plus(body.axis(2), body.integer(1))
    var position = body.axis(3)
    var conditions: [ScalarID] = []
    if least == 0 { conditions.append(body.compare(.greater, size, body.integer(0, .i32))) }
    if least < 2, distances > 1 {
      let isNear = body.compare(.equal, body.axis(2), body.integer(0))
      conditions.append(body.any([isNear, body.compare(.greater, size, body.integer(1, .i32))]))
    }
    for item in 0..<greatest {
      if item > 0 { position = body.plus(position, distance) }
      let value = body.read(0, [body.axis(0), position], type: element)
      let isThere = body.compare(.equal, value, body.read(1, [body.integer(item), body.axis(1)], type: element))
      let isBehind = item < least ? [] : [body.compare(.lessOrEqual, size, body.integer(item, .i32))]
      conditions.append(body.any(isBehind + [isThere]))
    }
    body.results = [body.cast(body.all(conditions), to: .f32)]
    return b.reduce(
      .sum, shape: [shape[0], Dim(sizes.count)], reduced: [Dim(distances), shape[1]], operands: [padded] + tables,
      body: body)[0]
  }
}
