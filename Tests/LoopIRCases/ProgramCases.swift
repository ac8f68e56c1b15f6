import LoopIR
import Support

private let x = Buffer(id: 0, element: .f32)
private let y = Buffer(id: 1, element: .f32)
private func scalar(_ id: Int, _ element: ElementType = .i64) -> Variable { Variable(id: id, type: ValueType(element)) }
private func load(_ buffer: Buffer, _ index: Expr) -> Expr { .load(buffer, index: index, lanes: 1, count: nil) }
private func store(_ buffer: Buffer, _ index: Expr, _ value: Expr) -> Statement {
  .store(buffer, index: index, value: value, count: nil)
}
private func add(_ a: Expr, _ b: Expr) -> Expr { .binary(.add, a, b) }

/// A case of one kernel from `x` to `y`.
private func kernelCase(
  _ name: String, _ input: [Float], _ output: [Float], hasVectors: Bool = false, status: Int32 = 0,
  mayFail: Bool = false, _ body: [Statement]
) -> LoopIRCase {
  let kernel = Kernel(
    name: "work",
    parameters: [Parameter(x, access: .read, alignment: 4), Parameter(y, access: .readWrite, alignment: 4)],
    body: body, mayFail: mayFail)
  return LoopIRCase(
    name: name,
    program: program(kernel, inputs: [port("x", .f32, input.count)], outputs: [port("y", .f32, output.count)]),
    inputs: [bytes(input)], outputs: [bytes(output)], status: status, hasVectors: hasVectors)
}

/// Every statement, and programs with constants, an arena, symbols and control flow in the entry.
public let programCases: [LoopIRCase] =
  statementCases + vectorCases
  + [
    constantsAndArena, symbolic, nested([1, 2, 3, 4], status: 0), nested([1, 2, -3, 4], status: 1), measured,
    entryControl, manyTypes, pieces, emptyProgram,
  ]

private let statementCases: [LoopIRCase] = {
  let i = scalar(0)
  let j = scalar(1)
  let sum = scalar(2, .f32)
  let n = scalar(3)
  let local = Buffer(id: 2, element: .f32)
  let clear = Statement.zero(y, index: .index(0), count: .index(4))
  let accumulate: [Statement] = [
    .declare(sum, .float(0, .f32)),
    .loop(Loop(i, from: .index(0), to: .index(4), body: [.assign(sum, add(.variable(sum), load(x, .variable(i))))])),
    store(y, .index(0), .variable(sum)),
  ]
  let steps = Statement.loop(
    Loop(
      i, from: .index(1), to: .index(7), by: 3, kind: .parallel,
      body: [store(y, .variable(i), add(load(x, .variable(i)), .float(1, .f32)))]))
  let unrolled = Statement.loop(
    Loop(
      i, from: .index(0), to: .index(2), kind: .unrolled,
      body: [
        .loop(
          Loop(
            j, from: .index(0), to: .index(2), kind: .unrolled,
            body: [store(y, add(.binary(.multiply, .variable(i), .index(2)), .variable(j)), load(x, .variable(j)))]))
      ]))
  let branches = Statement.loop(
    Loop(
      i, from: .index(0), to: .index(4),
      body: [
        .conditional(
          .compare(.greater, load(x, .variable(i)), .float(0, .f32)), then: [store(y, .variable(i), .float(1, .f32))],
          otherwise: [store(y, .variable(i), .float(-.infinity, .f32))])
      ]))
  let halving: [Statement] = [
    .declare(n, .index(0)), store(y, .index(0), load(x, .index(0))),
    .whileLoop(
      .compare(.greater, load(y, .index(0)), .float(1, .f32)),
      body: [
        store(y, .index(0), .binary(.multiply, load(y, .index(0)), .float(0.5, .f32))),
        .assign(n, add(.variable(n), .index(1))),
      ]), store(y, .index(1), .cast(.f32, .variable(n))),
  ]
  let scratch: [Statement] = [
    .allocate(local, count: 4), .copy(to: local, index: .index(0), from: x, fromIndex: .index(1), count: .index(3)),
    store(local, .index(3), .float(9, .f32)),
    .copy(to: y, index: .index(0), from: local, fromIndex: .index(0), count: .index(4)),
  ]
  let failing: [Statement] = [
    .conditional(
      .compare(.less, load(x, .index(0)), .float(0, .f32)), then: [.fail(status: Status.indexOutOfRange.rawValue)],
      otherwise: []), store(y, .index(0), .float(2, .f32)),
  ]
  // Lines that are asked for may lie behind the buffer.
  let prefetching = Statement.loop(
    Loop(
      i, from: .index(0), to: .index(3),
      body: [
        .prefetch(x, index: .binary(.multiply, .variable(i), .index(1 << 20))),
        store(y, .variable(i), load(x, .variable(i))),
      ]))
  let reread: [Statement] = [
    .declare(n, .index(2)),
    .loop(
      Loop(
        i, from: .index(0), to: .variable(n),
        body: [.assign(n, .index(0)), store(y, .variable(i), load(x, .variable(i)))])),
  ]
  return [
    kernelCase("zero", [1], [0, 0, 0, 0], [clear]), kernelCase("accumulate", [1, 2, 3, 4], [10], accumulate),
    kernelCase(
      "step", Array(repeating: 1, count: 7), [0, 2, 0, 0, 2, 0, 0],
      [.zero(y, index: .index(0), count: .index(7)), steps]),
    kernelCase("unrolled", [5, 6], [5, 6, 5, 6], [unrolled]),
    kernelCase("conditional", [1, -1, 0, 2], [1, -.infinity, -.infinity, 1], [branches]),
    kernelCase("while", [8], [1, 3], halving), kernelCase("local array", [1, 2, 3, 4], [2, 3, 4, 9], scratch),
    kernelCase("fail", [-1], [0], status: Int32(Status.indexOutOfRange.rawValue), mayFail: true, failing),
    kernelCase("no fail", [1], [2], mayFail: true, failing), kernelCase("bound taken once", [1, 2], [1, 2], reread),
    kernelCase("prefetch", [4, 5, 6], [4, 5, 6], [prefetching]),
  ]
}()

