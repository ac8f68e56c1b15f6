import LoopIR
import Schedule
import Support
import TensorIR
import Testing

/// A graph of one node whose accesses have corners.
private struct Sample: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var text: String

  init(_ testDescription: String, _ text: String) { (self.testDescription, self.text) = (testDescription, text) }
}

private let samples = [
  Sample(
    "divided positions in a partial vector",
    """
    %0 = input f32[7, 4]
    %1 = map(%0) { s0 = floorRemainder d1, i64 3; s1 = floorDivide d1, i64 3; s2 = read 0[s1, s0]; yield s2 } : f32[2, 20]
    return %1
    """),
  Sample(
    "reads around the border",
    """
    %0 = input f32[5, 7]
    %1 = map(%0) { s0 = add d0, i64 -1; s1 = multiply d1, i64 2; s2 = add s1, i64 -3; s3 = read 0[s0, s2] else f32 -1.0; yield s3 } : f32[7, 19]
    return %1
    """),
  Sample(
    "transposition",
    """
    %0 = input f32[18, 5]
    %1 = map(%0) { s0 = read 0[d1, d0]; s1 = add s0, f32 1.0; yield s1 } : f32[5, 18]
    return %1
    """),
  Sample(
    "sum of rows",
    """
    %0 = input f32[5, 35]
    %1 = reduce(%0) sum [35] { s0 = read 0[d0, d1]; yield s0 } then { s0 = multiply acc0, f32 2.0; yield s0 } : f32[5]
    return %1
    """),
  Sample(
    "greatest of columns and its position",
    """
    %0 = input f32[9, 21]
    %1, %2 = reduce(%0) argMaxLast [9] { s0 = read 0[d1, d0]; yield s0 } then { yield acc0, acc1 } : f32[21], i64[21]
    return %1, %2
    """),
  Sample(
    "matrix product with odd sizes",
    """
    %0 = input f32[7, 13]
    %1 = input f32[13, 37]
    %2 = input f32[37]
    %3 = contract(%0, %1, %2) f32 [13] lhs [d0, d2] rhs [d2, d1] then { s0 = read 2[d1]; s1 = add acc0, s0; yield s1 } : f32[7, 37]
    return %3
    """),
  Sample(
    "product with a transposed factor",
    """
    %0 = input f32[7, 13]
    %1 = input f32[19, 13]
    %2 = contract(%0, %1) f32 [13] lhs [d0, d2] rhs [d1, d2] then { yield acc0 } : f32[7, 19]
    return %2
    """),
  Sample(
    "padded convolution with strides",
    """
    %0 = input f32[3, 9, 8]
    %1 = input f32[5, 3, 3, 3]
    %2 = contract(%0, %1) f32 [3, 3, 3] lhs [d3, 2*d1 + d4 + -1, d2 + d5 + -1] rhs [d0, d3, d4, d5] then { yield acc0 } : f32[5, 5, 8]
    return %2
    """),
  Sample(
    "depthwise window",
    """
    %0 = input f32[19, 8]
    %1 = input f32[19, 3]
    %2 = contract(%0, %1) f32 [3] lhs [d0, d1 + d2] rhs [d0, d2] then { yield acc0 } : f32[19, 6]
    return %2
    """),
]

let targets: [(name: String, target: Target)] = [
  ("portable", .portable), ("simd128", .simd128), ("avx2", .avx2), ("avx512", .avx512), ("neon", .neon),
]

@Suite("Scheduled graphs, interpreted")
struct InterpretedTests {
  /// Small whole numbers, on which all orders of summation agree; every access is checked.
  @Test("give what the evaluator gives", arguments: samples, targets.indices)
  private func sample(_ sample: Sample, _ target: Int) throws {
    let graph = try Graph(parsing: sample.text)
    let data = try graph.smallInputs()
    let expected = try #require(Evaluator.evaluate(graph.nodes[0].primitive, data))
    let program = try Program(scheduling: graph, for: targets[target].target)
    try LoopIR.verify(program)
    let result = try program.interpret(inputs: data.map(\.storage))
    #expect(result.status == 0)
    #expect(result.outputs == expected.map(\.storage), "\(targets[target].name)")
  }
}
