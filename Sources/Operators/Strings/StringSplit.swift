import Support
import TensorIR

/// The parts of strings between delimiters, and how many there are.
struct StringSplit: ContainerOperator {
  let name = OperatorName("StringSplit", versions: 20)

  func buildValues(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ImportedValue] {
    let x = try node.strings(0)
    let limit = try node.int("maxsplit")
    guard (limit ?? 0) >= 0 else { throw .invalid("attribute 'maxsplit' is \(limit ?? 0)") }
    let delimiter: [UInt8]
    switch node.definition.attributes["delimiter"] {
    case .string(let bytes): delimiter = Array(bytes)
    case nil: delimiter = []
    default: throw .invalid("attribute 'delimiter' must be a string")
    }
    let splitter = StringSplitter(delimiter: delimiter, limit: limit)
    let parts = try b.split(ImportedStrings(spans: b.reshape(x.spans, [b.shape(of: x).product]), bytes: x.bytes), splitter)
    let width = b.shape(of: parts.spans)[1]
    return [
      .strings(ImportedStrings(spans: b.reshape(parts.spans, b.shape(of: x) + [width]), bytes: x.bytes)),
      .tensor(b.reshape(parts.counts, b.shape(of: x))),
    ]
  }
}

/// How strings are split.
struct StringSplitter {
  /// What stands between parts; nothing for any number of blanks.
  var delimiter: [UInt8]
  /// The greatest number of splits.
  var limit: Int?

  /// What is known before a byte is looked at: parts that ended, where the current part begins, and bytes to skip.
  struct State {
    var parts: ScalarID
    var start: ScalarID
    var skipped: ScalarID
  }

  /// The step at one position: the state after it, and whether a part ends.
  func step(_ before: State, at position: ScalarID, count: ScalarID, _ body: inout ScalarGraph, _ byte: (Int, inout ScalarGraph) -> ScalarID)
    -> (State, ends: ScalarID)
  {
    let isEnd = body.compare(.equal, position, count)
    var maySplit = body.compare(.less, position, count)
    if let limit { maySplit = body.all([maySplit, body.compare(.less, before.parts, body.integer(limit))]) }
    return delimiter.isEmpty
      ? blanks(before, position, isEnd, maySplit, &body, byte) : delimited(before, position, isEnd, maySplit, &body, byte)
  }

  private func delimited(
    _ before: State, _ position: ScalarID, _ isEnd: ScalarID, _ maySplit: ScalarID, _ body: inout ScalarGraph,
    _ byte: (Int, inout ScalarGraph) -> ScalarID
  ) -> (State, ends: ScalarID) {
    var conditions = [maySplit, body.compare(.equal, before.skipped, body.integer(0))]
    for (offset, expected) in delimiter.enumerated() {
      conditions.append(body.compare(.equal, byte(offset, &body), body.integer(Int(expected), .i32)))
    }
    let isMatch = body.all(conditions)
    let ends = body.any([isEnd, isMatch])
    let next = body.plus(position, body.integer(delimiter.count))
    let rest = body.binary(.max, body.plus(before.skipped, body.integer(-1)), body.integer(0))
    let state = State(
      parts: body.plus(before.parts, body.cast(ends, to: .i64)), start: body.select(isMatch, next, before.start),
      skipped: body.select(isMatch, body.integer(delimiter.count - 1), rest))
    return (state, ends)
  }

  private func blanks(
    _ before: State, _ position: ScalarID, _ isEnd: ScalarID, _ maySplit: ScalarID, _ body: inout ScalarGraph,
    _ byte: (Int, inout ScalarGraph) -> ScalarID
  ) -> (State, ends: ScalarID) {
    let own = byte(0, &body)
    let blanks = [0x20...0x20, 0x09...0x0d, 0x1c...0x1f].map { range in
      let conditions = [
        body.compare(.greaterOrEqual, own, body.integer(range.lowerBound, .i32)),
        body.compare(.lessOrEqual, own, body.integer(range.upperBound, .i32)),
      ]
      return body.all(conditions)
    }
    let isBlank = body.any(blanks)
    let isInside = body.compare(.greaterOrEqual, before.start, body.integer(0))
    let ends = body.all([isInside, body.any([isEnd, body.all([isBlank, maySplit])])])
    let begins = body.all([
      body.compare(.less, before.start, body.integer(0)), body.unary(.not, isBlank), body.unary(.not, isEnd),
    ])
    let start = body.select(ends, body.integer(-1), body.select(begins, position, before.start))
    let state = State(
      parts: body.plus(before.parts, body.cast(ends, to: .i64)), start: start, skipped: before.skipped)
    return (state, ends)
  }
}

