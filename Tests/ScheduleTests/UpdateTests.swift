import EmitLLVM
import LoopIR
import ModelHost
import Support
import Testing
import TensorIR

@testable import Schedule

/// A step of a model with state, and for each output the input that it may be.
private struct StepCase: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var updates: [Int?]
  var text: String
}

private let head = """
  %0 = input f32[4, 6]
  %1 = input i64[4]
  %2 = input f32[4]

  """
/// A row of the state gets an element at a position of its own.
private let scatter = "scatter(%0, %1, %2) assign [4] { s0 = read 1[d0]; s1 = read 2[d0]; yield d0, s0, s1 } : f32[4, 6]\n"
private let sum = "map(%0) { s0 = read 0[d0, d1]; s1 = add s0, f32 1.0; yield s1 } : f32[4, 6]\n"
private let reversed = "map(%0) { s0 = subtract i64 5, d1; s1 = read 0[d0, s0]; yield s1 } : f32[4, 6]\n"

private let stepCases = [
  StepCase(testDescription: "a scatter", updates: [0], text: head + "%3 = \(scatter)return %3"),
  StepCase(
    testDescription: "a scatter whose operand is read before", updates: [nil, 0],
    text: head + "%3 = \(sum)%4 = \(scatter)return %3, %4"),
  StepCase(
    testDescription: "a scatter whose operand is read afterwards", updates: [0, nil],
    text: head + "%3 = \(scatter)%4 = \(sum)return %4, %3"),
  StepCase(
    testDescription: "a scatter of values of the state", updates: [nil],
    text: head
      + "%3 = scatter(%0, %1) add [4] { s0 = read 1[d0]; s1 = read 0[d0, i64 0]; yield d0, s0, s1 } : f32[4, 6]\nreturn %3"),
  StepCase(testDescription: "a map at one position", updates: [0], text: head + "%3 = \(sum)return %3"),
  StepCase(testDescription: "a map at other positions", updates: [nil], text: head + "%3 = \(reversed)return %3"),
  StepCase(testDescription: "what is given", updates: [0], text: head + "return %0"),
  StepCase(testDescription: "what is given, and an update", updates: [nil, 0], text: head + "%3 = \(sum)return %3, %0"),
  StepCase(
    testDescription: "two states, crossed", updates: [1, 0],
    text: """
      %0 = input f32[4]
      %1 = input f32[4]
      return %1, %0
      """),
  StepCase(
    testDescription: "another type", updates: [nil],
    text: head + "%3 = map(%0) { s0 = read 0[d0, d1]; s1 = cast i32 s0; yield s1 } : i32[4, 6]\nreturn %3"),
  StepCase(
    testDescription: "states of a scan", updates: [0],
    text: """
      %0 = input f32[6]
      %1 = input f32[3]
      %2 = scan(%0, %1) length 3 carried 1 scanned 1 reversed [false] [] {
        %0 = input i64[]
        %1 = input f32[6]
        %2 = input f32[]
        %3 = map(%1, %2) { s0 = subtract i64 5, d0; s1 = read 0[s0]; s2 = read 1[]; s3 = add s1, s2; yield s3 } : f32[6]
        return %3
      } : f32[6]
      return %2
      """),
  StepCase(
    testDescription: "a state that every turn reads", updates: [nil],
    text: """
      %0 = input f32[6]
      %1 = input f32[3]
      %2 = scan(%0, %1, %0) length 3 carried 1 scanned 1 reversed [false] [] {
        %0 = input i64[]
        %1 = input f32[6]
        %2 = input f32[]
        %3 = input f32[6]
        %4 = map(%1, %3) { s0 = read 0[d0]; s1 = read 1[d0]; s2 = add s0, s1; yield s2 } : f32[6]
        return %4
      } : f32[6]
      return %2
      """),
]

