import LoopIR
import Support

/// A port of one dimension.
func port(_ name: String, _ element: ElementType, _ count: Int) -> Port {
  Port(name: name, element: element, extents: [Extent(.index(count), text: "\(count)")])
}

/// A program that runs one kernel on its inputs and outputs in order.
func program(_ kernel: Kernel, inputs: [Port], outputs: [Port]) -> Program {
  var program = Program(prefix: "case_model", inputs: inputs, outputs: outputs)
  program.kernels = [kernel]
  program.storage = inputs.indices.map { .input($0) } + outputs.indices.map { .output($0) }
  let arguments = kernel.parameters.enumerated().map { Argument(Buffer(id: $0, element: $1.buffer.element)) }
  program.entry = [.call(kernel: 0, arguments: arguments, scalars: [])]
  program.modelHash = "00ff"
  return program
}

/// Applies an expression to all elements of its inputs, `lanes` at a time with a partial last vector.
func map<A: Scalar, R: Scalar>(
  _ name: String, _ inputs: [[A]], lanes: Int, result: [R], _ expression: ([Expr]) -> Expr
) -> LoopIRCase {
  let count = result.count
  let i = Variable(id: 0, type: ValueType(.i64))
  let buffers = inputs.indices.map { Buffer(id: $0, element: A.element) }
  let output = Buffer(id: inputs.count, element: R.element)
  let rest: Expr? = lanes == 1 ? nil : .binary(.subtract, .index(count), .variable(i))
  let loads = buffers.map { Expr.load($0, index: .variable(i), lanes: lanes, count: rest) }
  let variables = loads.indices.map { Variable(id: $0 + 1, type: ValueType(A.element, lanes: lanes)) }
  let value = expression(variables.map { .variable($0) })
  let body: [Statement] =
    zip(variables, loads).map { .bind($0, $1) } + [.store(output, index: .variable(i), value: value, count: rest)]
  let kernel = Kernel(
    name: "map",
    parameters: buffers.map { Parameter($0, access: .read, alignment: A.element.bytes) }
      + [Parameter(output, access: .write, alignment: R.element.bytes)],
    body: [.loop(Loop(i, from: .index(0), to: .index(count), by: lanes, body: body))])
  return LoopIRCase(
    name: "\(name) \(A.element) x\(lanes)",
    program: program(
      kernel, inputs: inputs.indices.map { port("x\($0)", A.element, count) },
      outputs: [port("y", R.element, count)]),
    inputs: inputs.map { bytes($0) }, outputs: [bytes(result)], hasVectors: lanes > 1)
}

/// The case for single elements and for vectors.
func maps<A: Scalar, R: Scalar>(
  _ name: String, _ inputs: [[A]], result: [R], _ expression: ([Expr]) -> Expr
) -> [LoopIRCase] {
  [1, 4, 16].map { map(name, inputs, lanes: $0, result: result, expression) }
}

/// A unary operation on some values.
func unary<T: Scalar>(_ op: UnaryOp, _ values: [T], _ expected: (T) -> T) -> [LoopIRCase] {
  maps("\(op)", [values], result: values.map(expected)) { .unary(op, $0[0]) }
}

/// A binary operation on all pairs of values that `isAllowed` keeps.
func binary<T: Scalar>(
  _ op: BinaryOp, _ values: [T], where isAllowed: (T, T) -> Bool = { _, _ in true }, _ expected: (T, T) -> T
) -> [LoopIRCase] {
  var pairs = values.flatMap { a in values.map { (a, $0) } }.filter(isAllowed)
  // A partial vector has zeros in its last lanes, by which division is not allowed.
  if !isAllowed(values[0], values[0]), let last = pairs.last {
    while pairs.count % 16 != 0 { pairs.append(last) }
  }
  return maps("\(op)", [pairs.map(\.0), pairs.map(\.1)], result: pairs.map(expected)) { .binary(op, $0[0], $0[1]) }
}

/// A comparison of all pairs of values.
func compare<T: Scalar>(_ op: CompareOp, _ values: [T], _ expected: (T, T) -> Bool) -> [LoopIRCase] {
  let pairs = values.flatMap { a in values.map { (a, $0) } }
  return maps("\(op)", [pairs.map(\.0), pairs.map(\.1)], result: pairs.map(expected)) { .compare(op, $0[0], $0[1]) }
}

/// A conversion of some values.
func cast<A: Scalar, R: Scalar>(_ values: [A], _ expected: (A) -> R) -> [LoopIRCase] {
  maps("cast to \(R.element)", [values], result: values.map(expected)) { .cast(R.element, $0[0]) }
}

/// A reinterpretation of some values.
func bitcast<A: Scalar, R: Scalar>(_ values: [A], _ expected: (A) -> R) -> [LoopIRCase] {
  maps("bitcast to \(R.element)", [values], result: values.map(expected)) { .bitcast(R.element, $0[0]) }
}
