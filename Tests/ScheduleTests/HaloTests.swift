import LoopIR
import Schedule
import Support
import TensorIR
import Testing

/// A graph with a copy that has a border, and whether the copied value is computed within that copy.
private struct Sample: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var isWithin: Bool
  var nodes: String

  init(_ testDescription: String, isWithin: Bool, _ nodes: String) {
    (self.testDescription, self.isWithin, self.nodes) = (testDescription, isWithin, nodes)
  }

  var graph: Graph {
    get throws { try Graph(parsing: "%0 = input f32[5, 6, 19]\n%1 = input f32[19, 21]\n\(nodes)") }
  }
}

private let border = "map(%2) { s0 = add d0, i64 -1; s1 = add d1, i64 -2; s2 = read 0[s0, s1, d2] else f32 3.0; yield s2 }"
private let window =
  "max [3] { s0 = add d0, d3; s1 = read 0[s0, d1, d2]; yield s1 } then { yield acc0 } : f32[5, 9, 19]\nreturn %4"
private let double = "map(%0) { s0 = read 0[d0, d1, d2]; s1 = add s0, s0; yield s1 } : f32[5, 6, 19]"

private let samples = [
  Sample("a map", isWithin: true, "%2 = \(double)\n%3 = \(border) : f32[7, 9, 19]\n%4 = reduce(%3) \(window)"),
  Sample(
    "a reduction", isWithin: true,
    """
    %2 = reduce(%0) sum [2] { s0 = floorDivide d0, i64 2; s1 = add s0, d3; s2 = read 0[s1, d1, d2]; yield s2 } then { yield acc0 } : f32[5, 6, 19]
    %3 = \(border) : f32[7, 9, 19]
    %4 = reduce(%3) \(window)
    """),
  Sample(
    "a product", isWithin: true,
    """
    %2 = contract(%0, %1) f32 [19] lhs [d0, d1, d3] rhs [d3, d2] then { yield acc0 } : f32[5, 6, 21]
    %3 = \(border) : f32[7, 9, 21]
    %4 = map(%3) { s0 = read 0[d0, d1, d2]; s1 = read 0[i64 2, d1, d2]; s2 = subtract s0, s1; yield s2 } : f32[7, 9, 21]
    return %4
    """),
  Sample(
    "a product with many terms", isWithin: false,
    """
    %2 = contract(%0, %1) f32 [19, 21] lhs [d0, d1, d3] rhs [d3, d4] then { s0 = cast f32 d2; s1 = add acc0, s0; yield s1 } : f32[5, 6, 21]
    %3 = \(border) : f32[7, 9, 21]
    %4 = map(%3) { s0 = read 0[d0, d1, d2]; s1 = read 0[i64 2, d1, d2]; s2 = subtract s0, s1; yield s2 } : f32[7, 9, 21]
    return %4
    """),
  Sample(
    "a value that is read twice", isWithin: false,
    """
    %2 = \(double)
    %3 = \(border) : f32[7, 9, 19]
    %4 = reduce(%3) max [3] { s0 = add d0, d3; s1 = read 0[s0, d1, d2]; yield s1 } then { yield acc0 } : f32[5, 9, 19]
    %5 = map(%4, %2) { s0 = read 0[d0, d1, d2]; s1 = read 1[d0, d1, d2]; s2 = add s0, s1; yield s2 } : f32[5, 6, 19]
    return %5
    """),
  Sample("a copy that is a result", isWithin: false, "%2 = \(double)\n%3 = \(border) : f32[7, 9, 19]\nreturn %3"),
  Sample(
    "a border along vectors", isWithin: false,
    """
    %2 = \(double)
    %3 = map(%2) { s0 = add d2, i64 -1; s1 = read 0[d0, d1, s0] else f32 0.0; yield s1 } : f32[5, 6, 21]
    %4 = map(%3) { s0 = read 0[d0, i64 1, d2]; s1 = read 0[d0, d1, d2]; s2 = add s0, s1; yield s2 } : f32[5, 6, 21]
    return %4
    """),
  Sample(
    "a part of a value", isWithin: false,
    """
    %2 = \(double)
    %3 = map(%2) { s0 = add d0, i64 1; s1 = read 0[s0, d1, d2] else f32 0.0; yield s1 } : f32[6, 6, 19]
    %4 = map(%3) { s0 = read 0[i64 1, d1, d2]; s1 = read 0[d0, d1, d2]; s2 = add s0, s1; yield s2 } : f32[6, 6, 19]
    return %4
    """),
]

