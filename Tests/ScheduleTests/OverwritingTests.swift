import LoopIR
import Support
import Testing
import TensorIR

@testable import Schedule

/// A graph with scatters, and whether each takes the place of what it updates.
private struct Update: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var inPlace: [Bool]
  /// The outputs for x = 0, 1, 2, 3 and the indices 2, 0, 2.
  var outputs: [[Float]]
  var text: String
}

/// The two inputs, and a copy of the first that is computed.
private let inputs = """
  %0 = input f32[4]
  %1 = input i64[3]
  %2 = map(%0) { s0 = read 0[d0]; s1 = add s0, f32 1.0; yield s1 } : f32[4]

  """

private func scatter(_ operand: String, _ value: String = "s1 = cast f32 d0") -> String {
  "scatter(\(operand), %1) add [3] { s0 = read 1[d0]; \(value); yield s0, s1 } : f32[4]\n"
}

/// A scan over the indices with one state, which the body updates.
private func scan(_ body: String) -> String {
  """
  %0 = input f32[4]
  %1 = input i64[3]
  %2 = scan(%0, %1) length 3 carried 1 scanned 1 reversed [false] [] {
    %0 = input i64[]
    %1 = input f32[4]
    %2 = input i64[]
  \(body)
  } : f32[4]
  return %2
  """
}

private let updates = [
  Update(
    testDescription: "a computed value", inPlace: [true], outputs: [[2, 2, 5, 4]],
    text: inputs + "%3 = \(scatter("%2"))return %3"),
  Update(
    testDescription: "one after the other", inPlace: [true, true], outputs: [[3, 2, 7, 4]],
    text: inputs + "%3 = \(scatter("%2"))%4 = \(scatter("%3"))return %4"),
  Update(
    testDescription: "a value that is read later", inPlace: [false], outputs: [[2, 2, 5, 4], [-1, -2, -3, -4]],
    text: inputs + "%3 = \(scatter("%2"))%4 = map(%2) { s0 = read 0[d0]; s1 = negate s0; yield s1 } : f32[4]\nreturn %3, %4"),
  Update(
    testDescription: "a value whose view is read later", inPlace: [false], outputs: [[2, 2, 5, 4], [-1, -2, -3, -4]],
    text: inputs + "%5 = reshape(%2) : f32[2, 2]\n%3 = \(scatter("%2"))"
      + "%4 = map(%5) { s0 = read 0[d0, d1]; s1 = negate s0; yield s1 } : f32[2, 2]\nreturn %3, %4"),
  Update(
    testDescription: "an input of the graph", inPlace: [false], outputs: [[1, 1, 4, 3]],
    text: inputs + "%3 = \(scatter("%0"))return %3"),
  Update(
    testDescription: "an output of the graph", inPlace: [false], outputs: [[1, 2, 3, 4], [2, 2, 5, 4]],
    text: inputs + "%3 = \(scatter("%2"))return %2, %3"),
  Update(
    testDescription: "a view that is an output", inPlace: [false], outputs: [[1, 2, 3, 4], [2, 2, 5, 4]],
    text: inputs + "%4 = reshape(%2) : f32[2, 2]\n%3 = \(scatter("%2"))return %4, %3"),
  Update(
    testDescription: "values of the operand itself", inPlace: [false], outputs: [[3, 2, 7, 4]],
    text: inputs + "%3 = \(scatter("%2", "s1 = read 0[d0]"))return %3"),
  Update(
    testDescription: "an operand that is also another operand", inPlace: [false], outputs: [[3, 2, 7, 4]],
    text: inputs + """
      %3 = scatter(%2, %1, %2) add [3] { s0 = read 1[d0]; s1 = read 2[d0]; yield s0, s1 } : f32[4]
      return %3
      """),
  Update(
    testDescription: "the state of a scan", inPlace: [true], outputs: [[10, 1, 22, 3]],
    text: scan("""
        %3 = scatter(%1, %2) add [1] { s0 = read 1[]; yield s0, f32 10.0 } : f32[4]
        return %3
      """)),
  Update(
    testDescription: "a state that is read later", inPlace: [false], outputs: [[20, 8, 66, 24]],
    text: scan("""
        %3 = scatter(%1, %2) add [1] { s0 = read 1[]; yield s0, f32 10.0 } : f32[4]
        %4 = map(%3, %1) { s0 = read 0[d0]; s1 = read 1[d0]; s2 = add s0, s1; yield s2 } : f32[4]
        return %4
      """)),
  Update(
    testDescription: "a state that the body does not return", inPlace: [false], outputs: [[10, 1, 22, 3]],
    text: scan("""
        %3 = scatter(%1, %2) add [1] { s0 = read 1[]; yield s0, f32 10.0 } : f32[4]
        %4 = map(%3) { s0 = read 0[d0]; s1 = add s0, f32 0.0; yield s1 } : f32[4]
        return %4
      """)),
  Update(
    testDescription: "a state whose result is collected too", inPlace: [false],
    outputs: [[10, 1, 22, 3], [0, 1, 12, 3, 10, 1, 12, 3, 10, 1, 22, 3]],
    text: """
      %0 = input f32[4]
      %1 = input i64[3]
      %2, %3 = scan(%0, %1) length 3 carried 1 scanned 1 reversed [false] [false] {
        %0 = input i64[]
        %1 = input f32[4]
        %2 = input i64[]
        %3 = scatter(%1, %2) add [1] { s0 = read 1[]; yield s0, f32 10.0 } : f32[4]
        return %3, %3
      } : f32[4], f32[3, 4]
      return %2, %3
      """),
  Update(
    testDescription: "a state that is read after its update", inPlace: [false],
    outputs: [[10, 1, 22, 3], [1, 2, 3, 4, 1, 2, 13, 4, 11, 2, 13, 4]],
    text: """
      %0 = input f32[4]
      %1 = input i64[3]
      %2, %3 = scan(%0, %1) length 3 carried 1 scanned 1 reversed [false] [false] {
        %0 = input i64[]
        %1 = input f32[4]
        %2 = input i64[]
        %3 = scatter(%1, %2) add [1] { s0 = read 1[]; yield s0, f32 10.0 } : f32[4]
        %4 = map(%1) { s0 = read 0[d0]; s1 = add s0, f32 1.0; yield s1 } : f32[4]
        return %3, %4
      } : f32[4], f32[3, 4]
      return %2, %3
      """),
  Update(
    testDescription: "what a scan's steps all read", inPlace: [false],
    outputs: [[0, 1, 12, 3, 10, 1, 2, 3, 0, 1, 12, 3]],
    text: """
      %0 = input f32[4]
      %1 = input i64[3]
      %2 = scan(%1, %0) length 3 carried 0 scanned 1 reversed [false] [false] {
        %0 = input i64[]
        %1 = input i64[]
        %2 = input f32[4]
        %3 = scatter(%2, %1) add [1] { s0 = read 1[]; yield s0, f32 10.0 } : f32[4]
        return %3
      } : f32[3, 4]
      return %2
      """),
]

