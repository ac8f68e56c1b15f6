import LoopIR
import Schedule
import Support
import TensorIR
import Testing

/// Values joined where only a call knows how long they are.
@Suite("Joins of open extents")
struct JoinTests {
  private static let lengths = [[0, 0, 0], [1, 1, 1], [5, 0, 19], [33, 17, 2]]

  /// Three operands along the outer axis; `gap` positions come between the first two.
  private static func rows(gap: Int = 0) throws -> Graph {
    let shape = "a + b + c" + (gap == 0 ? "" : " + \(gap)")
    let offset = gap == 0 ? "" : " + -\(gap)"
    return try Graph(
      parsing: """
        %0 = input f32[a, 5]
        %1 = input f32[b, 5]
        %2 = input f32[c, 5]
        %3 = map(%0, %1, %2) { \
        s0 = add d0, dim(-1*a + -1*b\(offset)); s1 = read 2[s0, d1] else f32 7.0; \
        s2 = add d0, dim(-1*a\(offset)); s3 = read 1[s2, d1] else s1; \
        s4 = read 0[d0, d1] else s3; yield s4 } : f32[\(shape), 5]
        return %3
        """)
  }

  private func numbers(_ lengths: [Int]) -> [[Float]] {
    lengths.enumerated().map { number, length in (0..<length * 5).map { Float(number * 1000 + $0) } }
  }

  private func bytes(_ values: [Float]) -> [UInt8] { values.withUnsafeBytes { Array($0) } }

  @Test("are copies side by side", arguments: lengths, targets.indices)
  func copies(_ lengths: [Int], _ target: Int) throws {
    let program = try Program(scheduling: Self.rows(), for: targets[target].target)
    try LoopIR.verify(program)
    #expect(!program.kernels.contains { $0.description.contains(" else ") || $0.description.contains("select") })
    let operands = numbers(lengths)
    let result = try program.interpret(inputs: operands.map(bytes), symbols: lengths)
    #expect(result.outputs == [bytes(operands.flatMap { $0 })])
  }

  @Test("keep the gaps between them", arguments: lengths)
  func gaps(_ lengths: [Int]) throws {
    let program = try Program(scheduling: Self.rows(gap: 2), for: .avx2)
    let operands = numbers(lengths)
    let result = try program.interpret(inputs: operands.map(bytes), symbols: lengths)
    let expected = operands[0] + [Float](repeating: 7, count: 10) + operands[1] + operands[2]
    #expect(result.outputs == [bytes(expected)])
  }
}
