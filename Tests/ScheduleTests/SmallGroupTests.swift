import LoopIR
import Schedule
import Support
import TensorIR
import Testing

@Suite("Groups of few columns")
struct SmallGroupTests {
  struct Case: CustomTestStringConvertible {
    var columns: Int
    var contraction: String
    var data: [Int]
    var weights: [Int]
    var result: [Int]
    var element = ElementType.f32
    /// Whether some vector can have several groups.
    var isShared = true

    var testDescription: String { "\(contraction) of \(data)" }
  }

  private static let cases = [
    Case(
      columns: 2, contraction: "[3, 3, 2] lhs [d0, d1 + d5, d2 + d6, 2*d3 + d7] rhs [d5, d6, d3, d4, d7]",
      data: [1, 5, 9, 12], weights: [3, 3, 6, 2, 2], result: [1, 3, 7, 6, 2]),
    // Steps of 2, and 12 columns in vectors of 16.
    Case(
      columns: 4, contraction: "[3, 3, 4] lhs [d0, 2*d1 + d5, 2*d2 + d6, 4*d3 + d7] rhs [d5, d6, d3, d4, d7]",
      data: [2, 7, 19, 12], weights: [3, 3, 3, 4, 4], result: [2, 3, 9, 3, 4]),
    // No window, and a vector with half of its groups.
    Case(
      columns: 8, contraction: "[8] lhs [d0, 8*d1 + d3] rhs [d1, d2, d3]", data: [31, 24], weights: [3, 8, 8],
      result: [31, 3, 8]),
    // Fewer inputs than columns, down to one.
    Case(
      columns: 4, contraction: "[3, 2] lhs [d0, d1 + d4, 2*d2 + d5] rhs [d4, d2, d3, d5]", data: [2, 16, 10],
      weights: [3, 5, 4, 2], result: [2, 14, 5, 4]),
    Case(
      columns: 2, contraction: "[3] lhs [d0, d1 + d4, d2] rhs [d4, d2, d3]", data: [1, 16, 20], weights: [3, 20, 2],
      result: [1, 14, 20, 2]),
    Case(
      columns: 4, contraction: "[2, 3] lhs [d0 + d3, 3*d1 + d4] rhs [d3, d1, d2, d4]", data: [12, 15],
      weights: [2, 5, 4, 3], result: [11, 5, 4]),
    // More positions than are written out, far apart.
    Case(
      columns: 4, contraction: "[7, 4] lhs [d0 + 2*d3, 4*d1 + d4] rhs [d3, d1, d2, d4]", data: [40, 32],
      weights: [7, 8, 4, 4], result: [28, 8, 4]),
    // Sums in chunks.
    Case(
      columns: 4, contraction: "[15, 5, 4] lhs [d0 + d4, d1 + d5, 4*d2 + d6] rhs [d4, d5, d2, d3, d6]", data: [16, 8, 8],
      weights: [15, 5, 2, 4, 4], result: [2, 4, 2, 4]),
    Case(
      columns: 4, contraction: "[3, 4] lhs [d0 + d3, 4*d1 + d4] rhs [d3, d1, d2, d4]", data: [12, 12],
      weights: [3, 3, 4, 4], result: [10, 3, 4], element: .f64),
    // Three columns, more inputs than columns, and groups behind one another: as before.
    Case(
      columns: 3, contraction: "[3] lhs [d0, 3*d1 + d3] rhs [d1, d2, d3]", data: [9, 12], weights: [4, 3, 3],
      result: [9, 4, 3], isShared: false),
    Case(
      columns: 2, contraction: "[4] lhs [d0, 4*d1 + d3] rhs [d1, d2, d3]", data: [9, 32], weights: [8, 2, 4],
      result: [9, 8, 2], isShared: false),
    Case(
      columns: 4, contraction: "[4] lhs [d1, d0, d3] rhs [d0, d2, d3]", data: [9, 8, 4], weights: [8, 4, 4],
      result: [8, 9, 4], isShared: false),
  ]

  @Test("share vectors", arguments: cases, [1, 2])
  func interpreted(_ groups: Case, _ threads: Int) throws {
    let numbers = (0..<groups.weights.reduce(1, *)).map { "\(($0 * 5) % 7 - 3).0" }.joined(separator: ", ")
    let type = groups.element.rawValue
    let axes = groups.result.indices.map { "d\($0)" }.joined(separator: ", ")
    let graph = try Graph(
      parsing: """
        %0 = input \(type)\(groups.data)
        %1 = constant <\(numbers)> : \(type)\(groups.weights)
        %2 = input \(type)\(groups.result)
        %3 = contract(%0, %1, %2) \(type) \(groups.contraction) then { s0 = read 2[\(axes)]; s1 = add acc0, s0; yield s1 } : \(type)\(groups.result)
        return %3
        """)
    let inputs = [groups.data, groups.result].map { ConstantTensor.small($0, groups.element) }
    let expected = try graph.evaluated(inputs).map(\.storage)
    for (name, target) in targets {
      let program = try Program(scheduling: graph, for: target, threads: threads)
      try LoopIR.verify(program)
      let lanes = target.lanes(groups.element.bytes)
      #expect(
        (program.description.contains("shuffle(") as Bool) == (groups.isShared && groups.columns < lanes), "\(name)")
      #expect(try program.interpret(inputs: inputs.map(\.storage)).outputs == expected, "\(name)")
    }
  }
}
