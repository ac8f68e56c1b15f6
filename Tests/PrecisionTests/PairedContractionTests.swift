import Schedule
import Support
import TensorIR
import Testing
import Tuning

@testable import Passes

/// A product of two computed factors for each of some heads, whose numbers lie side by side in both.
private struct Product: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var heads = 1
  var rows: Int
  var columns: Int
  var terms: Int
  /// Whether the number of rows is a symbol.
  var isSymbolic = false
  /// Whether the columns are the first factor's.
  var areColumnsFirst = false
  /// Whether the columns' terms are their first dimension.
  var areTermsOutside = false
  /// How many times the terms are summed, of rows that follow each other.
  var windows = 1
  var isPaired = true

  /// Whether there are few enough products for slow ways to sum them.
  var isSmall: Bool { heads * rows * columns * terms < 80_000 }

  var rowDim: Dim { isSymbolic ? Dim(symbol: "n") : Dim(rows) }

  func rowShape(_ rows: Dim) -> [Dim] { [rows + (windows - 1), Dim(heads * terms)] }
  var columnDims: [Int] { areTermsOutside ? [heads * terms, columns] : [columns, heads * terms] }

  func graph(_ rows: Dim) -> Graph {
    var b = GraphBuilder()
    let row = b.input(TensorType(.f32, rowShape(rows)))
    let column = b.input(TensorType(.f32, columnDims.map { Dim($0) }))
    let bias = b.input(TensorType(.f32, [Dim(columns)]))
    var epilogue = ScalarGraph()
    let shift = epilogue.read(2, [epilogue.axis(2)], type: .f32)
    let sum = epilogue.plus(epilogue.accumulator(0, .f32), shift)
    epilogue.results = [epilogue.binary(.max, epilogue.number(-100, .f32), sum)]
    let term = AffineIndex([0: terms, 3: 1])
    let rowIndices = [AffineIndex([1: 1, 4: 1]), term]
    let columnIndices: [AffineIndex] = areTermsOutside ? [term, .axis(2)] : [.axis(2), term]
    let contract = Contract(
      shape: [Dim(heads), rows, Dim(columns)], reduced: [Dim(terms), Dim(windows)],
      lhs: areColumnsFirst ? columnIndices : rowIndices, rhs: areColumnsFirst ? rowIndices : columnIndices,
      accumulator: .f32, epilogue: epilogue)
    return b.finish(
      outputs: b.add(.contract(contract), areColumnsFirst ? [column, row, bias] : [row, column, bias]))
  }

  /// The inputs, of small whole numbers, which are `bf16` numbers.
  func inputs() throws -> [ConstantTensor] {
    let dims = [try rowShape(Dim(rows)).map { try #require($0.constant) }, columnDims, [columns]]
    return dims.enumerated().map { seed, dims in
      ConstantTensor(.f32, dims: dims, doubles: (0..<dims.reduce(1, *)).map { Double(($0 * 7 + seed * 13) % 11 - 5) })
    }
  }
}

private let products = [
  Product(testDescription: "whole tiles", rows: 64, columns: 64, terms: 64),
  Product(testDescription: "a rest of everything", rows: 65, columns: 67, terms: 17),
  Product(testDescription: "heads", heads: 3, rows: 80, columns: 80, terms: 32),
  Product(testDescription: "slices of heads", heads: 2, rows: 75, columns: 83, terms: 35),
  Product(testDescription: "an odd rest of several blocks", rows: 67, columns: 73, terms: 197),
  Product(testDescription: "terms outside", heads: 2, rows: 63, columns: 86, terms: 45, areTermsOutside: true),
  Product(testDescription: "columns first", heads: 2, rows: 71, columns: 66, terms: 64, areColumnsFirst: true),
  Product(testDescription: "any number of rows", heads: 2, rows: 77, columns: 40, terms: 50, isSymbolic: true),
  Product(testDescription: "one row of any number", rows: 1, columns: 64, terms: 64, isSymbolic: true),
  Product(testDescription: "several summed axes", rows: 64, columns: 144, terms: 16, windows: 2),
  Product(testDescription: "few rows", rows: 8, columns: 64, terms: 64, isPaired: false),
  Product(testDescription: "few columns", rows: 64, columns: 12, terms: 64, isPaired: false),
  Product(testDescription: "few terms", rows: 64, columns: 64, terms: 12, isPaired: false),
  Product(testDescription: "few uses", rows: 48, columns: 48, terms: 64, isPaired: false),
]

@Suite("Pairs of computed factors") struct PairedContractionTests {
  @Test("mean the same to the evaluator", arguments: products.filter { $0.isSmall && !$0.isSymbolic })
  private func evaluated(_ product: Product) throws {
    let inputs = try product.inputs()
    let graph = product.graph(product.rowDim)
    let paired = eliminateDeadCode(splitFactors(graph, FactorSplit(parts: 1, depth: 32)))
    try verify(paired)
    #expect(paired.values.contains { $0.type.element == .bf16 } == product.isPaired)
    #expect(try results(of: paired, inputs)[0].storage == results(of: graph, inputs)[0].storage)
  }

  @Test("give what whole factors give", arguments: products) private func computed(_ product: Product) throws {
    let inputs = try product.inputs()
    let expected = try results(of: product.graph(Dim(product.rows)), inputs)[0]
    for unit in Unit.all where unit.split.parts == 1 {
      let graph = eliminateDeadCode(splitFactors(product.graph(product.rowDim), unit.split))
      let program = try scheduled(graph, unit.target)
      #expect(program.description.contains("tile multiplyAdd") == (product.isPaired && unit.pairUnit == .tiles))
      let symbols = product.isSymbolic ? [product.rows] : []
      if product.isSmall {
        let interpreted = try program.interpret(inputs: inputs.map(\.storage), symbols: symbols)
        #expect(interpreted.outputs == [expected.storage], "\(unit.testDescription), interpreted")
      }
      guard let options = unit.options else { continue }
      let compiled = try run(program, options, rows: symbols.first, inputs)
      #expect(compiled == expected.doubles.map { Float($0) }, "\(unit.testDescription), compiled")
    }
  }

  /// Two products with a map between them, block by block of the first one's rows.
  @Test("are computed by blocks of rows", arguments: [70, 101]) func blocks(_ length: Int) throws {
    let (graph, inputs) = Self.clippedAttention(length)
    let expected = Self.clippedAttention(inputs.map { $0.doubles.map { Int($0) } }, length)
    for unit in Unit.all where unit.split.parts == 1 {
      var choices = Choices()
      let paired = splitFactors(graph, unit.split)
      #expect(paired.nodes.filter { $0.multipliesGroups(in: paired) }.count == (unit.pairUnit == .tiles ? 2 : 0))
      let blocked = eliminateDeadCode(blockRows(paired, cacheBytes: 1 << 10, blockBytes: 1 << 13, &choices))
      #expect(blocked.nodes.contains { if case .scan = $0.primitive { true } else { false } })
      let program = try scheduled(blocked, unit.target)
      #expect(program.description.contains("tile multiplyAdd") == (unit.pairUnit == .tiles))
      guard let options = unit.options else { continue }
      #expect(try run(program, options, rows: nil, inputs) == expected.map { Float($0) })
    }
  }

  private static let heads = 2
  /// Numbers of a head.
  private static let width = 64

  /// Products of heads, cut off at 3 to both sides, times others: all are numbers that `bf16` has, as are the inputs.
  private static func clippedAttention(_ length: Int) -> (Graph, [ConstantTensor]) {
    var b = GraphBuilder()
    let dims = [length, heads * width]
    let factors: [ValueID] = (0..<3).map { _ in b.input(TensorType(.f32, dims.map { Dim($0) })) }
    func product(_ lhs: [AffineIndex], _ rhs: [AffineIndex], _ columns: Int, _ terms: Int) -> Primitive {
      var epilogue = ScalarGraph()
      epilogue.results = [epilogue.accumulator(0, .f32)]
      return .contract(
        Contract(
          shape: [Dim(heads), Dim(length), Dim(columns)], reduced: [Dim(terms)], lhs: lhs, rhs: rhs, accumulator: .f32,
          epilogue: epilogue))
    }
    let ofHead = AffineIndex([0: width, 3: 1])
    let scores = b.add(product([.axis(1), ofHead], [.axis(2), ofHead], length, width), [factors[0], factors[1]])
    var body = ScalarGraph()
    let score = body.read(0, (0..<3).map { body.axis($0) }, type: .f32)
    body.results = [body.binary(.min, body.binary(.max, score, body.number(-3, .f32)), body.number(3, .f32))]
    let clipped = b.add(.map(Map(shape: [Dim(heads), Dim(length), Dim(length)], body: body)), scores)
    let values = [AffineIndex.axis(3), AffineIndex([0: width, 2: 1])]
    let result = b.add(product([.axis(0), .axis(1), .axis(3)], values, width, length), clipped + [factors[2]])
    let inputs = (0..<3).map { seed in
      let numbers = (0..<length * heads * width).map { Double(($0 * 7 + seed * 13) % 5 - 2) }
      return ConstantTensor(.f32, dims: dims, doubles: numbers)
    }
    return (b.finish(outputs: result), inputs)
  }

  /// The same in whole numbers.
  private static func clippedAttention(_ inputs: [[Int]], _ length: Int) -> [Int] {
    var results: [Int] = []
    let stride = heads * width
    for head in 0..<heads {
      for row in 0..<length {
        var sums = [Int](repeating: 0, count: width)
        for key in 0..<length {
          var score = 0
          for place in head * width..<(head + 1) * width {
            score += inputs[0][row * stride + place] * inputs[1][key * stride + place]
          }
          score = min(max(score, -3), 3)
          for place in 0..<width { sums[place] += score * inputs[2][key * stride + head * width + place] }
        }
        results += sums
      }
    }
    return results
  }
}
