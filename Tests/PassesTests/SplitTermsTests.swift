import Support
import TensorIR
import Testing

@testable import Passes

/// A product of an image's rows with constant weights, over channels and a window of rows.
private struct LongProduct: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var parts = 1
  var rows = 16
  var columns = 64
  var channels = 12
  var window = 3
  var isOpen = false
  var isSwapped = false
  var hasConstantWeights = true

  func graph() throws -> Graph {
    let terms = columns * channels * window
    var b = GraphBuilder()
    let count = isOpen ? Dim(symbol: "rows") : Dim(rows)
    let x = b.input(TensorType(.f32, [count + (window - 1), Dim(channels)]))
    let bias = b.input(TensorType(.f32, [Dim(columns)]))
    let dims = [window, channels, columns]
    let numbers = (0..<terms).map { Double(($0 * 7) % 5 - 2) }
    let w = hasConstantWeights
      ? b.constant(ConstantTensor(.f32, dims: dims, doubles: numbers)) : b.input(TensorType(.f32, dims.map { Dim($0) }))
    var epilogue = ScalarGraph()
    let shifted = epilogue.plus(epilogue.accumulator(0, .f32), epilogue.read(2, [epilogue.axis(1)], type: .f32))
    epilogue.results = [epilogue.binary(.max, epilogue.number(0, .f32), shifted)]
    let (data, weights) = ([AffineIndex([0: 1, 2: 1]), .axis(3)], [AffineIndex.axis(2), .axis(3), .axis(1)])
    let contract = Contract(
      shape: [count, Dim(columns)], reduced: [Dim(window), Dim(channels)], lhs: isSwapped ? weights : data,
      rhs: isSwapped ? data : weights, accumulator: .f32, epilogue: epilogue)
    return b.finish(outputs: b.add(.contract(contract), isSwapped ? [w, x, bias] : [x, w, bias]))
  }
}

private let products = [
  LongProduct(testDescription: "two parts", parts: 2),
  LongProduct(testDescription: "five parts, none of four", parts: 5, channels: 35),
  LongProduct(testDescription: "a long window", parts: 4, channels: 3, window: 28),
  LongProduct(testDescription: "open rows", parts: 2, isOpen: true),
  LongProduct(testDescription: "factors exchanged", parts: 2, isSwapped: true),
  LongProduct(testDescription: "few terms", channels: 8),
  LongProduct(testDescription: "few rows", rows: 15),
  LongProduct(testDescription: "many rows", rows: 513),
  LongProduct(testDescription: "few columns", columns: 63),
  LongProduct(testDescription: "a prime number of terms", channels: 37, window: 1),
  LongProduct(testDescription: "computed weights", hasConstantWeights: false),
]

@Suite struct SplitTermsTests {
  @Test(arguments: products) private func givesTheSum(_ test: LongProduct) throws {
    let graph = try test.graph()
    let changed = eliminateDeadCode(splitTerms(graph, mostTerms: 24))
    try verify(changed)
    let contractions = changed.nodes.count { if case .contract = $0.primitive { true } else { false } }
    #expect(contractions == test.parts)
    if test.parts == 1 {
      #expect(changed == graph)
      return
    }
    let symbols = ["rows": Dim(test.rows)]
    let data = try graph.inputs.enumerated().map { number, input in
      numbers(try #require(graph.shape(of: input).map { $0.substituting(symbols) }.constants), seed: number)
    }
    #expect(try evaluate(changed, data, symbols: symbols) == evaluate(graph, data, symbols: symbols))
  }
}
