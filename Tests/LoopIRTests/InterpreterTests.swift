import LoopIR
import LoopIRCases
import Support
import Testing

@Suite("Interpreter of Loop IR") struct InterpreterTests {
  @Test("gives what the back ends give", arguments: operationCases + programCases) func cases(_ test: LoopIRCase) throws
  {
    let result = try test.program.interpret(inputs: test.inputs, symbols: test.symbols.map { Int($0) })
    #expect(result.status == Int(test.status))
    if result.status == 0 { #expect(result.outputs == test.outputs) }
  }

  private let x = Buffer(id: 0, element: .f32)
  private let y = Buffer(id: 1, element: .f32)

  /// What running statements from one input of two elements to an output of two says.
  private func fault(_ body: [Statement]) -> String {
    let extent = Extent(.index(2), text: "2")
    var program = Program(
      prefix: "m", inputs: [Port(name: "x", element: .f32, extents: [extent])],
      outputs: [Port(name: "y", element: .f32, extents: [extent])])
    program.storage = [.input(0), .output(0)]
    program.entry = body
    do throws(InterpretationError) {
      _ = try program.interpret(inputs: [Array(repeating: 0, count: 8)])
      return ""
    } catch { return error.description }
  }

  @Test("finds wrong accesses") func accesses() {
    func load(_ buffer: Buffer, _ index: Int, lanes: Int = 1) -> Expr {
      .load(buffer, index: .index(index), lanes: lanes, count: nil)
    }
    func store(_ value: Expr, at index: Int = 0) -> Statement {
      .store(y, index: .index(index), value: value, count: nil)
    }
    #expect(fault([store(load(x, 0, lanes: 2))]) == "")
    #expect(fault([store(load(x, 0))]).contains("byte 4 of output 0 is not written"))
    #expect(fault([store(load(x, 2))]).contains("4 bytes at 8 of 8"))
    #expect(fault([store(load(x, 1, lanes: 2))]).contains("4 bytes at 8 of 8"))
    #expect(fault([store(load(x, -1))]).contains("4 bytes at -4 of 8"))
    #expect(fault([store(load(x, 0), at: 2)]).contains("4 bytes at 8 of 8"))
    #expect(fault([store(load(y, 1))]).contains("byte 4 is read unwritten"))
    #expect(fault([.zero(y, index: .index(1), count: .index(2))]).contains("4 bytes at 8 of 8"))
    let zero = Expr.cast(.i32, load(x, 0))
    #expect(fault([store(.cast(.f32, .binary(.divide, zero, zero)))]).contains("divide of 0 and 0"))
  }
}
