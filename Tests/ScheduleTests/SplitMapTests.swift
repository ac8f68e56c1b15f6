import LoopIR
import Schedule
import Support
import TensorIR
import Testing

@Suite("Indices of several digits")
struct SplitMapTests {
  /// The length of rows, which blocks of 16 numbers, or of 8 pairs, have with zeros behind it.
  private static let lengths = [48, 37, 33, 32, 16, 15, 2, 1]

  @Test("are cut where they cross a bound", arguments: lengths, targets.indices)
  func cuts(_ length: Int, _ target: Int) throws {
    for (index, extents) in [("16*d0 + d2", "3, 5, 16"), ("16*d0 + 2*d2 + d3", "3, 5, 8, 2")] {
      let graph = try Graph(parsing: Self.text(index, extents, length))
      let program = try Program(scheduling: graph, for: targets[target].target)
      try LoopIR.verify(program)
      #expect(!program.description.contains("if (") as Bool)
      let numbers = (0..<5 * length).map { Double($0 + 1) }
      let input = ConstantTensor(.f32, dims: [5, length], doubles: numbers)
      let result = try program.interpret(inputs: [input.storage])
      #expect(result.outputs == (try graph.evaluated([input])).map(\.storage))
    }
  }

  /// A map that reads rows at a sum of axes, each times a factor.
  private static func text(_ index: String, _ extents: String, _ length: Int) -> String {
    var (lines, sum): ([String], String?) = ([], nil)
    func define(_ formula: String) -> String {
      lines.append("s\(lines.count) = \(formula)")
      return "s\(lines.count - 1)"
    }
    for digit in index.split(separator: " + ") {
      let factors = digit.split(separator: "*").map(String.init)
      let term = factors.count == 1 ? factors[0] : define("multiply \(factors[1]), i64 \(factors[0])")
      sum = sum.map { define("add \($0), \(term)") } ?? term
    }
    let value = define("read 0[d1, \(sum ?? "d0")] else f32 0.0")
    return """
      %0 = input f32[5, \(length)]
      %1 = map(%0) { \((lines + ["yield \(value)"]).joined(separator: "; ")) } : f32[\(extents)]
      return %1
      """
  }
}
