import LoopIR
import Schedule
import Support
import TensorIR
import Testing

/// Channels of several phases move between rows and columns, as behind transposed convolutions with steps.
@Suite("Interleaved phases")
struct InterleavedTests {
  private static func constant(_ dims: [Int]) -> String {
    "constant <\((0..<dims.reduce(1, *)).map { "\(($0 * 5) % 7 - 3).0" }.joined(separator: ", "))> : f32\(dims)"
  }

  @Test("keep channels innermost, without conditions", arguments: targets.indices)
  func joined(_ number: Int) throws {
    let graph = try Graph(
      parsing: """
        %0 = input f32[2, 6, 5, 4]
        %1 = \(Self.constant([6, 128]))
        %2 = contract(%0, %1) f32 [6] lhs [d0, d4, d2, d3] rhs [d4, d1] then { yield acc0 } : f32[2, 128, 5, 4]
        %3 = input f32[2, 10, 8, 16]
        %4 = map(%3, %2) { s0 = floorRemainder d2, i64 2; s1 = multiply s0, i64 64; s2 = floorRemainder d3, i64 2; s3 = multiply s2, i64 32; s4 = add s1, s3; s5 = add d1, i64 -16; s6 = add s5, s4; s7 = floorDivide d2, i64 2; s8 = floorDivide d3, i64 2; s9 = greaterOrEqual d2, i64 0; s10 = less d2, i64 10; s11 = and s9, s10; s12 = read 1[d0, s6, s7, s8] else f32 0.0; s13 = select s11, s12, f32 1.0; s14 = read 0[d0, d2, d3, d1] else s13; yield s14 } : f32[2, 48, 10, 8]
        %5 = \(Self.constant([3, 48]))
        %6 = contract(%4, %5) f32 [48] lhs [d0, d4, d1, d2] rhs [d3, d4] then { yield acc0 } : f32[2, 10, 8, 3]
        return %6
        """)
    let program = try Program(scheduling: graph, for: targets[number].target)
    try LoopIR.verify(program)
    for kernel in program.kernels where kernel.name.contains("map") {
      let text = kernel.body.map(\.description).joined(separator: "\n")
      for word in ["gather", "select", "if ("] { #expect(!(text.contains(word) as Bool), "\(word) in \(text)") }
    }
    let inputs = [[2, 6, 5, 4], [2, 10, 8, 16]].map { ConstantTensor.small($0) }
    let result = try program.interpret(inputs: inputs.map(\.storage))
    #expect(result.outputs == (try graph.evaluated(inputs)).map(\.storage))
  }
}
