import LoopIR
import Schedule
import Support
import TensorIR
import Testing

/// An expansion, a border, a depthwise convolution and a projection, with the kinds of blocks that there are.
private struct Sample: Sendable, CustomTestStringConvertible {
  var testDescription: String
  /// The kinds of blocks: above, in the middle and below.
  var kinds = 3
  var cacheBytes = 6000
  var threads = 1
  var images = 1
  var hasOpenImages = false
  var rows = 21
  var stride = 1
  var window = 3
  var dilation = 1
  var above = 1
  var below = 1
  /// The node between the border and the projection, of a given shape.
  var middle: @Sendable (_ sample: Sample, _ shape: String) -> String = depthwise
  var expanded = "s0 = max f32 0.0, acc0; yield s0"
  var projected = "yield acc0"
  var result = "%7"

  var rowsAfter: Int { (rows + above + below - dilation * (window - 1) - 1) / stride + 1 }
  var columnsAfter: Int { (9 - 1) / stride + 1 }

  func graph(images: String) throws -> Graph {
    func numbers(_ count: Int) -> String { (0..<count).map { "\(($0 * 5) % 7 - 3).0" }.joined(separator: ", ") }
    let columns = dilation * (window - 1) + 9
    return try Graph(
      parsing: """
        %0 = input f32[\(images), 4, \(rows), 9]
        %1 = constant <\(numbers(24))> : f32[4, 6]
        %2 = constant <\(numbers(6 * window * window))> : f32[6, \(window), \(window)]
        %3 = constant <\(numbers(24))> : f32[6, 4]
        %4 = contract(%0, %1) f32 [4] lhs [d0, d4, d2, d3] rhs [d4, d1] then { \(expanded) } \
        : f32[\(images), 6, \(rows), 9]
        %5 = map(%4) { s0 = add d2, i64 \(-above); s1 = add d3, i64 \(-(dilation * (window - 1)) / 2); \
        s2 = read 0[d0, d1, s0, s1] else f32 0.0; yield s2 } : f32[\(images), 6, \(rows + above + below), \(columns)]
        %6 = \(middle(self, "f32[\(images), 6, \(rowsAfter), \(columnsAfter)]"))
        %7 = contract(%6, %3, %0) f32 [6] lhs [d0, d4, d2, d3] rhs [d4, d1] then { \(projected) } \
        : f32[\(images), 4, \(rowsAfter), \(columnsAfter)]
        return \(result)
        """)
  }
}

private let depthwise: @Sendable (Sample, String) -> String = { sample, shape in
  """
  contract(%5, %2) f32 [\(sample.window), \(sample.window)] \
  lhs [d0, d1, \(sample.stride)*d2 + \(sample.dilation)*d4, \(sample.stride)*d3 + \(sample.dilation)*d5] \
  rhs [d1, d4, d5] then { yield acc0 } : \(shape)
  """
}

private let pooling: @Sendable (Sample, String) -> String = { sample, shape in
  """
  reduce(%5) max [\(sample.window), \(sample.window)] { s0 = multiply d2, i64 \(sample.stride); s1 = add s0, d4; \
  s2 = multiply d3, i64 \(sample.stride); s3 = add s2, d5; s4 = read 0[d0, d1, s1, s3]; yield s4 } \
  then { yield acc0 } : \(shape)
  """
}

private let backwards: @Sendable (Sample, String) -> String = { _, shape in
  """
  map(%5) { s0 = multiply d2, i64 -1; s1 = add s0, i64 22; s2 = read 0[d0, d1, s1, d3]; s3 = add s2, s2; \
  yield s3 } : \(shape)
  """
}

private let samples = [
  Sample(testDescription: "a convolution"),
  Sample(testDescription: "what is added", projected: "s0 = read 2[d0, d1, d2, d3]; s1 = add s0, acc0; yield s1"),
  Sample(testDescription: "steps of two rows", cacheBytes: 3500, stride: 2),
  Sample(testDescription: "steps of three rows, with gaps", kinds: 2, stride: 3, window: 1, above: 0, below: 0),
  Sample(testDescription: "a large window", cacheBytes: 9000, rows: 30, window: 5, above: 2, below: 2),
  Sample(testDescription: "a window with gaps", cacheBytes: 9000, rows: 30, dilation: 2, above: 2, below: 2),
  Sample(testDescription: "a border above", rows: 24, above: 2, below: 0),
  Sample(testDescription: "a border of whole blocks, columns by columns", rows: 8, above: 14, below: 0),
  Sample(testDescription: "several images", kinds: 4, images: 3),
  Sample(testDescription: "several images at a time", kinds: 2, cacheBytes: 28000, images: 5, rows: 12),
  Sample(testDescription: "open images", kinds: 4, images: 3, hasOpenImages: true),
  Sample(testDescription: "two threads", cacheBytes: 3000, threads: 2),
  Sample(testDescription: "two threads and images", kinds: 1, cacheBytes: 12000, threads: 2, images: 4, rows: 12),
  Sample(
    testDescription: "three threads and open images", cacheBytes: 1500, threads: 3, images: 2, hasOpenImages: true),
  Sample(testDescription: "the largest of windows", cacheBytes: 3500, stride: 2, middle: pooling),
  Sample(testDescription: "no rows", kinds: 0, window: 24),
  Sample(testDescription: "rows backwards, columns by columns", window: 3, middle: backwards),
  Sample(testDescription: "all in the cache", kinds: 0, cacheBytes: 1 << 20),
  Sample(
    testDescription: "a row as a number, columns by columns", expanded: "s0 = cast f32 d2; s1 = add s0, acc0; yield s1"),
  Sample(testDescription: "an intermediate result", kinds: 0, result: "%7, %5"),
]

@Suite("Chains of rows")
struct RowChainTests {
  @Test("give what the evaluator gives", arguments: samples, targets.indices)
  private func interpreted(_ sample: Sample, _ number: Int) throws {
    var target = targets[number].target
    target.cacheBytes = sample.cacheBytes
    let program = try Program(
      scheduling: sample.graph(images: sample.hasOpenImages ? "images" : "\(sample.images)"), for: target,
      threads: sample.threads)
    try LoopIR.verify(program)
    #expect(program.kindsOfBlocks == sample.kinds)
    // Blocks of one image read nothing else, which no comparison has to tell.
    #expect(!program.description.contains("< $images)"))
    let dims = [sample.images, 4, sample.rows, 9]
    let input = ConstantTensor.small(dims)
    let result = try program.interpret(inputs: [input.storage], symbols: sample.hasOpenImages ? [sample.images] : [])
    #expect(result.status == 0)
    let expected = try sample.graph(images: "\(sample.images)").evaluated([input])
    #expect(result.outputs == expected.map(\.storage), "\(targets[number].name)")
  }
}
