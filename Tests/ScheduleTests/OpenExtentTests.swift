import LoopIR
import Schedule
import Support
import TensorIR
import Testing

/// Loops over extents that only a call knows.
@Suite("Open extents")
struct OpenExtentTests {
  private func bytes(_ values: [Float]) -> [UInt8] { values.withUnsafeBytes { Array($0) } }

  /// Small whole numbers, whose sums are exact.
  private func numbers(_ count: Int) -> [Float] { (0..<count).map { Float(($0 * 37 + 11) % 17 - 8) } }

  private func program(_ text: String, _ weights: [Float], _ dims: [Int], _ target: Target) throws -> Program {
    let constant = ConstantTensor(.f32, dims: dims, doubles: weights.map(Double.init))
    let program = try Program(scheduling: Graph(parsing: text, constants: [constant]), for: target)
    try LoopIR.verify(program)
    return program
  }

  @Test("of rows, of which some are left behind whole tiles", arguments: targets.indices)
  func rows(_ target: Int) throws {
    let (terms, columns) = (24, 40)
    let weights = numbers(terms * columns)
    let program = try program(
      """
      %0 = input f32[n, 24]
      %1 = constant #0 : f32[24, 40]
      %2 = contract(%0, %1) f32 [24] lhs [d0, d2] rhs [d2, d1] then { yield acc0 } : f32[n, 40]
      return %2
      """, weights, [terms, columns], targets[target].target)
    for count in Array(0...31) + [56, 200] {
      let x = numbers(count * terms)
      let expected = (0..<count * columns).map { place in
        (0..<terms).reduce(Float(0)) { $0 + x[place / columns * terms + $1] * weights[$1 * columns + place % columns] }
      }
      let result = try program.interpret(inputs: [bytes(x)], symbols: [count])
      #expect(result.outputs == [bytes(expected)], "\(count) rows")
    }
  }

  /// The batch is the innermost of the axes of rows, and tiles run along the other one.
  @Test("of batches inside of known rows", arguments: targets.indices)
  func batches(_ target: Int) throws {
    let (rows, terms, columns) = (21, 6, 33)
    let weights = numbers(terms * columns)
    let program = try program(
      """
      %0 = input f32[b, 21, 6]
      %1 = constant #0 : f32[6, 33]
      %2 = contract(%0, %1) f32 [6] lhs [d1, d0, d3] rhs [d3, d2] then { yield acc0 } : f32[21, b, 33]
      return %2
      """, weights, [terms, columns], targets[target].target)
    #expect(!program.kernels.contains { $0.description.contains("floorDivide($b") })
    for batch in [0, 1, 2, 5] {
      let x = numbers(batch * rows * terms)
      let expected = (0..<rows * batch * columns).map { place in
        let (row, column) = (place / columns, place % columns)
        let start = (row % batch * rows + row / batch) * terms
        return (0..<terms).reduce(Float(0)) { $0 + x[start + $1] * weights[$1 * columns + column] }
      }
      let result = try program.interpret(inputs: [bytes(x)], symbols: [batch])
      #expect(result.outputs == [bytes(expected)], "\(batch) batches")
    }
  }

  @Test("with borders are cut into copies and constants", arguments: targets.indices)
  func borders(_ target: Int) throws {
    let graph = try Graph(
      parsing: """
        %0 = input f32[b, h, w]
        %1 = map(%0) { s0 = add d1, i64 -1; s1 = add d2, i64 -2; s2 = read 0[d0, s0, s1] else f32 7.0; yield s2 } \
        : f32[b, h + 2, w + 3]
        return %1
        """)
    let program = try Program(scheduling: graph, for: targets[target].target)
    try LoopIR.verify(program)
    #expect(!program.kernels.contains { $0.description.contains(" else ") || $0.description.contains("select") })
    for (batch, height, width) in [(1, 0, 0), (0, 3, 4), (1, 1, 1), (2, 3, 17), (1, 5, 40)] {
      let x = numbers(batch * height * width)
      var expected: [Float] = []
      for b in 0..<batch {
        for y in -1...height {
          for column in -2...width {
            let isInside = (0..<height).contains(y) && (0..<width).contains(column)
            expected.append(isInside ? x[(b * height + y) * width + column] : 7)
          }
        }
      }
      let result = try program.interpret(inputs: [bytes(x)], symbols: [batch, height, width])
      #expect(result.outputs == [bytes(expected)], "\(height) × \(width)")
    }
  }
}
