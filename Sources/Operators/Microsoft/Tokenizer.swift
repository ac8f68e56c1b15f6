import ONNXReader
import Support
import TensorIR

/// Strings cut into tokens: what a pattern matches, what is between matches of separators, or single characters.
///
/// Matches are the longest ones; what earlier separators leave is cut by later ones. Rows with fewer tokens than others are filled up.
struct Tokenizer: ContainerOperator {
  let name = OperatorName("Tokenizer", domain: "com.microsoft", versions: 1)

  func buildValues(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ImportedValue] {
    let given = try node.strings(0)
    let shape = b.shape(of: given)
    guard shape.count == 1 || shape.count == 2 else { throw .invalid("the strings have shape \(shape), not [C] or [N, C]") }
    let cutter = try TextCutter(node)
    guard let isMarked = try node.int("mark") else { throw .invalid("attribute 'mark' is missing") }
    if shape.contains(0) {
      // Without strings ONNX Runtime has no axis for their tokens.
      return [.strings(ImportedStrings(spans: b.reshape(given.spans, shape.dropLast() + [0]), bytes: given.bytes))]
    }
    let x = ImportedStrings(spans: b.reshape(given.spans, [shape.product]), bytes: given.bytes)
    let tokens = try b.tokens(x, cutter)
    guard case .string(let pad)? = node.definition.attributes["pad_value"] else {
      throw .invalid("attribute 'pad_value' is missing")
    }
    let result = b.padded(tokens, x.bytes, pad: Array(pad), isMarked: isMarked != 0)
    return [.strings(ImportedStrings(spans: b.reshape(result.spans, shape + [b.shape(of: result)[1]]), bytes: result.bytes))]
  }
}

/// How text is cut.
private struct TextCutter {
  /// What is matched, one after the other.
  var automata: [ByteAutomaton]
  /// Whether tokens are what is between matches.
  var matchesSeparators: Bool
  /// The least number of characters in a token.
  var shortest: Int

  init(_ node: OperatorNode) throws(ModelError) {
    guard let shortest = try node.int("mincharnum"), shortest >= 1 else {
      throw .invalid("attribute 'mincharnum' is missing or not positive")
    }
    self.shortest = shortest
    let separators = try node.strings("separators") ?? []
    matchesSeparators = !separators.isEmpty && separators != [""]
    if let expression = try node.string("tokenexp"), !expression.isEmpty {
      guard separators.isEmpty else { throw .invalid("attributes 'separators' and 'tokenexp' exclude each other") }
      automata = [try Self.automaton(try RegularExpression(expression))]
    } else if separators == [""] {
      guard shortest == 1 else { throw .invalid("attribute 'mincharnum' is \(shortest), but tokens are single characters") }
      automata = [try ByteAutomaton(.oneOf(RegularExpression.any))]
    } else {
      guard !separators.isEmpty else { throw .invalid("attribute 'separators' or 'tokenexp' is missing") }
      automata = []
      for stage in try Self.stages(separators) { automata.append(try Self.automaton(stage)) }
    }
  }

  /// The separators in turn, neighbours that match single characters as one.
  private static func stages(_ separators: [String]) throws(ModelError) -> [RegularExpression] {
    var stages: [RegularExpression] = []
    for separator in separators {
      let next = try RegularExpression(separator)
      if case .oneOf(let own) = next, case .oneOf(let others)? = stages.last {
        stages[stages.count - 1] = .oneOf(ScalarRanges.normalized(others + own))
      } else {
        stages.append(next)
      }
    }
    return stages
  }

  private static func automaton(_ expression: RegularExpression) throws(ModelError) -> ByteAutomaton {
    guard !expression.looksAround else {
      throw .unsupported("a pattern that asks for the ends of text or words is not supported", hint: "match characters alone")
    }
    return try ByteAutomaton(expression)
  }
}

