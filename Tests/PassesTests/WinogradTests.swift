import Support
import TensorIR
import Testing
import Tuning

@testable import Passes

/// A convolution by its extents and the order of its axes.
private struct Windows: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var size = [12, 11]
  var batch = 1
  var channels = 32
  var features = 32
  var pad = 1
  /// Whether the weights are the left factor, and the data channels-last.
  var isSwapped = false
  var isUsed = true
  var width = 3
  /// Whether the size is a matter of symbols.
  var isOpen = false

  var symbols: [String: Dim] { ["h": Dim(size[0]), "w": Dim(size[1])] }
}

private let cases: [Windows] = [
  Windows(testDescription: "odd width"),
  Windows(testDescription: "without padding", pad: 0),
  Windows(testDescription: "several images", size: [13, 14], batch: 3, features: 40),
  Windows(testDescription: "factors exchanged, channels last", size: [14, 12], channels: 33, isSwapped: true),
  Windows(testDescription: "wide padding", pad: 2),
  Windows(testDescription: "open size", isOpen: true),
  Windows(testDescription: "few results of open size", size: [1, 2], isOpen: true),
  Windows(testDescription: "few channels", channels: 3, isUsed: false),
  Windows(testDescription: "few results", size: [4, 4], isUsed: false),
  Windows(testDescription: "windows of 5", isUsed: false, width: 5),
]

@Suite struct WinogradTests {
  @Test(arguments: cases) private func agreesWithTheContraction(_ test: Windows) throws {
    let graph = try build(test)
    var choices = Choices()
    let changed = eliminateDeadCode(winograd(graph, &choices))
    try verify(changed)
    let isUsed = changed.nodes.contains { if case .contract(let contract) = $0.primitive { contract.reduced.count == 1 } else { false } }
    #expect(isUsed == test.isUsed)
    let data = try graph.inputs.enumerated().map { number, input in
      numbers(try #require(graph.shape(of: input).map { $0.substituting(test.symbols) }.constants), seed: number)
    }
    let expected = try evaluate(graph, data, symbols: test.symbols)
    #expect(try evaluate(changed, data, symbols: test.symbols) == expected)
    for question in choices.questions {
      #expect(question.options[0] == .winograd(test.isUsed))
      var measured = Choices([question.key: .winograd(!test.isUsed)])
      let other = eliminateDeadCode(winograd(graph, &measured))
      try verify(other)
      #expect((other == graph) == test.isUsed)
      #expect(try evaluate(other, data, symbols: test.symbols) == expected)
    }
  }

  private func build(_ test: Windows) throws -> Graph {
    var b = GraphBuilder()
    let size = test.isOpen ? [Dim(symbol: "h"), Dim(symbol: "w")] : test.size.map { Dim($0) }
    let image = size.map { $0 + (test.width - 1 - 2 * test.pad) }
    let (batch, channels) = (Dim(test.batch), Dim(test.channels))
    let x = b.input(TensorType(.f32, test.isSwapped ? [batch] + image + [channels] : [batch, channels] + image))
    let bias = b.input(TensorType(.f32, [Dim(test.features)]))
    // Multiples of 4, so that the transformed weights are whole numbers.
    let small = numbers([test.features, test.channels, test.width, test.width], seed: 5)
    let w = b.constant(ConstantTensor(.f32, dims: small.dims, doubles: small.doubles.map { $0 * 4 }))
    let spatial = (0..<2).map { AffineIndex([2 + $0: 1, 5 + $0: 1], offset: Dim(-test.pad)) }
    let data: [AffineIndex] = test.isSwapped ? [.axis(0)] + spatial + [.axis(4)] : [.axis(0), .axis(4)] + spatial
    let weights: [AffineIndex] = [.axis(1), .axis(4), .axis(5), .axis(6)]
    var epilogue = ScalarGraph()
    let sum = epilogue.accumulator(0, .f32)
    let shifted = epilogue.plus(sum, epilogue.read(2, [epilogue.axis(1)], type: .f32))
    epilogue.results = [epilogue.binary(.max, epilogue.number(0, .f32), shifted)]
    let contract = Contract(
      shape: [batch, Dim(test.features)] + size, reduced: [channels, Dim(test.width), Dim(test.width)],
      lhs: test.isSwapped ? weights : data, rhs: test.isSwapped ? data : weights, accumulator: .f32, epilogue: epilogue)
    let result = b.add(.contract(contract), test.isSwapped ? [w, x, bias] : [x, w, bias])
    return b.finish(outputs: result)
  }
}