private let vectorCases: [LoopIRCase] = {
  let values: [Float] = [3, -1, 4, 1, -5, 9, 2, -6, 5]
  func whole(_ lanes: Int, at offset: Int = 0) -> Expr { .load(x, index: .index(offset), lanes: lanes, count: nil) }
  func reduction(_ op: LaneReduction, _ lanes: Int, _ expected: Float) -> LoopIRCase {
    kernelCase(
      "reduce \(op) x\(lanes)", values, [expected], hasVectors: lanes > 1,
      [store(y, .index(0), .reduceLanes(op, whole(lanes)))])
  }
  let reductions = [1, 2, 3, 4, 5, 8, 9].flatMap { lanes in
    let part = values.prefix(lanes)
    return [
      reduction(.sum, lanes, part.reduce(0, +)), reduction(.product, lanes, part.reduce(1, *)),
      reduction(.min, lanes, part.min() ?? 0), reduction(.max, lanes, part.max() ?? 0),
    ]
  }
  let bits = Expr.cast(.i32, whole(8))
  let integers: [(LaneReduction, Int32)] = [
    (.sum, 7), (.product, -6480), (.min, -6), (.max, 9), (.and, 0), (.or, -1),
  ]
  let integerReductions = integers.map { op, expected in
    kernelCase(
      "reduce \(op) i32", values, [Float(expected)], hasVectors: true,
      [store(y, .index(0), .cast(.f32, .reduceLanes(op, bits)))])
  }
  let signs = Expr.compare(.less, whole(8), .splat(.float(0, .f32), lanes: 8))
  let flags = [(LaneReduction.and, Float(0)), (.or, 1)].map { op, expected in
    kernelCase(
      "reduce \(op) bool", values, [expected], hasVectors: true,
      [store(y, .index(0), .cast(.f32, .reduceLanes(op, signs)))])
  }
  let reversed = Expr.gather(x, indices: .ramp(.index(7), stride: -1, lanes: 8))
  let product = Expr.multiplyAdd(
    .splat(load(x, .index(0)), lanes: 4), whole(4, at: 1), .splat(.float(1, .f32), lanes: 4))
  return reductions + integerReductions + flags + [
    kernelCase("gather", values, values.prefix(8).reversed(), hasVectors: true, [store(y, .index(0), reversed)]),
    kernelCase(
      "gather x1", values, [4], [store(y, .index(0), .gather(x, indices: .index(2)))]),
    kernelCase(
      "shuffle", values, [3, 3, -1, 3, 3, 1, 1, 4], hasVectors: true,
      [store(y, .index(0), .shuffle(whole(4), [0, 0, 1, 0, 0, 3, 3, 2]))]),
    kernelCase(
      "shuffle x1", values, [4, 4], hasVectors: true, [store(y, .index(0), .shuffle(load(x, .index(2)), [0, 0]))]),
    kernelCase("broadcast", values, [-2, 13, 4, -14], hasVectors: true, [store(y, .index(0), product)]),
    kernelCase(
      "partial x1", values, [3, 0],
      [
        .store(y, index: .index(0), value: .load(x, index: .index(0), lanes: 1, count: .index(1)), count: .index(1)),
        .store(y, index: .index(1), value: .load(x, index: .index(99), lanes: 1, count: .index(0)), count: .index(1)),
        .store(y, index: .index(99), value: .float(7, .f32), count: .index(0)),
      ]),
  ]
}()

