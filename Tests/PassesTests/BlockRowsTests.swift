import TensorIR
import Testing
import Tuning

@testable import Passes

/// A chain between two products, what a block of it may take, and the blocks that it is cut into; none if it must stay.
private struct Chain: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var blockBytes = 16 * 80
  var blocks: Int?
  var text: String
}

/// The first product of two axes of heads, with the graph's inputs.
private func scores(_ shape: String = "[2, 3, 40, 20]") -> String {
  """
  %0 = input f32[2, 3, 40, 4]
  %1 = input f32[2, 3, 20, 4]
  %2 = input f32[2, 3, 20, 5]
  %3 = input f32[40, 20]
  %4 = contract(%0, %1) f32 [4] lhs [d0, d1, d2, d4] rhs [d0, d1, d3, d4] then { yield acc0 } : f32\(shape)

  """
}

/// What follows the first product: every row less its greatest element, times another factor.
private let rest = """
  %5 = reduce(%4) max [20] { s0 = read 0[d0, d1, d2, d3]; yield s0 } then { yield acc0 } : f32[2, 3, 40]
  %6 = map(%4, %5) { s0 = read 0[d0, d1, d2, d3]; s1 = read 1[d0, d1, d2]; s2 = subtract s0, s1; yield s2 } : f32[2, 3, 40, 20]
  %7 = contract(%6, %2) f32 [20] lhs [d0, d1, d2, d4] rhs [d0, d1, d4, d3] then { yield acc0 } : f32[2, 3, 40, 5]

  """

private let chains = [
  Chain(testDescription: "a ragged last block of every head", blocks: 12, text: scores() + rest + "return %7"),
  Chain(testDescription: "several heads at a time", blockBytes: 3 * 40 * 80, blocks: 2, text: scores() + rest + "return %7"),
  Chain(testDescription: "blocks of an even share", blockBytes: 32 * 80, blocks: 12, text: scores() + rest + "return %7"),
  Chain(
    testDescription: "a mask in the first product's epilogue, and in a map", blocks: 12,
    text: """
      %0 = input f32[2, 3, 40, 4]
      %1 = input f32[2, 3, 20, 4]
      %2 = input f32[2, 3, 20, 5]
      %3 = input f32[40, 20]
      %4 = contract(%0, %1, %3) f32 [4] lhs [d0, d1, d2, d4] rhs [d0, d1, d3, d4] then { s0 = read 2[d2, d3]; s1 = add acc0, s0; s2 = cast f32 d2; s3 = add s1, s2; yield s3 } : f32[2, 3, 40, 20]
      %5 = map(%4, %3) { s0 = read 0[d0, d1, d2, d3]; s1 = read 1[d2, d3]; s2 = add s0, s1; yield s2 } : f32[2, 3, 40, 20]
      %6 = contract(%5, %2) f32 [20] lhs [d0, d1, d2, d4] rhs [d0, d1, d4, d3] then { yield acc0 } : f32[2, 3, 40, 5]
      return %6
      """),
  Chain(
    testDescription: "results in another order", blocks: 12,
    text: scores() + """
      %5 = map(%4) { s0 = read 0[d1, d0, d3, d2]; s1 = negate s0; yield s1 } : f32[3, 2, 20, 40]
      %6 = contract(%2, %5) f32 [20] lhs [d1, d0, d4, d3] rhs [d0, d1, d4, d2] then { yield acc0 } : f32[3, 2, 40, 5]
      return %6
      """),
  Chain(
    testDescription: "a sum over the rows, in blocks of columns", blocks: 6,
    text: scores() + """
      %5 = contract(%0, %4) f32 [40] lhs [d0, d1, d4, d2] rhs [d0, d1, d4, d3] then { yield acc0 } : f32[2, 3, 4, 20]
      return %5
      """),
  Chain(
    testDescription: "rows that a map reverses, in blocks of heads", blockBytes: 40 * 80, blocks: 2,
    text: scores() + """
      %5 = map(%4) { s0 = subtract i64 39, d2; s1 = read 0[d0, d1, s0, d3]; yield s1 } : f32[2, 3, 40, 20]
      %6 = contract(%5, %2) f32 [20] lhs [d0, d1, d2, d4] rhs [d0, d1, d4, d3] then { yield acc0 } : f32[2, 3, 40, 5]
      return %6
      """),
  Chain(testDescription: "a product that is a result", text: scores() + rest + "return %7, %4"),
  Chain(
    testDescription: "a map that is used after the chain",
    text: scores() + rest + """
      %8 = map(%6) { s0 = read 0[d0, d1, d2, i64 0]; yield s0 } : f32[2, 3, 40]
      return %7, %8
      """),
  Chain(
    testDescription: "positions within the chain",
    text: scores() + """
      %5, %6 = reduce(%4) argMaxFirst [20] { s0 = read 0[d0, d1, d2, d3]; yield s0 } then { yield acc0, acc1 } : f32[2, 3, 40], i64[2, 3, 40]
      %7 = map(%4, %6) { s0 = read 0[d0, d1, d2, d3]; s1 = read 1[d0, d1, d2]; s2 = cast f32 s1; s3 = subtract s0, s2; yield s3 } : f32[2, 3, 40, 20]
      %8 = contract(%7, %2) f32 [20] lhs [d0, d1, d2, d4] rhs [d0, d1, d4, d3] then { yield acc0 } : f32[2, 3, 40, 5]
      return %8
      """),
]

private func blocked(_ graph: Graph, _ cacheBytes: Int, _ blockBytes: Int) -> Graph {
  var choices = Choices()
  return blockRows(graph, cacheBytes: cacheBytes, blockBytes: blockBytes, &choices)
}

@Suite("Blocks of rows")
struct BlockRowsTests {
  /// The lengths of a graph's scans.
  private func lengths(_ graph: Graph) -> [Dim] {
    graph.nodes.compactMap { if case .scan(let scan) = $0.primitive { scan.length } else { nil } }
  }

  @Test("give what the chain gives", arguments: chains)
  private func chain(_ chain: Chain) throws {
    let graph = try Graph(parsing: chain.text)
    let result = blocked(graph, 1 << 10, chain.blockBytes)
    try verify(result)
    #expect(lengths(result) == (chain.blocks.map { [Dim($0)] } ?? []))
    let data = try graph.inputs.enumerated().map { numbers(try #require(graph.shape(of: $1).constants), seed: $0) }
    #expect(try evaluate(result, data) == evaluate(graph, data))
  }

  @Test("are for products that the cache does not hold, of computed factors") func limits() throws {
    let graph = try Graph(parsing: chains[0].text)
    let bytes = 2 * 3 * 40 * 20 * 4
    #expect(blocked(graph, bytes, 1 << 10) == graph)
    #expect(lengths(blocked(graph, bytes - 1, 1 << 10)) == [12])
    #expect(blocked(graph, 1, bytes) == graph)
  }

  @Test("are as large as was measured") func measured() throws {
    let graph = try Graph(parsing: chains[0].text)
    var choices = Choices()
    #expect(blockRows(graph, cacheBytes: .max, blockBytes: 1, &choices) == graph)
    let question = try #require(choices.questions.first)
    #expect(choices.questions.count == 1 && question.options[0] == .blocks(0))
    for option in question.options {
      var measured = Choices([question.key: option])
      #expect(blockRows(graph, cacheBytes: 1, blockBytes: 1 << 10, &measured) == graph)
    }
    var measured = Choices([question.key: .blocks(1 << 10)])
    #expect(lengths(blockRows(graph, cacheBytes: .max, blockBytes: 1, &measured)) == [12])
  }
}
