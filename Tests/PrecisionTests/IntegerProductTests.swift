import CTileEmulator
import EmitLLVM
import LoopIR
import Schedule
import Support
import TensorIR
import Testing

@testable import Passes

/// Quantized data: their type, their zero point, and whether that is known when the model is compiled.
private struct Quantization: Sendable, CustomTestStringConvertible {
  var element: ElementType
  var zeroPoint: Int
  var isKnown = true
  /// Whether weights have scales, so that sums are `f32`.
  var hasScales = true
  /// The zero point of the weights.
  var ofWeights = 0

  var testDescription: String {
    let weights = ofWeights == 0 ? "" : ", weights around \(ofWeights)"
    return "\(element) around \(zeroPoint)\(isKnown ? "" : ", known at run time")\(hasScales ? "" : ", integers")" + weights
  }
}

private let quantizations = [
  Quantization(element: .u8, zeroPoint: 0), Quantization(element: .u8, zeroPoint: 121),
  Quantization(element: .i8, zeroPoint: 0), Quantization(element: .i8, zeroPoint: -37),
  Quantization(element: .u8, zeroPoint: 255, isKnown: false),
  Quantization(element: .i8, zeroPoint: -128, isKnown: false),
  Quantization(element: .u8, zeroPoint: 3, hasScales: false),
  Quantization(element: .u16, zeroPoint: 32701), Quantization(element: .i16, zeroPoint: -300),
  Quantization(element: .u16, zeroPoint: 514, isKnown: false), Quantization(element: .i16, zeroPoint: 77, isKnown: false),
  Quantization(element: .u8, zeroPoint: 121, ofWeights: -1), Quantization(element: .i8, zeroPoint: -37, ofWeights: 90),
  Quantization(element: .u8, zeroPoint: 9, isKnown: false, ofWeights: -128),
  Quantization(element: .i8, zeroPoint: 5, hasScales: false, ofWeights: 127),
  Quantization(element: .u16, zeroPoint: 32701, ofWeights: -50),
  Quantization(element: .i16, zeroPoint: 77, isKnown: false, ofWeights: 3),
]

@Suite("Integer products") struct IntegerProductTests {
  private func target(_ unit: GroupUnit) -> Target {
    var target = Target.avx512
    target.byteUnit = unit
    return target
  }

  /// What code for a unit is compiled with, if this machine can run it.
  private func options(_ unit: GroupUnit) -> LLVMOptions? {
    let host = LLVMOptions.host()
    guard host.triple.hasPrefix("x86_64") else { return nil }
    switch unit {
    case .vectors: return host.supports("avx512vnni") ? host : nil
    case .tiles:
      guard tile_emulator_install() != 0 else { return nil }
      return LLVMOptions(triple: host.triple, cpu: host.cpu, features: host.features + ",+amx-tile,+amx-int8")
    }
  }