/// A constant added through a buffer in the arena.
private let constantsAndArena: LoopIRCase = {
  var model = program(
    Kernel(
      name: "add",
      parameters: [
        Parameter(Buffer(id: 0, element: .f32), access: .read, alignment: 4),
        Parameter(Buffer(id: 1, element: .f32), access: .read, alignment: 64),
        Parameter(Buffer(id: 2, element: .f32), access: .write, alignment: 4),
      ], scalars: [scalar(1)],
      body: [
        .loop(
          Loop(
            scalar(0), from: .index(0), to: .variable(scalar(1)),
            body: [
              store(
                Buffer(id: 2, element: .f32), .variable(scalar(0)),
                add(load(x, .variable(scalar(0))), load(y, .variable(scalar(0)))))
            ]))
      ]), inputs: [port("float", .f32, 3)], outputs: [port("float", .f32, 3)])
  let weights: [Float] = [0.1, 1e-40, .infinity]
  model.constants = [ConstantData(element: .f32, bytes: Bytes(bytes(weights))), ConstantData(element: .u8, bytes: Bytes())]
  model.arenaBytes = .index(128)
  model.storage = [.input(0), .constant(0), .arena(offset: .index(64)), .output(0)]
  let buffers = (0..<4).map { Buffer(id: $0, element: .f32) }
  model.entry = [
    .call(kernel: 0, arguments: [0, 1, 2].map { Argument(buffers[$0]) }, scalars: [.index(3)]),
    .call(
      kernel: 0, arguments: [Argument(buffers[2], offset: .index(1)), Argument(buffers[1]), Argument(buffers[3])],
      scalars: [.index(2)]),
    .copy(to: buffers[3], index: .index(2), from: buffers[0], fromIndex: .index(0), count: .index(1)),
  ]
  let first: [Float] = [1 + 0.1, 2 + 1e-40, .infinity]
  return LoopIRCase(
    name: "constants and arena", program: model, inputs: [bytes([1, 2, 3] as [Float])],
    outputs: [bytes([first[1] + 0.1, first[2] + 1e-40, 1])])
}()

/// A copy of `n` elements through an arena of symbolic size, by a kernel that reads the symbol.
private let symbolic: LoopIRCase = {
  let count = Extent(.symbol("n"), text: "n")
  var model = Program(
    prefix: "case_model", inputs: [Port(name: "in put", element: .f32, extents: [count], documentation: "*/ text")],
    outputs: [Port(name: "output", element: .f32, extents: [count])])
  model.symbols = ["n", "batch size"]
  model.arenaBytes = .binary(.multiply, .symbol("n"), .index(64))
  model.storage = [.input(0), .arena(offset: .index(0)), .output(0)]
  let body: [Statement] = [.copy(to: y, index: .index(0), from: x, fromIndex: .index(0), count: .symbol("n"))]
  model.kernels = [
    Kernel(
      name: "copy", parameters: [Parameter(x, access: .read, alignment: 4), Parameter(y, access: .write, alignment: 4)],
      body: body)
  ]
  let buffers = (0..<3).map { Buffer(id: $0, element: .f32) }
  model.entry = [
    .conditional(
      .compare(.less, .symbol("n"), .index(0)), then: [.fail(status: Status.badDimension.rawValue)], otherwise: []),
    .call(kernel: 0, arguments: [Argument(buffers[0]), Argument(buffers[1])], scalars: []),
    .call(kernel: 0, arguments: [Argument(buffers[1]), Argument(buffers[2])], scalars: []),
  ]
  return LoopIRCase(
    name: "symbolic", program: model, inputs: [bytes([1, 2, 3, 4, 5] as [Float])],
    outputs: [bytes([1, 2, 3, 4, 5] as [Float])], symbols: [5, 2])
}()

