import Support
import TensorIR

/// Heads of [batch, heads, sequence, size], or with heads after the sequence.
struct Heads {
  var value: ValueID
  var isSequenceFirst: Bool

  init(value: ValueID, isSequenceFirst: Bool) {
    self.value = value
    self.isSequenceFirst = isSequenceFirst
  }

  init(_ given: ValueID, count: Int?, _ what: String, _ b: inout GraphBuilder) throws(ModelError) {
    let shape = b.shape(of: given)
    switch shape.count {
    case 4: (value, isSequenceFirst) = (given, false)
    case 3:
      let reason = "\(what) of rank 3 needs a number of heads that divides \(shape[2])"
      guard let count, count > 0 else { throw .invalid(reason) }
      try b.requireEqual(shape[2].remainder(by: Dim(count)), 0, reason)
      value = b.reshape(given, [shape[0], shape[1], Dim(count), shape[2].floorDivided(by: Dim(count))])
      isSequenceFirst = true
    default: throw .invalid("\(what) has rank \(shape.count), not 3 or 4")
    }
  }

  /// The extents, whatever the order of the axes.
  func extents(_ b: GraphBuilder) -> (batch: Dim, heads: Dim, sequence: Dim, size: Dim) {
    let shape = b.shape(of: value)
    return isSequenceFirst ? (shape[0], shape[2], shape[1], shape[3]) : (shape[0], shape[1], shape[2], shape[3])
  }

  /// The indices in the order of the axes.
  func index<Index>(_ batch: Index, _ head: Index, _ position: Index, _ element: Index) -> [Index] {
    isSequenceFirst ? [batch, position, head, element] : [batch, head, position, element]
  }

  /// The value as [batch, heads, sequence, size].
  func headsFirst(_ b: inout GraphBuilder) -> ValueID {
    isSequenceFirst ? b.transpose(value, [0, 2, 1, 3]) : value
  }

  /// Checks that queries can be compared with keys, each of which has a value.
  static func requireFit(
    query: Heads, key: Heads, value: Heads, _ b: inout GraphBuilder
  ) throws(ModelError) {
    let (queries, keys, values) = (query.extents(b), key.extents(b), value.extents(b))
    let shapes = [query, key, value].map { b.shape(of: $0.value) }
    for (own, other) in [
      (queries.batch, keys.batch), (queries.size, keys.size), (keys.batch, values.batch), (keys.heads, values.heads),
      (keys.sequence, values.sequence),
    ] {
      try b.requireEqual(own, other, "queries, keys and values of shapes \(shapes) do not fit")
    }
  }

  /// How many of these heads share one of the others.
  func group(over others: Heads, _ b: GraphBuilder) throws(ModelError) -> Int {
    let (own, shared) = (extents(b).heads, others.extents(b).heads)
    if own == shared { return 1 }
    let (count, sharedCount) = (
      try b.requireConstant(own, "the number of query heads"), try b.requireConstant(shared, "the number of key heads")
    )
    guard sharedCount > 0, count % sharedCount == 0 else {
      throw .invalid("\(own) query heads do not divide among \(shared) key heads")
    }
    return count / sharedCount
  }
}

extension GraphBuilder {
  /// Products of all queries with all keys, summed in the given type: [batch, heads, queries, keys].
  mutating func scores(
    _ query: Heads, _ key: Heads, _ group: Int, in accumulator: ElementType,
    _ finish: (inout ScalarGraph, ScalarID) -> ScalarID
  ) -> ValueID {
    let (rows, columns) = (query.extents(self), key.extents(self))
    var epilogue = ScalarGraph()
    epilogue.results = [finish(&epilogue, epilogue.accumulator(0, accumulator))]
    let middle = group == 1 ? [columns.heads] : [columns.heads, Dim(group)]
    let first = 1 + middle.count
    let head = group == 1 ? AffineIndex.axis(1) : AffineIndex([1: group, 2: 1])
    let contract = Contract(
      shape: [rows.batch] + middle + [rows.sequence, columns.sequence], reduced: [rows.size],
      lhs: query.index(.axis(0), head, .axis(first), .axis(first + 2)),
      rhs: key.index(.axis(0), .axis(1), .axis(first + 1), .axis(first + 2)), accumulator: accumulator,
      epilogue: epilogue)
    return reshape(
      add(.contract(contract), [query.value, key.value])[0], [rows.batch, rows.heads, rows.sequence, columns.sequence])
  }

  /// Softmax along the last axis; a row of -infinity gives zeros. A sink broadcasts to one more element per row, which
  /// takes part in the sum alone.
  mutating func maskedSoftmax(_ x: ValueID, sink: ValueID? = nil) throws(ModelError) -> ValueID {
    let axis = shape(of: x).count - 1
    var greatest = reduceAxes(
      x, [axis], keepsAxes: true, .max,
      finish: { graph, value, _ in
        let type = graph.type(of: value)
        let isMasked = graph.compare(.equal, value, graph.number(-.infinity, type))
        return graph.select(isMasked, graph.number(0, type), value)
      })
    if let sink { greatest = try elementwise([greatest, sink]) { $0.binary(.max, $1[0], $1[1]) } }
    let exponentials = try elementwise([x, greatest]) { graph, values in
      graph.unary(.decay, graph.minus(values[0], values[1]))
    }
    var sum = reduceAxes(
      exponentials, [axis], keepsAxes: true, .sum,
      finish: { graph, value, _ in
        let type = graph.type(of: value)
        return graph.select(graph.compare(.equal, value, graph.number(0, type)), graph.number(1, type), value)
      })
    if let sink {
      sum = try elementwise([sum, greatest, sink]) { $0.plus($1[0], $0.unary(.decay, $0.minus($1[2], $1[1]))) }
    }
    return try elementwise([exponentials, sum]) { $0.over($1[0], $1[1]) }
  }

  /// Values summed by probability, in the type of the probabilities: [batch, heads, queries, size], or flat
  /// [batch, queries, heads * size].
  mutating func weighted(_ probabilities: ValueID, _ value: Heads, _ group: Int, isFlat: Bool) -> ValueID {
    let shape = shape(of: probabilities)
    let columns = value.extents(self)
    let accumulator = type(of: probabilities).element
    let middle = group == 1 ? [columns.heads] : [columns.heads, Dim(group)]
    let sequence = isFlat ? 1 : 1 + middle.count
    let firstHead = isFlat ? 2 : 1
    let outer = isFlat ? [shape[0], shape[2]] + middle : [shape[0]] + middle + [shape[2]]
    let (size, sum) = (outer.count, outer.count + 1)
    let head = group == 1 ? AffineIndex.axis(firstHead) : AffineIndex([firstHead: group, firstHead + 1: 1])
    var epilogue = ScalarGraph()
    epilogue.results = [epilogue.cast(epilogue.accumulator(0, accumulator), to: type(of: value.value).element)]
    let contract = Contract(
      shape: outer + [columns.size], reduced: [shape[3]], lhs: [.axis(0), head, .axis(sequence), .axis(sum)],
      rhs: value.index(.axis(0), .axis(firstHead), .axis(sum), .axis(size)), accumulator: accumulator,
      epilogue: epilogue)
    let result = add(.contract(contract), [probabilities, value.value])[0]
    return reshape(
      result, isFlat ? [shape[0], shape[2], shape[1] * columns.size] : [shape[0], shape[1], shape[2], columns.size])
  }
}
