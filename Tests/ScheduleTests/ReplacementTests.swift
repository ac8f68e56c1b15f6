import LoopIR
import Schedule
import Support
import TensorIR
import Testing

/// A step that reads an intermediate result for the last time, and whether it writes its own result over that.
private struct Sample: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var replaces: Bool
  var rows = 32
  var terms = 32
  var element = ElementType.f32
  /// The nodes behind %2, the intermediate result.
  var text: String

  func graph() throws -> Graph {
    let weights = (0..<32 * terms).map { "\(($0 * 5) % 7 - 3)" + (element == .f32 ? ".0" : "") }.joined(separator: ", ")
    let last = text.contains("%4 =") ? 4 : 3
    let (data, factor) = element == .f32 ? ("f32", "f32") : ("u8", "i8")
    return try Graph(
      parsing: """
        %0 = input \(data)[\(rows), \(terms)]
        %1 = constant <\(weights)> : \(factor)[32, \(terms)]
        %2 = map(%0) { s0 = read 0[d0, d1]; s1 = cast \(element) s0; s2 = add s1, s1; yield s2 } \
        : \(element)[\(rows), 32]
        \(text)
        %\(last + 1) = map(%\(last)) { s0 = subtract i64 31, d1; s1 = read 0[d0, s0]; yield s1 } \
        : \(element)[\(rows), 32]
        return %\(last + 1)
        """)
  }
}

private func product(
  _ factors: String, rows: Int, terms: Int = 32, _ epilogue: String, _ element: ElementType = .f32
) -> String {
  "contract(\(factors)) \(element == .f32 ? "f32" : "i32") [\(terms)] lhs [d0, d2] rhs [d1, d2] then { \(epilogue) } "
    + ": \(element)[\(rows), 32]"
}

private let sum = "s0 = read 2[d0, d1]; s1 = add s0, acc0; yield s1"

private let replacements = [
  Sample(
    testDescription: "a map", replaces: true,
    text: "%3 = map(%2) { s0 = read 0[d0, d1]; s1 = multiply s0, s0; yield s1 } : f32[32, 32]"),
  Sample(
    testDescription: "a map of other elements", replaces: false,
    text: """
      %3 = map(%2) { s0 = subtract i64 31, d1; s1 = read 0[d0, s0]; s2 = multiply s1, s1; yield s2 } : f32[32, 32]
      """),
  Sample(
    testDescription: "a map of other bytes", replaces: false,
    text: """
      %3 = map(%2) { s0 = read 0[d0, d1]; s1 = cast f64 s0; yield s1 } : f64[32, 32]
      %4 = map(%3) { s0 = read 0[d0, d1]; s1 = cast f32 s0; yield s1 } : f32[32, 32]
      """),
  Sample(
    testDescription: "a map that is not the last to read", replaces: false,
    text: """
      %3 = map(%2) { s0 = read 0[d0, d1]; s1 = multiply s0, s0; yield s1 } : f32[32, 32]
      %4 = map(%2, %3) { s0 = subtract i64 31, d1; s1 = read 0[d0, s0]; s2 = read 1[d0, s0]; s3 = add s1, s2; \
      yield s3 } : f32[32, 32]
      """),
  Sample(
    testDescription: "another form", replaces: true,
    text: """
      %3 = reshape(%2) : f32[1024]
      %4 = map(%3) { s0 = multiply d0, i64 32; s1 = add s0, d1; s2 = read 0[s1]; s3 = add s2, f32 1.0; yield s3 } \
      : f32[32, 32]
      """),
  Sample(testDescription: "an epilogue", replaces: true, text: "%3 = " + product("%0, %1, %2", rows: 32, sum)),
  Sample(
    testDescription: "an epilogue, a last panel of few rows", replaces: true, rows: 49,
    text: "%3 = " + product("%0, %1, %2", rows: 49, sum)),
  Sample(
    testDescription: "a factor", replaces: false,
    text: "%3 = " + product("%2, %1", rows: 32, "yield acc0")),
  Sample(
    testDescription: "a factor and an epilogue", replaces: false,
    text: "%3 = " + product("%2, %1, %2", rows: 32, sum)),
  Sample(
    testDescription: "an epilogue of other elements", replaces: false,
    text: "%3 = " + product("%0, %1, %2", rows: 32, "s0 = read 2[d1, d0]; s1 = add s0, acc0; yield s1")),
  Sample(
    testDescription: "an epilogue behind whole tiles", replaces: true, element: .i32,
    text: "%3 = " + product("%0, %1, %2", rows: 32, sum, .i32)),
]

@Suite("Results over operands")
struct ReplacementTests {
  private func check(_ sample: Sample, _ target: Target, threads: Int, replaces: Bool) throws {
    let graph = try sample.graph()
    let program = try Program(scheduling: graph, for: target, threads: threads)
    try LoopIR.verify(program)
    var coincides = false
    program.entry.walk {
      guard case .call(_, let arguments, _) = $0 else { return }
      coincides = coincides || arguments.contains { first in
        arguments.contains { program.mayCoincide(first.buffer, $0.buffer) }
      }
    }
    #expect(coincides == replaces)
    let type = graph.type(of: graph.inputs[0])
    let values = (0..<sample.rows * sample.terms).map { ($0 * 7) % 11 }
    let input = type.element == .f32
      ? ConstantTensor(.f32, dims: [sample.rows, sample.terms], doubles: values.map(Double.init))
      : ConstantTensor(.u8, dims: [sample.rows, sample.terms], integers: values)
    let result = try program.interpret(inputs: [input.storage])
    #expect(result.status == 0)
    #expect(result.outputs == (try graph.evaluated([input])).map(\.storage))
  }

  @Test("where nothing is lost", arguments: replacements, targets.indices)
  private func interpreted(_ sample: Sample, _ number: Int) throws {
    for threads in [1, 2] { try check(sample, targets[number].target, threads: threads, replaces: sample.replaces) }
  }

  /// Rows that a tile computes again would add what they read to what they have written.
  @Test("not where tiles overlap", arguments: [(32, true), (49, false), (64, true), (70, false)])
  func tiles(_ rows: Int, _ replaces: Bool) throws {
    var target = Target.avx512
    target.byteUnit = .tiles
    let sample = Sample(
      testDescription: "tiles", replaces: replaces, rows: rows, terms: 64, element: .i32,
      text: """
        %3 = map(%0) { s0 = read 0[d0, d1]; s1 = add s0, s0; yield s1 } : u8[\(rows), 64]
        %4 = \(product("%3, %1, %2", rows: rows, terms: 64, sum, .i32))
        """)
    try check(sample, target, threads: 1, replaces: replaces)
  }
}