/// A kernel that calls another one for both halves of `2 * n` elements; that one reads the symbol, and fails if an element
/// is negative.
private func nested(_ values: [Float], status: Int32) -> LoopIRCase {
  let count = Extent(.binary(.multiply, .symbol("n"), .index(2)), text: "2 * n")
  var model = Program(
    prefix: "case_model", inputs: [Port(name: "x", element: .f32, extents: [count])],
    outputs: [Port(name: "y", element: .f32, extents: [count])])
  model.symbols = ["n"]
  model.storage = [.input(0), .output(0)]
  let i = scalar(0)
  let parameters = [Parameter(x, access: .read, alignment: 4), Parameter(y, access: .write, alignment: 4)]
  let double = Loop(
    i, from: .index(0), to: .symbol("n"),
    body: [
      .conditional(
        .compare(.less, load(x, .variable(i)), .float(0, .f32)), then: [.fail(status: status == 0 ? 1 : Int(status))],
        otherwise: []),
      store(y, .variable(i), add(load(x, .variable(i)), load(x, .variable(i)))),
    ])
  let start = Expr.binary(.multiply, .variable(i), .symbol("n"))
  let halves = Loop(
    i, from: .index(0), to: .index(2),
    body: [
      .call(kernel: 0, arguments: [Argument(x, offset: start), Argument(y, offset: start)], scalars: [])
    ])
  model.kernels = [
    Kernel(name: "double", parameters: parameters, body: [.loop(double)], mayFail: true),
    Kernel(name: "halves", parameters: parameters, body: [.loop(halves)], mayFail: true),
  ]
  model.entry = [.call(kernel: 1, arguments: [Argument(x), Argument(y)], scalars: [])]
  return LoopIRCase(
    name: "nested calls, status \(status)", program: model, inputs: [bytes(values)],
    outputs: [bytes(values.map { $0 + $0 })], symbols: [2], status: status)
}

/// Outputs of a size that the input's first element tells: one with a bound, one that the call allocates.
private let measured: LoopIRCase = {
  let count = Extent(.symbol("count"), text: "count")
  var bounded = Port(name: "bounded", element: .i64, extents: [count])
  bounded.memory = .upTo(.symbol("n"))
  var open = Port(name: "open", element: .i64, extents: [Extent(.index(1), text: "1"), count])
  open.memory = .acquired
  var model = Program(
    prefix: "case_model", inputs: [Port(name: "x", element: .i64, extents: [Extent(.symbol("n"), text: "n")])],
    outputs: [bounded, open])
  model.symbols = ["n"]
  model.derived = [DerivedSymbol("top", .binary(.multiply, .symbol("n"), .index(64)))]
  model.measured = ["count"]
  model.arenaBytes = .binary(.add, .symbol("top"), .index(64))
  model.storage = [.input(0), .output(0), .output(1), .arena(offset: .symbol("top")), .acquired]
  let buffers = (0..<5).map { Buffer(id: $0, element: .i64) }
  func copy(_ to: Int, _ from: Int) -> Statement {
    .copy(to: buffers[to], index: .index(0), from: buffers[from], fromIndex: .index(0), count: .symbol("count"))
  }
  let size = Expr.binary(.multiply, .symbol("count"), .index(8))
  func elements(_ values: [Int64]) -> [UInt8] { bytes(values) }
  model.entry = [
    .store(buffers[3], index: .index(0), value: .load(buffers[0], index: .index(0), lanes: 1, count: nil), count: nil),
    .define("count", .load(buffers[3], index: .index(0), lanes: 1, count: nil)),
    .conditional(
      .compare(.greater, .symbol("count"), .symbol("n")), then: [.fail(status: Status.outputTooSmall.rawValue)],
      otherwise: []),
    .acquire(buffers[2], bytes: size), .acquire(buffers[4], bytes: size),
    copy(4, 0), copy(2, 4), copy(1, 2),
  ]
  let result = [2, 7].flatMap { elements([$0]) }
  return LoopIRCase(
    name: "measured extents", program: model, inputs: [elements([2, 7, 9])], outputs: [result, result],
    symbols: [3], dims: [2, 1, 2])
}()

