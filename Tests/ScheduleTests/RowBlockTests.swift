import LoopIR
import Schedule
import Support
import TensorIR
import Testing

/// A map, a product and a map of the product, with the kinds of blocks of rows, or images, that there are.
private struct Sample: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var kinds = 0
  var images = 2
  var rows = 13
  var cacheBytes = 4096
  var first = "s0 = multiply d2, i64 2; s1 = add s0, d0; s2 = read 0[d1, s1, d3, d4]; s3 = add s2, s2; yield s3"
  var row = "s2 = read 1[d0, d1, d2, d3]"
  var factor = "s3 = read 1[d0, i64 0, d2, d3]"
  var sum = "yield acc0"
  /// Whether the weights are computed from narrower numbers.
  var isFormula = false
  /// Whether the data may be written over between the first map and the product, for a last output.
  var isOverwritten = false
  var result = "%5"

  var graph: Graph {
    get throws {
      let numbers = (0..<30).map { "\(($0 * 5) % 7 - 3)" + (isFormula ? "" : ".0") }.joined(separator: ", ")
      let weights = isFormula
        ? "%7 = constant <\(numbers)> : i8[6, 5]\n%2 = map(%7) { s0 = read 0[d0, d1]; s1 = cast f32 s0; yield s1 } : f32[6, 5]"
        : "%2 = constant <\(numbers)> : f32[6, 5]"
      let steps = (rows + 1) / 2
      let data = "f32[\(images), \(2 * steps + 1), 9, 6]"
      let zeros = [String](repeating: "i64 0", count: 4).joined(separator: ", ")
      let scatter = isOverwritten ? "%7 = scatter(%6) add [1] { yield \(zeros), f32 100.0 } : \(data)" : ""
      return try Graph(
        parsing: """
          %0 = input \(data)
          %1 = input f32[\(images), \(rows), 9, 5]
          \(weights)
          %6 = map(%0) { s0 = read 0[d0, d1, d2, d3]; s1 = add s0, f32 1.0; yield s1 } : \(data)
          %3 = map(%6) { \(first) } : f32[3, \(images), \(steps), 9, 6]
          \(scatter)
          %4 = contract(%3, %2) f32 [6] lhs [d0, d1, d2, d3, d5] rhs [d5, d4] then { \(sum) } : f32[3, \(images), \(steps), 9, 5]
          %5 = map(%4, %1) { s0 = floorDivide d1, i64 2; s1 = floorRemainder d1, i64 2; \(row); \(factor); \
          s4 = add s1, i64 1; s5 = read 0[s1, d0, s0, d2, d3]; s6 = read 0[s4, d0, s0, d2, d3]; s7 = multiply s6, s3; \
          s8 = subtract s5, s7; s9 = add s8, s2; yield s9 } : f32[\(images), \(rows), 9, 5]
          return \(result)\(isOverwritten ? ", %7" : "")
          """)
    }
  }
}

/// Images are the outermost axis of a result whose blocks are interleaved: there is a chain over several of them, and within
/// it one along lines where an image does not stay near.
private let samples = [
  Sample(
    testDescription: "blocks and the rest of an odd number of rows", kinds: 2, images: 1, cacheBytes: 2048,
    factor: "s3 = cast f32 s1"),
  Sample(testDescription: "the same in two images", kinds: 3, factor: "s3 = cast f32 s1"),
  Sample(testDescription: "equal blocks", kinds: 1, rows: 12, cacheBytes: 12_000, factor: "s3 = cast f32 s1"),
  Sample(testDescription: "values that stay near", cacheBytes: 1 << 20, factor: "s3 = cast f32 s1"),
  Sample(testDescription: "an operand that is read at two rows", kinds: 3),
  Sample(testDescription: "the row as a number", kinds: 3, factor: "s3 = cast f32 d1"),
  Sample(testDescription: "the row's half as a number", kinds: 3, factor: "s3 = cast f32 s0"),
  Sample(
    testDescription: "data that move by less than a row", kinds: 2, images: 1, cacheBytes: 2048,
    first: "s0 = add d2, d0; s1 = read 0[d1, s0, d3, d4]; yield s1", factor: "s3 = cast f32 s1"),
  Sample(
    testDescription: "data that move by less than a row in two images", kinds: 3,
    first: "s0 = add d2, d0; s1 = read 0[d1, s0, d3, d4]; yield s1", factor: "s3 = cast f32 s1"),
  Sample(
    testDescription: "data beyond the border", kinds: 2, images: 1, cacheBytes: 2048,
    first: "s0 = multiply d2, i64 2; s1 = add s0, d0; s2 = add s1, i64 1; s3 = read 0[d1, s2, d3, d4] else f32 1.0; yield s3",
    factor: "s3 = cast f32 s1"),
  Sample(
    testDescription: "data beyond the border of two images", kinds: 3,
    first: "s0 = multiply d2, i64 2; s1 = add s0, d0; s2 = add s1, i64 1; s3 = read 0[d1, s2, d3, d4] else f32 1.0; yield s3",
    factor: "s3 = cast f32 s1"),
  Sample(
    testDescription: "the product's row as a number", kinds: 3, factor: "s3 = cast f32 s1",
    sum: "s0 = cast f32 d2; s1 = add acc0, s0; yield s1"),
  Sample(testDescription: "weights that are computed", kinds: 1, factor: "s3 = cast f32 s1", isFormula: true),
  Sample(
    testDescription: "data that may be written over", kinds: 2, images: 1, cacheBytes: 2048, factor: "s3 = cast f32 s1",
    isOverwritten: true),
  Sample(
    testDescription: "data of two images that may be written over", kinds: 1, factor: "s3 = cast f32 s1",
    isOverwritten: true),
  Sample(testDescription: "a product that is a result too", kinds: 2, factor: "s3 = cast f32 s1", result: "%5, %4"),
]

@Suite("Blocks of rows")
struct RowBlockTests {
  @Test("give what the evaluator gives", arguments: samples, targets.indices)
  private func interpreted(_ sample: Sample, _ number: Int) throws {
    let graph = try sample.graph
    var target = targets[number].target
    target.cacheBytes = sample.cacheBytes
    let program = try Program(scheduling: graph, for: target)
    try LoopIR.verify(program)
    #expect(program.kindsOfBlocks == sample.kinds)
    let inputs = try graph.smallInputs()
    let result = try program.interpret(inputs: inputs.map(\.storage))
    #expect(result.status == 0)
    var plain = sample
    plain.isOverwritten = false
    let outputs = sample.isOverwritten ? Array(result.outputs.dropLast()) : result.outputs
    #expect(outputs == (try plain.graph.evaluated(inputs)).map(\.storage), "\(targets[number].name)")
  }
}

extension Graph {
  /// What the evaluator gives for inputs of known extents.
  func evaluated(_ inputs: [ConstantTensor]) throws -> [ConstantTensor] {
    var values = Dictionary(uniqueKeysWithValues: zip(self.inputs, inputs))
    for node in nodes {
      let results = try #require(Evaluator.evaluate(node.primitive, node.operands.compactMap { values[$0] }))
      for (value, result) in zip(node.results, results) { values[value] = result }
    }
    return outputs.compactMap { values[$0] }
  }
}
