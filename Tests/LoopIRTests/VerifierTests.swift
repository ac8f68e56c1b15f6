import LoopIR
import LoopIRCases
import Support
import Testing

private let x = Buffer(id: 0, element: .f32)
private let y = Buffer(id: 1, element: .f32)
private let i = Variable(id: 0, type: ValueType(.i64))
private let v = Variable(id: 1, type: ValueType(.f32))
private func load(_ index: Expr, lanes: Int = 1) -> Expr { .load(x, index: index, lanes: lanes, count: nil) }
private func store(_ value: Expr) -> Statement { .store(y, index: .index(0), value: value, count: nil) }

/// A kernel body that breaks a rule and a part of the error.
struct Broken: Sendable, CustomTestStringConvertible {
  var message: String
  var body: [Statement]
  var testDescription: String { message }
}

private let broken = [
  Broken(message: "v0: not defined here", body: [store(load(.variable(i)))]),
  Broken(message: "v1 is introduced twice", body: [.bind(v, load(.index(0))), .bind(v, load(.index(1)))]),
  Broken(message: "v1 is no mutable variable", body: [.bind(v, load(.index(0))), .assign(v, load(.index(1)))]),
  Broken(
    message: "v1: not defined here",
    body: [.loop(Loop(i, from: .index(0), to: .index(2), body: [.bind(v, load(.variable(i)))])), store(.variable(v))]),
  Broken(message: "operands have types f32 and f64", body: [store(.binary(.add, load(.index(0)), .float(1, .f64)))]),
  Broken(
    message: "operands have types f32x4 and f32",
    body: [store(.binary(.add, load(.index(0), lanes: 4), load(.index(0))))]),
  Broken(message: "has type f32, not i64", body: [store(load(.float(1, .f32)))]),
  Broken(message: "sqrt of i64", body: [.bind(i, .unary(.sqrt, .index(4)))]),
  Broken(message: "no literal of its type", body: [store(.cast(.f32, .integer(200, .i8)))]),
  Broken(
    message: "there is no b2 here", body: [.zero(Buffer(id: 2, element: .f32), index: .index(0), count: .index(1))]),
  Broken(
    message: "b1 is used with type i32", body: [.zero(Buffer(id: 1, element: .i32), index: .index(0), count: .index(1))]
  ),
  Broken(message: "b0 is written", body: [.zero(x, index: .index(0), count: .index(1))]),
  Broken(message: "b1 is read", body: [.bind(v, .load(y, index: .index(0), lanes: 1, count: nil))]),
  Broken(message: "there is no b2 here", body: [.prefetch(Buffer(id: 2, element: .f32), index: .index(0))]),
  Broken(message: "has type f32, not i64", body: [.prefetch(x, index: load(.index(0)))]),
  Broken(message: "1 elements of b0 at -1", body: [store(load(.index(-1)))]),
  Broken(
    message: "4 elements of b2 at 2 of 4",
    body: [
      .allocate(Buffer(id: 2, element: .f32), count: 4),
      .zero(Buffer(id: 2, element: .f32), index: .index(2), count: .index(4)),
    ]),
  Broken(message: "0 elements of f32", body: [.allocate(Buffer(id: 2, element: .f32), count: 0)]),
  Broken(message: "step 0", body: [.loop(Loop(i, from: .index(0), to: .index(2), by: 0, body: []))]),
  Broken(
    message: "an unrolled loop has literal bounds",
    body: [.loop(Loop(i, from: .index(0), to: .symbol("n"), kind: .unrolled, body: []))]),
  Broken(message: "$m: not declared", body: [.bind(i, .symbol("m"))]),
  Broken(message: "there is no kernel 0", body: [.call(kernel: 0, arguments: [], scalars: [])]),
  Broken(message: "[0, 4] of f32x4", body: [.bind(v, .shuffle(load(.index(0), lanes: 4), [0, 4]))]),
  Broken(message: "status 0 is success", body: [.fail(status: 0)]),
  Broken(message: "it may fail, but does not say so", body: [.fail(status: 1)]),
]

/// A program of one kernel with the given body.
private func wrapped(_ body: [Statement]) -> Program {
  var program = Program(prefix: "m", inputs: [], outputs: [])
  program.symbols = ["n"]
  program.kernels = [
    Kernel(
      name: "work",
      parameters: [Parameter(x, access: .read, alignment: 64), Parameter(y, access: .write, alignment: 4)], body: body)
  ]
  program.arenaBytes = .index(256)
  program.storage = [.arena(offset: .index(0)), .arena(offset: .index(128))]
  return program
}

@Suite("Verifier of Loop IR") struct VerifierTests {
  @Test("accepts the cases", arguments: operationCases + programCases) func accepts(_ test: LoopIRCase) throws {
    try verify(test.program)
  }

  @Test("rejects bodies", arguments: broken) func rejects(_ test: Broken) {
    #expect(message(wrapped(test.body)).contains(test.message), "\(message(wrapped(test.body)))")
  }

  @Test("rejects entries") func entries() {
    func call(_ arguments: Argument..., kernel: Int = 0) -> String {
      var program = wrapped([store(load(.index(0)))])
      program.entry = [.call(kernel: kernel, arguments: arguments, scalars: [])]
      return message(program)
    }
    #expect(call(Argument(x), Argument(y)) == "")
    #expect(call(Argument(x)).contains("1 buffers and 0 scalars for 2 and 0"))
    #expect(call(kernel: 1).contains("there is no kernel 1"))
    #expect(call(Argument(x, offset: .index(1)), Argument(y)).contains("b0 + 1 is not aligned to 64 bytes"))
    #expect(call(Argument(x), Argument(Buffer(id: 1, element: .i32))).contains("b1 of i32 for f32"))
    #expect(call(Argument(x), Argument(x)).contains("b0 is written and passed twice"))
    var program = wrapped([])
    program.storage = [.arena(offset: .index(32))]
    #expect(message(program).contains("b0 lies at 32 of the arena"))
    program.storage = [.input(0)]
    #expect(message(program).contains("no input 0"))
  }

  @Test("rejects calls of functions outside of the program") func externals() {
    func call(_ arguments: ExternalArgument..., function: Int = 0) -> String {
      var program = wrapped([store(load(.index(0)))])
      program.externals = [
        ExternalFunction(
          name: "f", parameters: [.init("x", .input, .f32), .init("n", .value, .i64), .init("y", .output, .f32)],
          documentation: "")
      ]
      program.storage[0] = .arena(offset: .index(0))
      program.entry = [.external(function: function, arguments: arguments)]
      return message(program)
    }
    let (from, to) = (ExternalArgument.place(Argument(x)), ExternalArgument.place(Argument(y, offset: .index(2))))
    #expect(call(from, .value(.index(3)), to) == "")
    #expect(call(.absent, .value(.index(3)), to) == "")
    #expect(call(from, .value(.index(3))).contains("2 arguments for f("))
    #expect(call(from, .value(.float(3, .f32)), to).contains("has type f32, not i64"))
    #expect(call(from, .value(.index(3)), .absent).contains("null for output y"))
    #expect(call(.value(.index(3)), .value(.index(3)), to).contains("3 for input x"))
    #expect(call(.place(Argument(Buffer(id: 0, element: .f64))), .value(.index(3)), to).contains("b0 of f64 for x"))
    #expect(call(function: 1).contains("there is no x1"))
  }

  private func message(_ program: Program) -> String {
    do throws(LoopVerificationError) {
      try verify(program)
      return ""
    } catch { return error.description }
  }
}
