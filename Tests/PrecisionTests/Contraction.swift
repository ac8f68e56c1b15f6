import Support
import TensorIR
import Testing

/// A matrix product or a convolution of data with constant weights, by its extents.
struct Contraction: Sendable, CustomTestStringConvertible {
  var testDescription: String
  /// Extents of the images; none for a matrix product.
  var size: [Int] = []
  /// Rows of a matrix product, or images.
  var rows = 1
  /// Whether the number of rows is a symbol.
  var isSymbolic = false
  var channels: Int
  var features: Int
  var window = 1
  var stride = 1
  var dilation = 1
  var pad = 0
  var groups = 1
  /// Whether the channels are the data's last dimension.
  var isChannelsLast = false
  var isSplit = true

  /// Whether there are few enough products for slow ways to sum them.
  var isSmall: Bool {
    let positions = size.reduce(1) { $0 * results($1) * window }
    return positions * rows * groups * channels * features < 110_000
  }

  var rowDim: Dim { isSymbolic ? Dim(symbol: "n") : Dim(rows) }

  /// The contraction with an addition and a maximum behind it.
  func graph(_ weights: ConstantTensor, rows: Dim) -> Graph {
    graph(rows: rows) { b in (b.input(TensorType(.f32, dataShape(rows))), b.constant(weights)) }
  }

  /// The same with factors that are computed, and with sums of any type.
  func graph(
    rows: Dim, accumulator: ElementType = .f32, factors: (inout GraphBuilder) -> (data: ValueID, weights: ValueID)
  ) -> Graph {
    var b = GraphBuilder()
    let rank = 2 + size.count + 1
    let (data, weights) = factors(&b)
    let bias = b.input(TensorType(.f32, [Dim(groups), Dim(features)]))
    var epilogue = ScalarGraph()
    let sum = epilogue.cast(epilogue.accumulator(0, accumulator), to: .f32)
    let shift = epilogue.read(2, [epilogue.axis(1), epilogue.axis(2)], type: .f32)
    epilogue.results = [epilogue.binary(.max, epilogue.number(-100, .f32), epilogue.plus(sum, shift))]
    // Axes: rows, group, feature, positions; then channel, windows.
    let positions = size.indices.map {
      AffineIndex([3 + $0: stride, rank + 1 + $0: dilation], offset: Dim(-pad))
    }
    let channel: [AffineIndex] = [.axis(1), .axis(rank)]
    let lhs = [.axis(0)] + (isChannelsLast ? positions + channel : channel + positions)
    let rhs: [AffineIndex] = [.axis(1), .axis(2), .axis(rank)] + size.indices.map { .axis(rank + 1 + $0) }
    let contract = Contract(
      shape: [rows, Dim(groups), Dim(features)] + size.map { Dim(results($0)) },
      reduced: [Dim(channels)] + size.map { _ in Dim(window) }, lhs: lhs, rhs: rhs, accumulator: accumulator,
      epilogue: epilogue)
    let result = b.add(.contract(contract), [data, weights, bias])
    return b.finish(outputs: result)
  }

  private func results(_ extent: Int) -> Int { (extent + 2 * pad - dilation * (window - 1) - 1) / stride + 1 }

  func dataShape(_ rows: Dim) -> [Dim] {
    let (channel, image) = ([Dim(groups), Dim(channels)], size.map { Dim($0) })
    return [rows] + (isChannelsLast ? image + channel : channel + image)
  }

  var weightDims: [Int] { [groups, features, channels] + size.map { _ in window } }

  /// The data, the weights and the bias, made from a number for each element.
  func tensors(_ number: (Int) -> Double) throws -> (data: ConstantTensor, weights: ConstantTensor, bias: ConstantTensor) {
    func tensor(_ dims: [Int], _ seed: Int) -> ConstantTensor {
      ConstantTensor(.f32, dims: dims, doubles: (0..<dims.reduce(1, *)).map { number($0 &* 7 &+ seed &* 13) })
    }
    let dims = try dataShape(Dim(rows)).map { try #require($0.constant) }
    return (tensor(dims, 0), tensor(weightDims, 1), tensor([groups, features], 2))
  }
}

let contractions = [
  Contraction(testDescription: "whole tiles", rows: 16, channels: 32, features: 64),
  Contraction(testDescription: "a rest of everything", rows: 19, channels: 35, features: 73),
  Contraction(testDescription: "few rows, many features", rows: 9, channels: 66, features: 112),
  Contraction(testDescription: "more terms than stay in the cache", rows: 8, channels: 200, features: 64),
  Contraction(testDescription: "more rows too", rows: 270, channels: 200, features: 64),
  Contraction(testDescription: "sums that wait for more terms", rows: 24, channels: 3200, features: 72),
  Contraction(testDescription: "any number of rows", rows: 77, isSymbolic: true, channels: 64, features: 72),
  Contraction(testDescription: "many weights for any number of rows", rows: 90, isSymbolic: true, channels: 608, features: 150),
  Contraction(testDescription: "one row of any number", rows: 1, isSymbolic: true, channels: 400, features: 64),
  Contraction(testDescription: "one column of tiles", size: [4, 50], channels: 64, features: 16, window: 3, pad: 1),
  Contraction(testDescription: "a window", size: [14], rows: 2, channels: 32, features: 24, window: 3, pad: 1),
  Contraction(testDescription: "3 × 3 windows", size: [4, 5], channels: 20, features: 16, window: 3, pad: 1),
  Contraction(testDescription: "rows of rows", size: [12, 28], channels: 64, features: 48, window: 3, pad: 1),
  Contraction(testDescription: "windows with many weights", size: [5, 6], channels: 96, features: 104, window: 3, pad: 1),
  Contraction(testDescription: "wide images", size: [3, 40], rows: 2, channels: 32, features: 32, window: 3, pad: 1),
  Contraction(testDescription: "few channels", size: [8, 8], channels: 3, features: 32, window: 7, stride: 2, pad: 3),
  Contraction(
    testDescription: "channels last", size: [3, 6], channels: 40, features: 16, window: 2, isChannelsLast: true),
  Contraction(testDescription: "dilated", size: [16, 15], channels: 33, features: 17, window: 3, dilation: 2, pad: 2),
  Contraction(testDescription: "groups", size: [4, 4], channels: 12, features: 16, window: 3, pad: 1, groups: 2),
  Contraction(testDescription: "strided pixels", size: [15, 16], channels: 64, features: 128, stride: 2),
  Contraction(testDescription: "solid windows", size: [3, 3, 3], channels: 20, features: 16, window: 2),
  Contraction(
    testDescription: "windows with few features", size: [4, 5], channels: 16, features: 8, window: 3, pad: 1, isSplit: false),
  Contraction(testDescription: "few features", rows: 16, channels: 64, features: 8, isSplit: false),
  Contraction(testDescription: "few terms", rows: 16, channels: 6, features: 64, isSplit: false),
]