extension GraphBuilder {
  /// The tokens of a vector of strings as a matrix of spans, and how many there are of each string.
  fileprivate mutating func tokens(_ x: ImportedStrings, _ cutter: TextCutter) throws(ModelError)
    -> (spans: ValueID, counts: ValueID)
  {
    let shape = shape(of: x)
    let steps = longest(x) + 1
    var lengths = try matchLengths(x, cutter.automata[0], steps)
    for automaton in cutter.automata.dropFirst() {
      let first = chosen(lengths)
      let second = try matchLengths(x, automaton, steps, excluding: first.isCovered)
      lengths = try elementwise([first.lengths, second]) { $0.binary(.max, $1[0], $1[1]) }
    }
    // Tokens that are not empty have a character.
    let characters = cutter.shortest > 1 ? try charactersBefore(x, steps) : nil
    var inner = GraphBuilder(inside: self)
    let step = inner.input(TensorType(.i64, []))
    // The number of tokens so far, where the next match may begin, and where the current token began.
    let states = (0..<3).map { _ in inner.input(TensorType(.i64, shape)) }
    let match = inner.input(TensorType(.i64, shape))
    let spans = inner.input(TensorType(.i64, shape))
    let starts = characters.map { inner.input(type(of: $0)) }
    let results = (0..<5).map { result in
      var body = ScalarGraph()
      let row: [ScalarID] = [body.axis(0)]
      let position = body.read(0, [], type: .i64)
      let state: [ScalarID] = (1...3).map { body.read($0, row, type: .i64) }
      let (length, span) = (body.read(4, row, type: .i64), body.read(5, row, type: .i64))
      let count = body.count(ofSpan: span)
      let mayMatch = body.all([
        body.compare(.greater, length, body.integer(0)), body.compare(.greaterOrEqual, position, state[1]),
      ])
      let next = body.plus(position, length)
      let isEnd = body.compare(.equal, position, count)
      let begin = cutter.matchesSeparators ? state[2] : position
      let end = cutter.matchesSeparators ? position : next
      func before(_ place: ScalarID) -> ScalarID {
        starts == nil ? place : body.read(6, row + [body.clamped(place, extent: steps)], type: .i64)
      }
      let size = body.minus(before(end), before(begin))
      let isToken = body.all([
        cutter.matchesSeparators ? body.any([mayMatch, isEnd]) : mayMatch,
        body.compare(.greaterOrEqual, size, body.integer(cutter.shortest)),
      ])
      let token = body.span(start: body.plus(body.start(ofSpan: span), begin), count: body.minus(end, begin))
      let values = [
        body.plus(state[0], body.cast(isToken, to: .i64)), body.select(mayMatch, next, state[1]),
        body.select(mayMatch, next, state[2]), body.select(isToken, state[0], body.integer(-1)), token,
      ]
      body.results = [values[result]]
      return inner.map(shape, body, [step] + states + [match, spans] + (starts.map { [$0] } ?? []))
    }
    let scan = Scan(
      length: steps, carried: 3, scanned: 1, reversedInputs: [false], reversedOutputs: [false, false],
      body: inner.finish(outputs: results))
    let zeros = try broadcast(scalar(0, .i64), to: shape)
    let captured = [x.spans] + (characters.map { [$0] } ?? [])
    let scanned = add(.scan(scan), [zeros, zeros, zeros, lengths] + captured)
    return (parts(scanned[3], scanned[4], scanned[0]), scanned[0])
  }

  /// The matches that do not overlap with earlier ones, and whether a match covers a position.
  private mutating func chosen(_ lengths: ValueID) -> (lengths: ValueID, isCovered: ValueID) {
    let row = Array(shape(of: lengths).dropFirst())
    var inner = GraphBuilder(inside: self)
    let operands = [
      inner.input(TensorType(.i64, [])), inner.input(TensorType(.i64, row)), inner.input(TensorType(.i64, row)),
    ]
    let results = (0..<3).map { result in
      var body = ScalarGraph()
      let position = body.read(0, [], type: .i64)
      let (end, length) = (body.read(1, [body.axis(0)], type: .i64), body.read(2, [body.axis(0)], type: .i64))
      let own = body.select(body.compare(.greaterOrEqual, position, end), length, body.integer(0))
      let next = body.binary(.max, end, body.plus(position, own))
      body.results = [[next, own, body.compare(.less, position, next)][result]]
      return inner.map(row, body, operands)
    }
    let scan = Scan(
      length: shape(of: lengths)[0], carried: 1, scanned: 1, reversedInputs: [false], reversedOutputs: [false, false],
      body: inner.finish(outputs: results))
    var zero = ScalarGraph()
    zero.results = [zero.integer(0)]
    let scanned = add(.scan(scan), [map(row, zero, []), lengths])
    return (scanned[1], scanned[2])
  }