@Suite("Scatters in place")
struct OverwritingTests {
  /// For every scatter in order, bodies included, whether it takes the place of its operand.
  private func inPlace(_ steps: Steps) -> [Bool] {
    let own = steps.graph.nodes.compactMap { node -> Bool? in
      guard case .scatter = node.primitive else { return nil }
      return steps.alias[node.results[0]] == node.operands[0]
    }
    return own + steps.steps.flatMap { step -> [Bool] in
      if case .scan(let scan) = step.action { inPlace(scan.body) } else { [] }
    }
  }

  @Test("are those that nothing else sees", arguments: updates)
  private func update(_ test: Update) throws {
    let graph = try Graph(parsing: test.text)
    try TensorIR.verify(graph)
    var lowering = Lowering(graph, target: .avx2, threads: 1, isMeasured: false)
    #expect(inPlace(try lowering.lower(graph)) == test.inPlace)
    let program = try Program(scheduling: graph, for: .avx2)
    try LoopIR.verify(program)
    let data = [
      ConstantTensor(.f32, dims: [4], doubles: [0, 1, 2, 3]), ConstantTensor(.i64, dims: [3], integers: [2, 0, 2]),
    ]
    let result = try program.interpret(inputs: data.map(\.storage))
    #expect(result.status == 0)
    #expect(result.outputs == test.outputs.map { $0.withUnsafeBytes { Array($0) } })
  }
}
