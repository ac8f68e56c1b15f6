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
  var windows = [3, 3]
  var steps = [1, 1]
  var dilations = [1, 1]
  /// Whether the size is a matter of symbols.
  var isOpen = false

  var names: [String] { size.indices.map { "s\($0)" } }
  var symbols: [String: Dim] { Dictionary(uniqueKeysWithValues: zip(names, size.map { Dim($0) })) }
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
  Windows(testDescription: "windows of 5", isUsed: false, windows: [5, 5]),
  Windows(testDescription: "steps of 2", isUsed: false, steps: [1, 2]),
  Windows(testDescription: "windows with gaps", dilations: [2, 1]),
  Windows(testDescription: "windows with gaps of both axes", size: [16, 12], pad: 0, dilations: [4, 3]),
  Windows(
    testDescription: "windows with gaps, and much waste", size: [17, 13], isUsed: false, dilations: [5, 2]),
  Windows(
    testDescription: "windows with gaps of open size, and other axes between", size: [7, 2, 9], batch: 2, channels: 32,
    features: 32, isSwapped: true, windows: [3, 2, 3], steps: [1, 2, 1], dilations: [2, 1, 1], isOpen: true),
  Windows(
    testDescription: "three dimensions", size: [6, 2, 12], windows: [3, 2, 3], steps: [1, 1, 1], dilations: [1, 1, 1]),
  Windows(
    testDescription: "three dimensions, the first one odd", size: [3, 8, 4], batch: 2, channels: 8, features: 9,
    isSwapped: true, isUsed: false, windows: [3, 3, 3], steps: [1, 1, 1], dilations: [1, 1, 1]),
  Windows(
    testDescription: "two long axes around one that is kept", size: [8, 3, 6], channels: 9, features: 8, pad: 0,
    isUsed: false, windows: [3, 5, 3], steps: [1, 2, 1], dilations: [1, 3, 1]),
  Windows(
    testDescription: "two axes that are kept", size: [2, 6, 3, 6], channels: 8, features: 8, isUsed: false,
    windows: [2, 3, 3, 3], steps: [2, 1, 1, 1], dilations: [1, 1, 2, 1]),
  Windows(
    testDescription: "one long axis", size: [12, 12], isUsed: false, windows: [2, 3]),
  Windows(
    testDescription: "three dimensions of open size", size: [3, 2, 5], windows: [3, 3, 3], steps: [1, 1, 1],
    dilations: [1, 1, 1], isOpen: true),
]

@Suite struct WinogradTests {
  @Test(arguments: cases) private func agreesWithTheContraction(_ test: Windows) throws {
    let graph = try build(test)
    var choices = Choices()
    let changed = eliminateDeadCode(winograd(graph, &choices))
    try verify(changed)
    let isUsed = changed.nodes.contains { node in
      if case .contract(let contract) = node.primitive { contract.shape.prefix(2) == [4, 4] } else { false }
    }
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

  /// Many channels outweigh more results than are asked for.
  @Test("are estimated by what blocks compute too much", arguments: [(127, false), (128, true)])
  func waste(_ channels: Int, _ isUsed: Bool) throws {
    var choices = Choices()
    let test = Windows(testDescription: "", size: [25, 13], channels: channels, features: 128, dilations: [2, 1])
    _ = winograd(try build(test), &choices)
    #expect(choices.questions.map { $0.options[0] } == [.winograd(isUsed)])
  }

  private func build(_ test: Windows) throws -> Graph {
    var b = GraphBuilder()
    let size = test.isOpen ? test.names.map { Dim(symbol: $0) } : test.size.map { Dim($0) }
    let image = size.indices.map { axis in
      (size[axis] - 1) * test.steps[axis] + (test.dilations[axis] * (test.windows[axis] - 1) + 1 - 2 * test.pad)
    }
    let (batch, channels) = (Dim(test.batch), Dim(test.channels))
    let x = b.input(TensorType(.f32, test.isSwapped ? [batch] + image + [channels] : [batch, channels] + image))
    let bias = b.input(TensorType(.f32, [Dim(test.features)]))
    // Multiples of 4, so that the transformed weights are whole numbers.
    let small = numbers([test.features, test.channels] + test.windows, seed: 5)
    let w = b.constant(ConstantTensor(.f32, dims: small.dims, doubles: small.doubles.map { $0 * 4 }))
    let channel = 2 + size.count
    let spatial = size.indices.map { axis in
      AffineIndex([2 + axis: test.steps[axis], channel + 1 + axis: test.dilations[axis]], offset: Dim(-test.pad))
    }
    let data: [AffineIndex] =
      test.isSwapped ? [.axis(0)] + spatial + [.axis(channel)] : [.axis(0), .axis(channel)] + spatial
    let weights: [AffineIndex] = [.axis(1), .axis(channel)] + size.indices.map { .axis(channel + 1 + $0) }
    var epilogue = ScalarGraph()
    let sum = epilogue.accumulator(0, .f32)
    let shifted = epilogue.plus(sum, epilogue.read(2, [epilogue.axis(1)], type: .f32))
    epilogue.results = [epilogue.binary(.max, epilogue.number(0, .f32), shifted)]
    let contract = Contract(
      shape: [batch, Dim(test.features)] + size, reduced: [channels] + test.windows.map { Dim($0) },
      lhs: test.isSwapped ? weights : data, rhs: test.isSwapped ? data : weights, accumulator: .f32, epilogue: epilogue)
    let result = b.add(.contract(contract), test.isSwapped ? [w, x, bias] : [x, w, bias])
    return b.finish(outputs: result)
  }
}
