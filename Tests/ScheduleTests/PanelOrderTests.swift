import LoopIR
import Schedule
import Support
import TensorIR
import Testing

@Suite("Panels and rows")
struct PanelOrderTests {
  /// What a cache keeps, and whether rows are the outermost loop: all data and weights, one row of an image, one tile of
  /// rows.
  private static let caches = [(1 << 20, false), (54_000, true), (19_000, true)]

  @Test("may change places", arguments: caches, targets.indices)
  func interpreted(_ cache: (bytes: Int, isByRows: Bool), _ number: Int) throws {
    let weights = (0..<2340).map { "\(($0 * 5) % 7 - 3).0" }.joined(separator: ", ")
    let graph = try Graph(
      parsing: """
        %0 = input f32[2, 9, 14, 6]
        %1 = constant <\(weights)> : f32[3, 6, 130]
        %2 = contract(%0, %1) f32 [3, 6] lhs [d0, d1, d2 + d4, d5] rhs [d4, d5, d3] then { yield acc0 } : f32[2, 9, 12, 130]
        return %2
        """)
    var target = targets[number].target
    target.cacheBytes = cache.bytes
    let program = try Program(scheduling: graph, for: target)
    try LoopIR.verify(program)
    #expect(program.kernels.count == 1)
    let loop = program.kernels[0].body.firstLoop
    #expect((loop?.upper == .index(18)) == cache.isByRows)
    let numbers: [Double] = (0..<1512).map { Double(($0 * 7) % 11 - 5) }
    let inputs: [ConstantTensor] = [ConstantTensor(.f32, dims: [2, 9, 14, 6], doubles: numbers)]
    let result = try program.interpret(inputs: inputs.map(\.storage))
    #expect(result.status == 0)
    #expect(result.outputs == (try graph.evaluated(inputs)).map(\.storage), "\(targets[number].name)")
  }
}

extension [Statement] {
  fileprivate var firstLoop: Loop? {
    lazy.compactMap { if case .loop(let loop) = $0 { loop } else { nil } }.first
  }
}
