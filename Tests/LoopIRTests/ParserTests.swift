import LoopIR
import LoopIRCases
import Support
import Testing

private let folder = String(#filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }) + "/Golden"

/// A wrong kernel and the error that it gives.
struct Malformed: Sendable, CustomTestStringConvertible {
  var text: String
  var error: String
  var testDescription: String { error }

  init(_ body: String, _ error: String) {
    text = "kernel work(b0: read f32 align 4, v0: i64) {\n\(body)\n}"
    self.error = error
  }
}

private let malformed = [
  Malformed("v1 = 2", "2:1: v1 is not defined here"), Malformed("b1[0] = 1.0:f32", "2:1: b1 is not defined here"),
  Malformed("let v1: f32y = 1.0:f32", "2:9: a type expected, not 'f32y'"),
  Malformed("let v1: f32 = b0[0 : v0]", "2:22: a number of lanes expected"),
  Malformed("let v1: f32 = (b0[0] ~ 1)", "2:22: unexpected '~'"),
  Malformed("let v1: f32 = (b0[0] = 1)", "2:22: '=' is no operator"),
  Malformed("let v1: f32 = frob(v0)", "2:15: 'frob' is no function of 1 operands"),
  Malformed("let v1: i64 = 1.5", "2:15: an integer expected, not '1.5'"),
  Malformed("let v1: i32 = 1.5:i32", "2:15: '1.5' is no integer"),
  Malformed("for v1 in 0 .. 4 {}", "2:13: '..<' expected, not '.'"), Malformed("call k0(b0)", "2:6: there is no k0"),
  Malformed("if (v0 < 1) {", "3:2: a statement expected, not the end"),
  Malformed("let v1: i64 = " + String(repeating: "(1 + ", count: 300), "2:1006: nested too deep"),
]

@Suite("Text of Loop IR") struct ParserTests {
  @Test("programs parse to themselves", arguments: operationCases + programCases) func cases(_ test: LoopIRCase) throws
  {
    let text = test.program.description
    let parsed = try Program(parsing: text) { number, _ in test.program.constants[number].bytes }
    #expect(parsed.description == text)
    #expect(parsed.kernels == test.program.kernels || text.contains("nan"))
    #expect(parsed.entry == test.program.entry)
    #expect(parsed.storage == test.program.storage)
    for (number, kernel) in test.program.kernels.enumerated() {
      let earlier = Array(test.program.kernels[..<number])
      #expect(try Kernel(parsing: kernel.description, calling: earlier).description == kernel.description)
    }
  }

  @Test("golden texts print as they were", arguments: ["attention", "classifier", "residual_block"])
  func golden(_ model: String) throws {
    let text = try InputFile.text(path: "\(folder)/\(model)/20-schedule.txt")
    let program = try Program(parsing: text) { _, count in Bytes([UInt8](repeating: 0, count: count)) }
    try verify(program)
    #expect(program.description + "\n" == text)
  }

  @Test("programs that call functions outside of them") func externals() throws {
    let text = """
      program p(x: f32[$n]) -> (y: f32[$n])
      symbols n
      arena 0
      b0: f32 is input 0
      b1: f32 is output 0
      x0: scale(x: input f32, bias: input f32, gain: value f32, n: value i64, y: output f32) "my::scale(\\"x\\")"
      k0: kernel work(b0: read f32 align 4) scalar {
      }
      entry {
        external x0(b0 + 2, null, 1.5:f32, $n, b1)
      }
      """
    let program = try Program(parsing: text) { _, _ in nil }
    #expect(program.description == text)
    try verify(program)
    #expect(throws: InterpretationError.self) { try program.interpret(inputs: [[0, 0, 0, 0]], symbols: [1]) }
    for (wrong, message) in [("x0(b0", "there is no x1"), ("(b0 + 2, null, ", "")] {
      let changed = text.replacing(wrong, with: wrong == "x0(b0" ? "x1(b0" : "(")
      let error = #expect(throws: ParseError.self) { try Program(parsing: changed) { _, _ in nil } }
      #expect(error?.description.contains(message) == true)
    }
  }

  @Test("wrong texts give errors", arguments: malformed) func errors(_ test: Malformed) {
    do throws(ParseError) {
      _ = try Kernel(parsing: test.text)
      Issue.record("the text is accepted")
    } catch { #expect(error.description == test.error) }
  }

  @Test("texts with one token less or more never crash", arguments: programCases) func mutations(_ test: LoopIRCase) {
    let words = test.program.description.split(separator: " ", omittingEmptySubsequences: false)
    for position in words.indices {
      for copies in [0, 2] {
        var changed = words
        changed.replaceSubrange(position...position, with: Array(repeating: words[position], count: copies))
        let program = try? Program(parsing: changed.joined(separator: " ")) { _, count in
          Bytes(count: min(count, 1000)) { _ in }
        }
        if let program { try? verify(program) }
      }
    }
  }
}