extension GraphBuilder {
  /// The spans of the parts of a vector of strings as a matrix, filled with empty ones, and the number of parts of each string.
  mutating func split(_ x: ImportedStrings, _ splitter: StringSplitter) throws(ModelError) -> (spans: ValueID, counts: ValueID) {
    let shape = shape(of: x)
    let steps = longest(x) + 1
    var inner = GraphBuilder(inside: self)
    let step = inner.input(TensorType(.i64, []))
    let states = (0..<3).map { _ in inner.input(TensorType(.i64, shape)) }
    let spans = inner.input(TensorType(.i64, shape))
    let bytes = inner.input(type(of: x.bytes))
    // Of every step: the three states after it, the number of the part that ends or -1, and its span.
    let results = (0..<5).map { result in
      var body = ScalarGraph()
      let row = [body.axis(0)]
      let position = body.read(0, [], type: .i64)
      let before = (1...3).map { body.read($0, row, type: .i64) }
      let span = body.read(4, row, type: .i64)
      let count = body.count(ofSpan: span)
      let state = StringSplitter.State(parts: before[0], start: before[1], skipped: before[2])
      let isBeyond = body.compare(.greater, position, count)
      var (after, ends) = splitter.step(state, at: position, count: count, &body) { offset, graph in
        graph.byte(5, ofSpan: span, at: graph.plus(position, graph.integer(offset)))
      }
      ends = body.all([ends, body.unary(.not, isBeyond)])
      let start = body.start(ofSpan: span)
      let value: ScalarID
      switch result {
      case 0: value = body.select(isBeyond, state.parts, after.parts)
      case 1: value = body.select(isBeyond, state.start, after.start)
      case 2: value = after.skipped
      case 3: value = body.select(ends, state.parts, body.integer(-1))
      default: value = body.span(start: body.plus(start, state.start), count: body.minus(position, state.start))
      }
      body.results = [value]
      return inner.map(shape, body, [step] + states + [spans, bytes])
    }
    let scan = Scan(
      length: steps, carried: 3, scanned: 0, reversedInputs: [], reversedOutputs: [false, false],
      body: inner.finish(outputs: results))
    let zeros = try broadcast(scalar(0, .i64), to: shape)
    let first = try broadcast(scalar(splitter.delimiter.isEmpty ? -1 : 0, .i64), to: shape)
    let scanned = add(.scan(scan), [zeros, first, zeros, x.spans, x.bytes])
    return (parts(scanned[3], scanned[4], scanned[0]), scanned[0])
  }

  /// The matrix of spans in which the span of every step is in the column that the step tells, if any, given the number of columns
  /// of each row.
  mutating func parts(_ numbers: ValueID, _ spans: ValueID, _ counts: ValueID) -> ValueID {
    let greatest = reduceAxes(counts, [0], keepsAxes: false, .max)
    let width = computedExtents("parts", [greatest]) { graph in
      [graph.binary(.max, graph.read(0, [], type: .i64), graph.integer(0))]
    }[0]
    let steps = shape(of: numbers)[0]
    if width.constant == nil { assume([DimFact(width, .atMost, steps)]) }
    var body = ScalarGraph()
    let place = [body.axis(2), body.axis(0)]
    let isHere = body.compare(.equal, body.read(0, place, type: .i64), body.axis(1))
    body.results = [body.select(isHere, body.read(1, place, type: .i64), body.integer(0))]
    return reduce(
      .sum, shape: [shape(of: counts)[0], width], reduced: [steps], operands: [numbers, spans], body: body)[0]
  }
}
