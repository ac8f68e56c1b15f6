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
struct AutomatonTables {
  /// The state that takes the place of failure, so that all transitions are indices.
  let dead: Int
  let classCount: Int
  /// The next state by state and class of a byte.
  let transitions: ConstantTensor
  let classes: ConstantTensor
  let accepts: ConstantTensor

  init(_ automaton: ByteAutomaton) {
    dead = automaton.accepts.count
    classCount = automaton.classCount
    let (dead, classCount) = (dead, classCount)
    transitions = ConstantTensor(
      .i16, dims: [(dead + 1) * classCount],
      integers: automaton.transitions.map { $0 < 0 ? dead : $0 } + [Int](repeating: dead, count: classCount))
    classes = ConstantTensor(.u8, dims: [256], integers: automaton.classes)
    accepts = ConstantTensor(.bool, dims: [dead + 1], integers: automaton.accepts.map { $0 ? 1 : 0 } + [0])
  }

  /// The state after a byte, given the operand that holds `transitions`, which `classes` follow; the end of text fails.
  func next(_ state: ScalarID, _ byte: ScalarID, table: Int, _ body: inout ScalarGraph) -> ScalarID {
    let before = body.clamped(state, extent: Dim(dead + 1))
    let isBeyond = body.compare(.less, byte, body.integer(0, .i32))
    let place = body.cast(body.binary(.max, byte, body.integer(0, .i32)), to: .i64)
    let kind = body.cast(body.read(table + 1, [place], type: .u8), to: .i64)
    let index = body.plus(body.times(before, body.integer(classCount)), kind)
    return body.select(isBeyond, body.integer(dead), body.cast(body.read(table, [index], type: .i16), to: .i64))
  }
}

extension GraphBuilder {
  fileprivate mutating func matches(_ x: ImportedStrings, _ automaton: ByteAutomaton) throws(ModelError) -> ValueID {
    let shape = shape(of: x)
    let length = longest(x)
    let tables = AutomatonTables(automaton)
    var inner = GraphBuilder(inside: self)
    let step = inner.input(TensorType(.i64, []))
    let state = inner.input(TensorType(.i64, shape))
    let spans = inner.input(TensorType(.i64, shape))
    let bytes = inner.input(type(of: x.bytes))
    var body = ScalarGraph()
    let row = [body.axis(0)]
    let before = body.read(1, row, type: .i64)
    let byte = body.byte(3, ofSpan: body.read(2, row, type: .i64), at: body.read(0, [], type: .i64))
    let isBeyond = body.compare(.less, byte, body.integer(0, .i32))
    body.results = [body.select(isBeyond, before, tables.next(before, byte, table: 4, &body))]
    let next = inner.map(
      shape, body, [step, state, spans, bytes, inner.constant(tables.transitions), inner.constant(tables.classes)])
    let scan = Scan(
      length: length, carried: 1, scanned: 0, reversedInputs: [], reversedOutputs: [],
      body: inner.finish(outputs: [next]))
    let last = add(.scan(scan), [try broadcast(scalar(0, .i64), to: shape), x.spans, x.bytes])[0]
    return gathered(tables.accepts, last)
  }
}