@Suite("Updates in place")
struct UpdateTests {
  /// Inputs of a step: floats that differ, and positions.
  private func inputs(_ graph: Graph, step: Int) -> [[UInt8]] {
    graph.inputs.map { input in
      let type = graph.type(of: input)
      let dims = type.shape.compactMap(\.constant)
      let count = dims.reduce(1, *)
      if type.element == .i64 {
        return ConstantTensor(.i64, dims: dims, integers: (0..<count).map { ($0 + step) % 6 }).storage
      }
      return ConstantTensor(.f32, dims: dims, doubles: (0..<count).map { Double(($0 * 7 + step * 3) % 23) }).storage
    }
  }

  /// Twenty steps, where what an output may be an input of is the next step's input.
  private func steps(_ graph: Graph, _ updates: [Int?], _ run: ([[UInt8]]) throws -> [[UInt8]]) rethrows -> [[[UInt8]]] {
    var states: [Int: [UInt8]] = [:]
    var results: [[[UInt8]]] = []
    for step in 0..<20 {
      var given = inputs(graph, step: step)
      for (input, state) in states { given[input] = state }
      results.append(try run(given))
      for (output, input) in updates.enumerated() { if let input { states[input] = results[step][output] } }
    }
    return results
  }

  /// Runs compiled code, with one memory for an output and the input that it may be.
  private func run(_ model: JITModel, _ program: Program, _ given: [[UInt8]], _ sizes: [Int], inPlace: Bool) -> [[UInt8]] {
    let arena = UnsafeMutableRawPointer.allocate(byteCount: max(1, model.arenaBytes(symbols: [])), alignment: 64)
    let sources = given.map { bytes in
      let place = UnsafeMutableRawPointer.allocate(byteCount: bytes.count, alignment: 64)
      place.copyMemory(from: bytes, byteCount: bytes.count)
      return place
    }
    let own = sizes.map { UnsafeMutableRawPointer.allocate(byteCount: $0, alignment: 64) }
    defer { for place in [arena] + sources + own { place.deallocate() } }
    var outputs = program.outputs.indices.map { output -> UnsafeMutableRawPointer? in
      if inPlace, let input = program.outputs[output].updates { sources[input] } else { own[output] }
    }
    var dims = [Int64](repeating: 0, count: 16)
    let status = model.run(
      arena: arena, inputs: sources.map { UnsafeRawPointer($0) }, outputs: &outputs, symbols: [], dims: &dims,
      memory: HostMemory(), threads: nil)
    #expect(status == 0)
    return zip(outputs, sizes).map { Array(UnsafeRawBufferPointer(start: $0, count: $1)) }
  }

  @Test("give what copies give", arguments: stepCases)
  private func update(_ test: StepCase) throws {
    let graph = try Graph(parsing: test.text)
    try TensorIR.verify(graph)
    for target in [Target.portable, .avx2] {
      let program = try Program(scheduling: graph, for: target)
      try LoopIR.verify(program)
      #expect(program.outputs.map(\.updates) == test.updates)
      let text = "\(program)"
      let parsed = try Program(parsing: text) { number, _ in program.constants[number].bytes }
      #expect("\(parsed)" == text)
      #expect(parsed.outputs.map(\.updates) == test.updates)
      let copies = try steps(graph, test.updates) { try program.interpret(inputs: $0).outputs }
      let inPlace = try steps(graph, test.updates) { try program.interpret(inputs: $0, inPlace: true).outputs }
      #expect(copies == inPlace)
      let model = try JITModel(program)
      let sizes = graph.outputs.map { (graph.shape(of: $0).product.constant ?? 0) * graph.type(of: $0).element.bytes }
      for shared in [false, true] {
        #expect(steps(graph, test.updates) { run(model, program, $0, sizes, inPlace: shared) } == copies)
      }
    }
  }

  @Test("are refused where parameters do not say that they coincide")
  func refused() throws {
    var program = try Program(scheduling: try Graph(parsing: head + "%3 = \(sum)return %3"), for: .avx2)
    for position in program.kernels[0].parameters.indices { program.kernels[0].parameters[position].mayCoincide = false }
    #expect(throws: LoopVerificationError.self) { try LoopIR.verify(program) }
    program.outputs[0].updates = 1
    #expect(throws: LoopVerificationError.self) { try LoopIR.verify(program) }
  }
}