  /// The number of bytes in the longest match at every position of every string, `[steps, strings]`; no match goes over
  /// excluded positions.
  private mutating func matchLengths(
    _ x: ImportedStrings, _ automaton: ByteAutomaton, _ steps: Dim, excluding isExcluded: ValueID? = nil
  ) throws(ModelError) -> ValueID {
    let rows = shape(of: x)[0]
    let tables = AutomatonTables(automaton, staysAtEnd: false)
    // Twice as many kinds as there are positions, so that no position has to ask how far the text goes.
    var bytes = ScalarGraph()
    let (position, row) = (bytes.axis(0), bytes.axis(1))
    let kind = tables.kind(bytes.byte(1, ofSpan: bytes.read(0, [row], type: .i64), at: position), table: 2, &bytes)
    var isInside = bytes.compare(.less, position, bytes.dim(steps))
    if isExcluded != nil {
      let isFree = bytes.unary(.not, bytes.read(3, [position, row], outside: bytes.integer(1, .bool), type: .bool))
      isInside = bytes.binary(.and, isInside, isFree)
    }
    bytes.results = [bytes.select(isInside, kind, bytes.integer(tables.end, .i32))]
    let operands = [x.spans, x.bytes, constant(tables.kinds)] + (isExcluded.map { [$0] } ?? [])
    let kinds = map([steps * 2, rows], bytes, operands)
    // All positions lie in one axis: a step is a distance in memory, and vectors do not end with a string.
    let shape = [steps * rows]
    var inner = GraphBuilder(inside: self)
    let step = inner.input(TensorType(.i64, []))
    _ = inner.input(TensorType(.bool, []))
    let (state, best) = (inner.input(TensorType(.i32, shape)), inner.input(TensorType(.i32, shape)))
    let given = inner.input(TensorType(.i32, [steps * 2 * rows]))
    var body = ScalarGraph()
    let here = body.axis(0)
    let there = body.plus(here, body.times(body.read(0, [], type: .i64), body.dim(rows)))
    body.results = [tables.next(body.read(1, [here], type: .i32), body.read(2, [there], type: .i32), table: 3, &body)]
    let next = inner.map(shape, body, [step, state, given, inner.constant(tables.transitions)])
    let longest = try inner.elementwise([next, step, best]) { graph, values in
      graph.select(graph.accepts(values[0]), graph.cast(graph.plus(values[1], graph.integer(1)), to: .i32), values[2])
    }
    var lives = ScalarGraph()
    let isAlive = lives.compare(.notEqual, lives.read(0, [lives.axis(0)], type: .i32), lives.integer(tables.dead, .i32))
    lives.results = [lives.cast(isAlive, to: .i32)]
    let alive = inner.reduce(
      .max, shape: [], reduced: shape, operands: [next], body: lives,
      epilogue: { graph, values in [graph.compare(.greater, values[0], graph.integer(0, .i32))] })[0]
    let scan = Scan(
      length: steps, carried: 3, scanned: 0, reversedInputs: [], reversedOutputs: [], stopsEarly: true,
      body: inner.finish(outputs: [alive, next, longest]))
    let first = try broadcast(scalar(Double(tables.first), .i32), to: shape)
    let none = try broadcast(scalar(0, .i32), to: shape)
    let lengths = add(.scan(scan), [scalar(1, .bool), first, none, reshape(kinds, [steps * 2 * rows])])[2]
    return try cast(reshape(lengths, [steps, rows]), to: .i64)
  }

  /// The number of characters that begin before every position of every string.
  private mutating func charactersBefore(_ x: ImportedStrings, _ steps: Dim) throws(ModelError) -> ValueID {
    let shape = shape(of: x) + [steps]
    var body = ScalarGraph()
    let byte = body.byte(1, ofSpan: body.read(0, [body.axis(0)], type: .i64), at: body.axis(1))
    let isTail = body.compare(.equal, body.binary(.and, byte, body.integer(0xc0, .i32)), body.integer(0x80, .i32))
    body.results = [body.cast(body.unary(.not, isTail), to: .i64)]
    let starts = map(shape, body, [x.spans, x.bytes])
    return try running(starts, axis: 1, .add, start: 0, isExclusive: true)
  }

  /// Tokens between marks, on request, and followed by padding.
  fileprivate mutating func padded(
    _ tokens: (spans: ValueID, counts: ValueID), _ bytes: ValueID, pad: [UInt8], isMarked: Bool
  ) -> ImportedStrings {
    let own = ImportedStrings(spans: tokens.spans, bytes: bytes)
    let extra = strings([pad, [2], [3]])
    let merged = merged([own, extra])
    let shape = shape(of: own)
    var body = ScalarGraph()
    let (row, column) = (body.axis(0), body.axis(1))
    let count = body.read(1, [row], type: .i64)
    let place = isMarked ? body.plus(column, body.integer(-1)) : column
    func fixed(_ index: Int) -> ScalarID { body.read(2, [body.integer(index)], type: .i64) }
    let token = body.read(0, [row, place], outside: body.integer(0), type: .i64)
    var result = body.select(body.compare(.less, place, count), token, fixed(0))
    if isMarked {
      result = body.select(body.compare(.equal, place, count), fixed(2), result)
      result = body.select(body.compare(.equal, column, body.integer(0)), fixed(1), result)
    }
    body.results = [result]
    // Without any token there is nothing to mark, as in ONNX Runtime.
    let marks = isMarked ? Dim.minimum(shape[1], 1) * 2 : 0
    let spans = map(
      [shape[0], shape[1] + marks], body, [merged[0].spans, tokens.counts, merged[1].spans])
    return ImportedStrings(spans: spans, bytes: merged[0].bytes)
  }
}