  /// Every contraction that the evaluator is fast enough for with one quantization, one of them with all.
  @Test(
    "give what dequantized factors give",
    arguments: contractions.filter(\.isSmall).enumerated().map { ($1, quantizations[$0 % quantizations.count]) }
      + quantizations.map { (contractions[1], $0) }
      + contractions.filter(\.isSmall).enumerated().map { ($1, quantizations[quantizations.count - 1 - $0 % 6]) })
  private func products(_ contraction: Contraction, _ quantization: Quantization) throws {
    let inputs = try tensors(contraction, quantization)
    let expected = try results(of: graph(contraction, quantization, rows: Dim(contraction.rows)), inputs)[0]
    for unit in [GroupUnit.vectors, .tiles] {
      let rewritten = integerProducts(
        graph(contraction, quantization, rows: contraction.rowDim), depth: unit == .tiles ? 64 : 4)
      try verify(rewritten)
      let isRewritten = rewritten.nodes.contains { $0.multipliesGroups(in: rewritten) }
      #expect(isRewritten || !contraction.isSplit || contraction.channels == 3, "\(unit)")
      if !contraction.isSymbolic { #expect(try results(of: rewritten, inputs)[0].storage == expected.storage) }
      let program = try scheduled(rewritten, target(unit))
      // Vectors sum few products, and those of few features.
      let runsTiles = rewritten.nodes.contains {
        $0.multipliesGroups(in: rewritten) && $0.terms >= 64 && unit == .tiles && contraction.features > 8
      }
      #expect(program.description.contains("tile multiplyAdd i32") == runsTiles)
      #expect(program.description.contains("multiplyAddGroups") == (isRewritten && !runsTiles))
      let interpreted = try program.interpret(
        inputs: inputs.map(\.storage), symbols: contraction.symbolicRows.map { [$0] } ?? [])
      #expect(interpreted.outputs == [expected.storage], "\(unit)")
      guard let options = options(unit) else { continue }
      let result = try run(program, options, rows: contraction.symbolicRows, inputs)
      #expect(result == expected.doubles.map { Float($0) }, "\(unit)")
    }
  }

  @Test("stay as they are where weights or zero points do not allow them") func refused() throws {
    let contraction = Contraction(testDescription: "", rows: 16, channels: 64, features: 32)
    func isRewritten(_ weights: Weights) -> Bool {
      let graph = graph(
        contraction, Quantization(element: .u8, zeroPoint: 1), rows: Dim(16), weights: weights)
      let rewritten = integerProducts(graph, depth: 4)
      return rewritten.nodes.contains { $0.multipliesGroups(in: rewritten) }
    }
    #expect(isRewritten(Weights()))
    #expect(isRewritten(Weights(zeroPoints: [-1])))
    #expect(!isRewritten(Weights(zeroPoints: [-1, 0])))
    #expect(!isRewritten(Weights(hasScaleOfEveryTerm: true)))
  }

  // MARK: Graphs

  private struct Weights {
    /// Zero points of the features in turn; nil for what the quantization says.
    var zeroPoints: [Int]?
    var hasScaleOfEveryTerm = false
  }

  /// The contraction of dequantized factors; scales are powers of two, so that `f32` sums are exact.
  private func graph(
    _ contraction: Contraction, _ quantization: Quantization, rows: Dim, weights: Weights = Weights()
  ) -> Graph {
    contraction.graph(rows: rows, accumulator: quantization.hasScales ? .f32 : .i32) { b in
      let data = b.input(TensorType(quantization.element, contraction.dataShape(rows)))
      let known = b.constant(.scalar(Double(quantization.zeroPoint), quantization.element))
      let zeroPoint = quantization.isKnown ? known : b.input(TensorType(quantization.element, []))
      let scale = b.constant(.scalar(0.5, .f32))
      let dims = contraction.weightDims
      let count = dims.reduce(1, *)
      let integers = (0..<count).map { $0 % 97 == 5 ? -128 : $0 % 89 == 7 ? 127 : ($0 * 7) % 19 - 9 }
      let bytes = b.constant(ConstantTensor(.i8, dims: dims, integers: integers))
      let features = Array(dims.prefix(2)) + dims.dropFirst(2).map { _ in 1 }
      let zeros = weights.zeroPoints ?? [quantization.ofWeights]
      let zeroPoints = (0..<features.reduce(1, *)).map { zeros[$0 % zeros.count] }
      let weightZero = b.constant(ConstantTensor(.i8, dims: features, integers: zeroPoints))
      let last = weights.hasScaleOfEveryTerm ? dims : features
      let powers = (0..<last.reduce(1, *)).map { [1, 0.25, 2, 0.5][$0 % 4] }
      let scales = b.constant(ConstantTensor(.f32, dims: last, doubles: powers))
      return (
        dequantized(&b, data, zeroPoint, quantization.hasScales ? scale : nil),
        dequantized(&b, bytes, weightZero, quantization.hasScales ? scales : nil)
      )
    }
  }

  /// `f32(i32(x) - i32(zeroPoint)) * scale`, or the integers of which that is made.
  private func dequantized(_ b: inout GraphBuilder, _ x: ValueID, _ zeroPoint: ValueID, _ scale: ValueID?) -> ValueID {
    let type = b.type(of: x)
    var body = ScalarGraph()
    let axes = type.shape.indices.map { body.axis($0) }
    func places(_ parameter: ValueID) -> [ScalarID] {
      b.shape(of: parameter).enumerated().map { $1 == 1 ? body.integer(0) : axes[$0] }
    }
    let wide = body.cast(body.read(0, axes, type: type.element), to: .i32)
    let shifted = body.minus(wide, body.cast(body.read(1, places(zeroPoint), type: type.element), to: .i32))
    body.results = [shifted]
    if let scale {
      body.results = [body.times(body.cast(shifted, to: .f32), body.read(2, places(scale), type: .f32))]
    }
    return b.map(type.shape, body, [x, zeroPoint] + (scale.map { [$0] } ?? []))
  }

  private func tensors(_ contraction: Contraction, _ quantization: Quantization) throws -> [ConstantTensor] {
    let dims = try contraction.dataShape(Dim(contraction.rows)).map { try #require($0.constant) }
    // Sums of 16-bit numbers are exact where these are near the zero point.
    let low = switch quantization.element {
    case .u8: 0
    case .i8: -128
    default: quantization.zeroPoint - 120
    }
    let numbers = (0..<dims.reduce(1, *)).map { position in
      low + (position % 83 == 3 ? 255 : position % 79 == 11 ? 0 : 100 + (position * 5) % 41)
    }
    let data = ConstantTensor(quantization.element, dims: dims, integers: numbers)
    let zeroPoint = ConstantTensor.scalar(Double(quantization.zeroPoint), quantization.element)
    let bias = [contraction.groups, contraction.features]
    let numbersOfBias = (0..<bias.reduce(1, *)).map { Double($0 % 11 - 5) }
    let shift = ConstantTensor(.f32, dims: bias, doubles: numbersOfBias)
    return [data] + (quantization.isKnown ? [] : [zeroPoint]) + [shift]
  }
}

extension Node {
  /// The products that a contraction sums for every result.
  fileprivate var terms: Int {
    guard case .contract(let contract) = primitive else { return 0 }
    return contract.reduced.product.constant ?? 0
  }
}
