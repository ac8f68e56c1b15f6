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
    let inputs = [ConstantTensor.small([2, 9, 14, 6])]
    let result = try program.interpret(inputs: inputs.map(\.storage))
    #expect(result.status == 0)
    #expect(result.outputs == (try graph.evaluated(inputs)).map(\.storage), "\(targets[number].name)")
  }

  /// Rows of data that do not stay in the cache, with weights that do not either.
  private static let grouped: [(contraction: String, data: [Int], weights: [Int], result: [Int])] = [
    ("f32 [4] lhs [d0, d2] rhs [d2, d1]", [450, 4], [4, 260], [450, 260]),
    ("f32 [2, 2] lhs [d0, d1 + d3, d4] rhs [d3, d4, d2]", [80, 12, 2], [2, 2, 260], [80, 11, 260]),
    ("f32 [4] lhs [d0, d1, d3] rhs [d3, d2]", [2, 225, 4], [4, 260], [2, 225, 260]),
  ]

  @Test("pass in groups", arguments: grouped.indices, [1, 2])
  func groups(_ number: Int, _ threads: Int) throws {
    let (contraction, data, weights, result) = Self.grouped[number]
    let numbers = (0..<weights.reduce(1, *)).map { "\(($0 * 5) % 7 - 3).0" }.joined(separator: ", ")
    let graph = try Graph(
      parsing: """
        %0 = input f32\(data)
        %1 = constant <\(numbers)> : f32\(weights)
        %2 = contract(%0, %1) \(contraction) then { yield acc0 } : f32\(result)
        return %2
        """)
    let input = ConstantTensor.small(data)
    let expected = try graph.evaluated([input]).map(\.storage)
    for (name, target) in targets.dropFirst() where threads == 1 || name == "avx512" {
      var target = target
      target.cacheBytes = 7000
      let program = try Program(scheduling: graph, for: target, threads: threads)
      try LoopIR.verify(program)
      // Loops over the rows of a group begin where it does.
      #expect(program.description.contains(" in v") as Bool, "\(name)")
      #expect(try program.interpret(inputs: [input.storage]).outputs == expected, "\(name)")
    }
  }
}

extension [Statement] {
  fileprivate var firstLoop: Loop? {
    lazy.compactMap { if case .loop(let loop) = $0 { loop } else { nil } }.first
  }
}
