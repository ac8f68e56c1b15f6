import Support
import TensorIR

/// Whether a regular expression matches whole strings.
struct RegexFullMatch: ContainerOperator {
  let name = OperatorName("RegexFullMatch", versions: 20)

  func buildValues(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ImportedValue] {
    let x = try node.strings(0)
    guard let pattern = try node.string("pattern") else { throw .invalid("attribute 'pattern' is missing") }
    let automaton = try ByteAutomaton(try RegularExpression(pattern))
    let shape = b.shape(of: x)
    let flat = ImportedStrings(spans: b.reshape(x.spans, [shape.product]), bytes: x.bytes)
    return [.tensor(b.reshape(try b.matches(flat, automaton), shape))]
  }
}

/// An automaton as constants.
///
/// A state is a code: where its transitions begin, times 2, with 1 more where text may end.
struct AutomatonTables {
  /// The codes of the first state, and of the one that takes the place of failure.
  let first: Int
  let dead: Int
  /// The kind of the end of text; the kinds of bytes are below.
  let end: Int
  /// The code of the next state by state and kind.
  let transitions: ConstantTensor
  /// The kinds of bytes.
  let kinds: ConstantTensor

  /// Behind the end of text an automaton stays in its state, or fails.
  init(_ automaton: ByteAutomaton, staysAtEnd: Bool) {
    let states = automaton.accepts.count
    let (end, width) = (automaton.classCount, automaton.classCount + 1)
    func code(_ state: Int) -> Int {
      state < 0 || state == states ? states * width * 2 : state * width * 2 + (automaton.accepts[state] ? 1 : 0)
    }
    first = code(0)
    dead = code(states)
    self.end = end
    var codes: [Int] = []
    for state in 0...states {
      for kind in 0..<end { codes.append(code(state == states ? states : automaton.transitions[state * end + kind])) }
      codes.append(code(staysAtEnd ? state : states))
    }
    transitions = ConstantTensor(.i32, dims: [codes.count], integers: codes)
    kinds = ConstantTensor(.u8, dims: [256], integers: automaton.classes)
  }

  /// The kind of a byte, which is negative behind the end of text, given the operand that holds `kinds`.
  func kind(_ byte: ScalarID, table: Int, _ body: inout ScalarGraph) -> ScalarID {
    let place = body.cast(body.binary(.max, byte, body.integer(0, .i32)), to: .i64)
    let kind = body.cast(body.read(table, [place], type: .u8), to: .i32)
    return body.select(body.compare(.less, byte, body.integer(0, .i32)), body.integer(end, .i32), kind)
  }

  /// The state behind a byte of a kind, given the operand that holds `transitions`.
  func next(_ state: ScalarID, _ kind: ScalarID, table: Int, _ body: inout ScalarGraph) -> ScalarID {
    let start = body.binary(.shiftRight, state, body.integer(1, .i32))
    return body.read(table, [body.cast(body.plus(start, kind), to: .i64)], type: .i32)
  }
}

extension ScalarGraph {
  /// Whether text may end in a state of an automaton.
  mutating func accepts(_ state: ScalarID) -> ScalarID {
    compare(.notEqual, binary(.and, state, integer(1, .i32)), integer(0, .i32))
  }
}

extension GraphBuilder {
  fileprivate mutating func matches(_ x: ImportedStrings, _ automaton: ByteAutomaton) throws(ModelError) -> ValueID {
    let shape = shape(of: x)
    let length = longest(x)
    let tables = AutomatonTables(automaton, staysAtEnd: true)
    var inner = GraphBuilder(inside: self)
    let step = inner.input(TensorType(.i64, []))
    let state = inner.input(TensorType(.i32, shape))
    let spans = inner.input(TensorType(.i64, shape))
    let bytes = inner.input(type(of: x.bytes))
    var body = ScalarGraph()
    let row = [body.axis(0)]
    let byte = body.byte(3, ofSpan: body.read(2, row, type: .i64), at: body.read(0, [], type: .i64))
    body.results = [tables.next(body.read(1, row, type: .i32), tables.kind(byte, table: 5, &body), table: 4, &body)]
    let next = inner.map(
      shape, body, [step, state, spans, bytes, inner.constant(tables.transitions), inner.constant(tables.kinds)])
    let scan = Scan(
      length: length, carried: 1, scanned: 0, reversedInputs: [], reversedOutputs: [],
      body: inner.finish(outputs: [next]))
    let first = try broadcast(scalar(Double(tables.first), .i32), to: shape)
    let last = add(.scan(scan), [first, x.spans, x.bytes])[0]
    return try elementwise([last]) { $0.accepts($1[0]) }
  }
}
