import Support
import TensorIR
import Testing

@testable import Passes

@Suite("Tables of functions of bytes") struct TabulateBytesTests {
  /// A map over `x` that gives `body` of its elements.
  private func graph(_ type: ElementType, _ count: Int, _ body: (inout ScalarGraph, ScalarID) -> ScalarID) -> Graph {
    var b = GraphBuilder()
    let x = b.input(TensorType(type, [Dim(count)]))
    var graph = ScalarGraph()
    let element = graph.read(0, [graph.axis(0)], type: type)
    graph.results = [body(&graph, element)]
    let result = b.map([Dim(count)], graph, [x])
    return b.finish(outputs: [result])
  }

  @Test("give every value of a byte", arguments: [ElementType.u8, .i8])
  func bytes(_ type: ElementType) throws {
    let graph = graph(type, 1024) { body, x in
      let value = body.times(body.cast(x, to: .f32), body.number(0.1, .f32))
      return body.plus(body.unary(.erf, value), body.cast(body.compare(.less, x, body.integer(5, type)), to: .f32))
    }
    let rewritten = tabulateBytes(graph)
    #expect(!"\(rewritten)".contains("erf"))
    let low = type == .u8 ? 0 : -128
    let data = ConstantTensor(type, dims: [1024], integers: (0..<1024).map { low + $0 % 256 })
    #expect(try evaluate(rewritten, [data]) == evaluate(graph, [data]))
  }

  @Test("take infinity, and stay within bounds for NaN") func notFinite() throws {
    let graph = graph(.f32, 1024) { body, x in
      let rounded = body.plus(body.unary(.rint, x), body.number(7, .f32))
      let high = body.binary(.min, body.binary(.max, rounded, body.number(0, .f32)), body.number(100, .f32))
      return body.unary(.exp, body.times(high, body.number(-0.125, .f32)))
    }
    let rewritten = tabulateBytes(graph)
    #expect(!"\(rewritten)".contains("exp"))
    let numbers = (0..<1022).map { Double($0 - 500) / 4 } + [.infinity, -.infinity]
    let data = ConstantTensor(.f32, dims: [1024], doubles: numbers)
    #expect(try evaluate(rewritten, [data]) == evaluate(graph, [data]))
    let strange = ConstantTensor(.f32, dims: [1024], doubles: numbers.map { _ in Double.nan })
    #expect(try evaluate(rewritten, [strange])[0].count == 1024)
  }

  @Test("are shared by epilogues of sums and open shapes") func sums() throws {
    var b = GraphBuilder()
    let x = b.input(TensorType(.f32, [Dim(symbol: "n"), 3]))
    var epilogue = ScalarGraph()
    let rounded = epilogue.unary(.rint, epilogue.accumulator(0, .f32))
    let byte = epilogue.binary(
      .min, epilogue.binary(.max, rounded, epilogue.number(-128, .f32)), epilogue.number(127, .f32))
    epilogue.results = [epilogue.unary(.sin, byte)]
    var body = ScalarGraph()
    body.results = [body.read(0, [body.axis(0), body.axis(1)], type: .f32)]
    let sum = Reduce(shape: [Dim(symbol: "n")], reduced: [3], combiner: .sum, body: body, epilogue: epilogue)
    let results = (0..<2).map { _ in b.add(.reduce(sum), [x])[0] }
    let graph = b.finish(outputs: results)
    let rewritten = tabulateBytes(graph)
    let tables = rewritten.nodes.filter { if case .constant = $0.primitive { true } else { false } }
    #expect(tables.count == 1)
    let data = ConstantTensor(.f32, dims: [9, 3], doubles: (0..<27).map { Double($0 * 5 - 60) })
    #expect(try evaluate(rewritten, [data], symbols: ["n": 9]) == evaluate(graph, [data], symbols: ["n": 9]))
  }
}