/// Joins along an axis, by the number of kernels that they need with the one that reads them; the second one's result changes its layout.
private let joins = [
  (
    kernels: 3,
    """
    %2 = \(double)
    %3 = contract(%0, %1) f32 [19, 21] lhs [d0, d1, d3] rhs [d3, d4] then { s0 = cast f32 d2; s1 = add acc0, s0; yield s1 } : f32[5, 6, 21]
    %4 = map(%2, %3) { s0 = add d2, i64 -19; s1 = read 1[d0, d1, s0] else f32 0.0; s2 = read 0[d0, d1, d2] else s1; yield s2 } : f32[5, 6, 40]
    %5 = map(%4) { s0 = read 0[d0, d1, d2]; s1 = read 0[i64 2, d1, d2]; s2 = subtract s0, s1; yield s2 } : f32[5, 6, 40]
    return %5
    """
  ),
  (
    kernels: 4,
    """
    %2 = map(%1) { s0 = read 0[d1, d0]; s1 = add s0, s0; yield s1 } : f32[21, 19]
    %3 = map(%1) { s0 = read 0[d1, d0]; s1 = multiply s0, s0; yield s1 } : f32[21, 19]
    %4 = map(%2, %3) { s0 = add d0, i64 -21; s1 = read 1[s0, d1] else f32 0.0; s2 = read 0[d0, d1] else s1; yield s2 } : f32[42, 19]
    %5 = map(%4) { s0 = read 0[d0, d1]; s1 = read 0[i64 2, d1]; s2 = subtract s0, s1; yield s2 } : f32[42, 19]
    return %5
    """
  ),
  (
    kernels: 3,
    """
    %2 = \(double)
    %3 = map(%2, %0) { s0 = add d1, i64 -6; s1 = read 1[d0, s0, d2] else f32 0.0; s2 = read 0[d0, d1, d2] else s1; yield s2 } : f32[5, 12, 19]
    %4 = map(%3) { s0 = read 0[d0, d1, d2]; s1 = read 0[i64 2, d1, d2]; s2 = subtract s0, s1; yield s2 } : f32[5, 12, 19]
    return %4
    """
  ),
]

@Suite("Values within larger copies")
struct HaloTests {
  @Test("are what the evaluator gives", arguments: samples, targets.indices)
  private func interpreted(_ sample: Sample, _ target: Int) throws {
    #expect(try fillsBorder(program(sample.graph, target)) == sample.isWithin)
  }

  /// Whether a kernel writes nothing but the border of a copy.
  private func fillsBorder(_ program: Program) -> Bool {
    program.kernels.contains { $0.parameters.count == 1 && $0.parameters[0].access == .write }
  }

  @Test("are products of bytes, few and many, on processors with a matrix unit", arguments: [32, 128])
  func products(terms: Int) throws {
    let weights = (0..<24 * terms).map { "\($0 * 7 % 11 - 5)" }.joined(separator: ", ")
    let graph = try Graph(
      parsing: """
        %0 = input f32[5, 6, \(terms)]
        %1 = constant <\(weights)> : i8[24, \(terms)]
        %3 = map(%0) { s0 = read 0[d0, d1, d2]; s1 = add s0, f32 8.0; s2 = cast u8 s1; yield s2 } : u8[5, 6, \(terms)]
        %2 = contract(%3, %1) i32 [\(terms)] lhs [d0, d1, d3] rhs [d2, d3] then { s0 = cast f32 acc0; yield s0 } : f32[5, 6, 24]
        %4 = \(border) : f32[7, 9, 24]
        %5 = reduce(%4) max [3] { s0 = add d0, d3; s1 = read 0[s0, d1, d2]; yield s1 } then { yield acc0 } : f32[5, 9, 24]
        return %5
        """)
    var target = Target.avx512
    (target.byteUnit, target.pairUnit) = (.tiles, .tiles)
    let program = try program(graph, target, "tiles")
    #expect(fillsBorder(program))
    #expect(program.description.contains("tile multiplyAdd i32") == (terms == 128))
  }

  @Test("are joined", arguments: joins.indices, targets.indices)
  func joined(_ join: Int, _ target: Int) throws {
    let graph = try Graph(parsing: "%0 = input f32[5, 6, 19]\n%1 = input f32[19, 21]\n\(joins[join].1)")
    #expect(try program(graph, target).kernels.count == joins[join].kernels)
  }

  /// The program of a graph, which gives what the evaluator gives.
  private func program(_ graph: Graph, _ target: Int) throws -> Program {
    try program(graph, targets[target].target, targets[target].name)
  }

  private func program(_ graph: Graph, _ target: Target, _ name: String) throws -> Program {
    let inputs = try graph.smallInputs()
    let program = try Program(scheduling: graph, for: target)
    try LoopIR.verify(program)
    let result = try program.interpret(inputs: inputs.map(\.storage))
    #expect(result.status == 0)
    #expect(result.outputs == (try graph.evaluated(inputs)).map(\.storage), "\(name)")
    return program
  }
}