/// Loops, mutable variables and memory in the entry.
private let entryControl: LoopIRCase = {
  var model = Program(prefix: "case_model", inputs: [port("x", .f32, 4)], outputs: [port("v0", .f32, 4)])
  model.storage = [.input(0), .output(0)]
  let i = scalar(0)
  let n = scalar(1)
  let scratch = Buffer(id: 2, element: .f32)
  model.entry = [
    .declare(n, .index(0)), .allocate(scratch, count: 4), .zero(scratch, index: .index(0), count: .index(4)),
    .loop(
      Loop(
        i, from: .index(0), to: .index(4),
        body: [
          store(scratch, .variable(i), add(load(scratch, .variable(i)), load(x, .variable(i)))),
          .assign(n, add(.variable(n), .index(1))),
        ])),
    .whileLoop(
      .compare(.greater, .variable(n), .index(0)),
      body: [
        .assign(n, .binary(.subtract, .variable(n), .index(1))),
        store(y, .variable(n), load(scratch, .variable(n))),
      ]),
  ]
  let values: [Float] = [4, 3, 2, 1]
  return LoopIRCase(name: "entry control", program: model, inputs: [bytes(values)], outputs: [bytes(values)])
}()

/// Ports of every element type, each copied to an output of the same type.
private let manyTypes: LoopIRCase = {
  let types = ElementType.allCases.filter { $0 != .string }
  let carriers = types.map { type -> ElementType in
    switch type {
    case .c64: .f32
    case .c128: .f64
    case .f16, .bf16: .u16
    case .i2, .i4: .i8
    case .u2, .u4, .f4e2m1, .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .f8e8m0: .u8
    case .bool, .i8, .i16, .i32, .i64, .u8, .u16, .u32, .u64, .f32, .f64, .string: type
    }
  }
  var model = Program(
    prefix: "case_model", inputs: types.map { port("class", $0, 2) }, outputs: types.map { port("CLASS", $0, 2) })
  model.storage = types.indices.map { .input($0) } + types.indices.map { .output($0) }
  model.entry = types.indices.map { index in
    let count = types[index].bytes * 2 / carriers[index].bytes
    return .copy(
      to: Buffer(id: types.count + index, element: carriers[index]), index: .index(0),
      from: Buffer(id: index, element: carriers[index]), fromIndex: .index(0), count: .index(count))
  }
  let data = types.map { [UInt8](repeating: 1, count: $0.bytes * 2) }
  return LoopIRCase(name: "all element types", program: model, inputs: data, outputs: data)
}()

/// A kernel whose parts have three pieces each, each of which computes an element.
private let pieces: LoopIRCase = {
  var model = Program(prefix: "case_model", inputs: [port("x", .f32, 6)], outputs: [port("y", .f32, 6)])
  model.parts = 2
  model.storage = [.input(0), .output(0)]
  let (piece, part) = (scalar(0), scalar(1))
  let double = add(load(x, .variable(piece)), load(x, .variable(piece)))
  model.kernels = [
    Kernel(
      name: "double", parameters: [Parameter(x, access: .read, alignment: 4), Parameter(y, access: .write, alignment: 4)],
      scalars: [piece, part], body: [store(y, .variable(piece), double)])
  ]
  let call = DividedCall(kernel: 0, arguments: [Argument(x), Argument(y)], parts: 2, pieces: 3)
  model.entry = [call.statement(part: part, piece: piece)]
  return LoopIRCase(
    name: "pieces", program: model, inputs: [bytes([1, 2, 3, 4, 5, 6] as [Float])],
    outputs: [bytes([2, 4, 6, 8, 10, 12] as [Float])])
}()

private let emptyProgram: LoopIRCase = {
  var model = Program(prefix: "case_model", inputs: [], outputs: [port("y", .i32, 1)])
  model.storage = [.output(0)]
  model.entry = [store(Buffer(id: 0, element: .i32), .index(0), .integer(-7, .i32))]
  return LoopIRCase(name: "no inputs", program: model, inputs: [], outputs: [bytes([-7] as [Int32])])
}()
