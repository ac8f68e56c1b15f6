import LoopIR
import Support
import TensorIR
import Testing

/// Values in a scan's body whose size only a call knows.
@Suite("Memory acquired for scans")
struct AcquiredMemoryTests {
  /// How often memory is acquired before loops and within them.
  private func acquisitions(_ statements: [Statement], inLoop: Bool = false) -> [Int] {
    statements.reduce([0, 0]) { counts, statement in
      let own: [Int]
      switch statement {
      case .acquire: own = inLoop ? [0, 1] : [1, 0]
      case .loop(let loop): own = acquisitions(loop.body, inLoop: true)
      case .whileLoop(_, let body): own = acquisitions(body, inLoop: true)
      case .conditional(_, let then, let otherwise): own = acquisitions(then + otherwise, inLoop: inLoop)
      default: own = [0, 0]
      }
      return zip(counts, own).map(+)
    }
  }

  private func run(_ text: String, _ count: Int) throws -> (acquisitions: [Int], result: [UInt8]) {
    let graph = try Graph(parsing: text)
    try TensorIR.verify(graph)
    let program = try Program(scheduling: graph, for: .avx2)
    try LoopIR.verify(program)
    let inputs = [ConstantTensor(.i64, dims: [1], integers: [count]), ConstantTensor(.f32, dims: [], doubles: [0.5])]
    let result = try program.interpret(inputs: inputs.map(\.storage))
    try #require(result.status == 0)
    return (acquisitions(program.entry), result.outputs[0])
  }

  private func bytes(_ value: Float) -> [UInt8] { withUnsafeBytes(of: value) { Array($0) } }

  /// The sum of the first numbers, added to the state in every step.
  private let steps = """
      %0 = input i64[]
      %1 = input f32[]
      %2 = map() { s0 = cast f32 d0; yield s0 } : f32["k'"]
      %3 = reduce(%2) sum ["k'"] { s0 = read 0[d0]; yield s0 } then { yield acc0 } : f32[]
      %4 = map(%1, %3) { s0 = read 0[]; s1 = read 1[]; s2 = add s0, s1; yield s2 } : f32[]
      return %4
    """

  @Test("is acquired once where every step needs the same") func once() throws {
    let text = """
      %0 = input i64[1]
      %1 = input f32[]
      measure(%0) "k'"
      %2 = scan(%1) length 3 carried 1 scanned 0 reversed [] [] {
      \(steps)
      } : f32[]
      return %2
      """
    let (acquisitions, result) = try run(text, 5)
    #expect(acquisitions == [1, 0])
    #expect(result == bytes(30.5))
    #expect(try run(text, 0).result == bytes(0.5))
  }

  @Test("leaves scans within scans") func nested() throws {
    let (acquisitions, result) = try run(
      """
      %0 = input i64[1]
      %1 = input f32[]
      measure(%0) "k'"
      %2 = scan(%1) length 3 carried 1 scanned 0 reversed [] [] {
        %0 = input i64[]
        %1 = input f32[]
        %2 = scan(%1) length 2 carried 1 scanned 0 reversed [] [] {
        \(steps)
        } : f32[]
        return %2
      } : f32[]
      return %2
      """, 4)
    #expect(acquisitions == [1, 0])
    #expect(result == bytes(36.5))
  }

  @Test("is acquired in every step where sizes differ") func everyStep() throws {
    let (acquisitions, result) = try run(
      """
      %0 = input i64[1]
      %1 = input f32[]
      %2 = scan(%1, %0) length 4 carried 1 scanned 0 reversed [] [] {
        %0 = input i64[]
        %1 = input f32[]
        %2 = input i64[1]
        %3 = map(%0, %2) { s0 = read 0[]; s1 = read 1[i64 0]; s2 = add s0, s1; yield s2 } : i64[1]
        measure(%3) "k'"
        %4 = map() { s0 = cast f32 d0; yield s0 } : f32["k'"]
        %5 = reduce(%4) sum ["k'"] { s0 = read 0[d0]; yield s0 } then { yield acc0 } : f32[]
        %6 = map(%1, %5) { s0 = read 0[]; s1 = read 1[]; s2 = add s0, s1; yield s2 } : f32[]
        return %6
      } : f32[]
      return %2
      """, 2)
    #expect(acquisitions == [0, 1])
    #expect(result == bytes(0.5 + 1 + 3 + 6 + 10))
  }
}
