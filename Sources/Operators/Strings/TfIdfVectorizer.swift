import Support
import TensorIR

/// How often sequences of integers or strings occur in the rows of the data, weighted on request.
struct TfIdfVectorizer: ContainerOperator {
  let name = OperatorName("TfIdfVectorizer", versions: 9)

  func buildValues(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ImportedValue] {
    guard case .strings(let strings) = try node.value(0) else {
      let x = try node.input(0)
      try b.require(x, "the data", isOneOf: .i32, .i64)
      return [.tensor(try vectors(x, try node.ints("pool_int64s") ?? [], node, &b))]
    }
    guard let pool = try node.byteStrings("pool_strings") else { throw .invalid("attribute 'pool_strings' is missing") }
    var numbers: [[UInt8]: Int] = [:]
    var words: [[UInt8]] = []
    for word in pool where numbers[word] == nil {
      numbers[word] = words.count
      words.append(word)
    }
    return [.tensor(try vectors(try b.positions(of: strings, among: words), pool.compactMap { numbers[$0] }, node, &b))]
  }

  private func vectors(
    _ x: ValueID, _ pool: [Int], _ node: OperatorNode, _ b: inout GraphBuilder
  ) throws(ModelError) -> ValueID {
    let shape = b.shape(of: x)
    guard shape.count <= 2 else { throw .invalid("the data has rank \(shape.count), not 1 or 2") }
    let columns = shape.last ?? 1
    let data = b.reshape(try b.cast(x, to: .i64), [shape.count == 2 ? shape[0] : 1, columns])
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
    var parts: [ValueID] = []
    var numbers: [Int] = []
    for group in try groups(node, pool, sequences: indexes.count) {
      parts.append(count(group, data, distances: group.size == 1 ? 1 : skips + 1, &b))
      numbers += group.numbers
    }
    let rows = b.shape(of: data)[0]
    var sums = try b.broadcast(b.scalar(0, .f32), to: [rows, Dim(greatest + 1)])
    if !parts.isEmpty {
      var counts = b.concatenate(parts, axis: 1)
      if mode == "IDF" {
        counts = try b.elementwise([counts]) { $0.binary(.min, $1[0], $0.number(1, .f32)) }
      }
      if mode != "TF", !weights.isEmpty {
        counts = try b.elementwise([counts, b.floatRow(numbers.map { weights[$0] })]) { $0.times($1[0], $1[1]) }
      }
      var target = ScalarGraph()
      let axes = [target.axis(0), target.axis(1)]
      target.results = [axes[0], target.read(2, [axes[1]], type: .i64), target.read(1, axes, type: .f32)]
      // Whether a sequence of a column occurs is no more than 1 either.
      let combiner: ScatterCombiner = mode == "IDF" && weights.isEmpty ? .max : .add
      let scatter = Scatter(updates: [rows, Dim(numbers.count)], combiner: combiner, target: target)
      sums = b.add(.scatter(scatter), [sums, counts, b.constant(.integers(numbers.map { indexes[$0] }))])[0]
    }
    return shape.count == 2 ? sums : b.reshape(sums, [Dim(greatest + 1)])
  }

  /// Sequences of one size, with their numbers among all.
  private struct Group {
    var size: Int
    var items: [Int]
    var numbers: [Int]
  }

  /// The sequences of the sizes that are asked for; of equal ones the last counts.
  private func groups(_ node: OperatorNode, _ pool: [Int], sequences: Int) throws(ModelError) -> [Group] {
    guard let starts = try node.ints("ngram_counts"), let shortest = try node.int("min_gram_length"),
      let longest = try node.int("max_gram_length")
    else { throw .invalid("attribute 'ngram_counts', 'min_gram_length' or 'max_gram_length' is missing") }
    guard zip([0] + starts, starts + [pool.count]).allSatisfy({ $0 <= $1 }) else {
      throw .invalid("attribute 'ngram_counts' is \(starts), which does not divide \(pool.count) numbers")
    }
    var groups: [Group] = []
    var number = 0
    for (position, start) in starts.enumerated() {
      let size = position + 1
      let end = position + 1 < starts.count ? starts[position + 1] : pool.count
      let total = (end - start) / size
      guard number + total <= sequences else {
        throw .invalid("attribute 'ngram_indexes' has \(sequences) elements for more sequences")
      }
      var last: [ArraySlice<Int>: Int] = [:]
      for sequence in 0..<total { last[pool[start + sequence * size..<start + (sequence + 1) * size]] = sequence }
      let kept = last.values.sorted()
      if size >= shortest, size <= longest, !kept.isEmpty {
        groups.append(
          Group(
            size: size, items: kept.flatMap { pool[start + $0 * size..<start + ($0 + 1) * size] },
            numbers: kept.map { number + $0 }))
      }
      number += total
    }
    return groups
  }

  /// How often each sequence occurs in each row, with items up to `distances` apart: `[N, sequences]`.
  private func count(_ group: Group, _ data: ValueID, distances: Int, _ b: inout GraphBuilder) -> ValueID {
    let shape = b.shape(of: data)
    let table = b.constant(ConstantTensor(.i64, dims: [group.numbers.count, group.size], integers: group.items))
    // Axes: row, sequence; then distance less one, start.
    var body = ScalarGraph()
    let distance = body.plus(body.axis(2), body.integer(1))
    var position = body.axis(3)
    var conditions: [ScalarID] = []
    for item in 0..<group.size {
      if item > 0 { position = body.plus(position, distance) }
      let isInside = body.compare(.less, position, body.dim(shape[1]))
      let value = body.read(0, [body.axis(0), position], outside: body.integer(0), type: .i64)
      let expected = body.read(1, [body.axis(1), body.integer(item)], type: .i64)
      conditions += [isInside, body.compare(.equal, value, expected)]
    }
    body.results = [body.cast(body.all(conditions), to: .f32)]
    return b.reduce(
      .sum, shape: [shape[0], Dim(group.numbers.count)], reduced: [Dim(distances), shape[1]], operands: [data, table],
      body: body)[0]
  }
}
