import LoopIR
import Schedule
import Support
import TensorIR
import Testing

/// A product of a matrix that is given with one that is constant, or given too.
private struct Product: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var rows: Dim = 12
  var terms = 129
  var columns = 256
  var isConstant = true
  var element = ElementType.f32
  var target = Target.avx2
  var asks: Bool

  func graph(_ factor: ConstantTensor) -> Graph {
    var b = GraphBuilder()
    let x = b.input(TensorType(element, [rows, Dim(terms)]))
    let y = isConstant ? b.constant(factor) : b.input(factor.type)
    var epilogue = ScalarGraph()
    epilogue.results = [epilogue.accumulator(0, element)]
    let contract = Contract(
      shape: [rows, Dim(columns)], reduced: [Dim(terms)], lhs: [.axis(0), .axis(2)], rhs: [.axis(2), .axis(1)],
      accumulator: element, epilogue: epilogue)
    return b.finish(outputs: [b.add(.contract(contract), [x, y])[0]])
  }
}

/// Constants of 129 * 256 elements are just larger than what is taken to be in the cache.
private let products = [
  Product(testDescription: "constants larger than the cache", asks: true),
  Product(testDescription: "wider vectors", target: .avx512, asks: true),
  Product(testDescription: "rows of an open number", rows: Dim(symbol: "n"), asks: true),
  Product(testDescription: "sums in chunks", terms: 400, asks: true),
  Product(testDescription: "constants in the cache", terms: 128, asks: false),
  Product(testDescription: "a single row", rows: 1, asks: true),
  Product(testDescription: "a factor that is given", isConstant: false, asks: false),
  Product(testDescription: "double precision", element: .f64, asks: false),
  Product(testDescription: "a processor without vectors", target: .portable, asks: false),
]

@Suite("Panels asked for ahead")
struct PrefetchTests {
  @Test("are those that come from memory", arguments: products)
  private func asks(_ product: Product) throws {
    func numbers(_ dims: [Int], _ seed: Int) -> ConstantTensor { .small(dims, product.element, seed: seed) }
    let factor = numbers([product.terms, product.columns], 13)
    let graph = product.graph(factor)
    var target = product.target
    target.cacheBytes = 128 * 256 * 4
    let program = try Program(scheduling: graph, for: target)
    try LoopIR.verify(program)
    #expect(program.kernels.contains { $0.description.contains("prefetch") } == product.asks)
    let rows = product.rows.constant ?? 14
    let x = numbers([rows, product.terms], 0)
    var fixed = product
    fixed.rows = Dim(rows)
    let node = try #require(fixed.graph(factor).nodes.last)
    let expected = try #require(Evaluator.evaluate(node.primitive, [x, factor]))
    let inputs = product.isConstant ? [x] : [x, factor]
    let result = try program.interpret(
      inputs: inputs.map(\.storage), symbols: product.rows.constant == nil ? [rows] : [])
    #expect(result.outputs == expected.map(\.storage))
  }
}
