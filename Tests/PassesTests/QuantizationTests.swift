import Support
import TensorIR
import Testing

@testable import Passes

@Suite("Quantization without divisions") struct QuantizationTests {
  /// `i32(clamp(rint(x / scale) + offset))`, as operators build it.
  private func graph(_ count: Int, scale: Float, offset: Int?, _ type: ElementType) -> Graph {
    var b = GraphBuilder()
    let x = b.input(TensorType(.f32, [Dim(count)]))
    var body = ScalarGraph()
    let quotient = body.over(body.read(0, [body.axis(0)], type: .f32), body.number(Double(scale), .f32))
    var value = body.unary(.rint, quotient)
    if let offset { value = body.plus(value, body.cast(body.integer(offset, type), to: .f32)) }
    let low = type.isSignedInteger ? -(1 << (type.bits - 1)) : 0
    let atLeast = body.binary(.max, value, body.number(Double(low), .f32))
    let bounded = body.binary(.min, atLeast, body.number(Double(low + 1 << type.bits - 1), .f32))
    body.results = [body.cast(body.cast(body.cast(bounded, to: .i32), to: type), to: .i32)]
    let result = b.map([Dim(count)], body, [x])
    return b.finish(outputs: [result])
  }

  @Test("is exact next to every tie", arguments: [
    (Float(0.0235294122248888), 3, ElementType.i8), (0.1, -128, .i8), (1 / 3, 255, .u8), (7.25e-5, nil, .u8), (0.5, 0, .i8),
    (1.1920929e-7, 100, .u8), (3.0517578e-5, 32768, .u16), (12345.678, -1, .i16), (0x1.fffffep-1, 128, .u8),
    (0x1.000002p-3, 17, .u8),
  ] as [(Float, Int?, ElementType)])
  func exact(_ scale: Float, _ offset: Int?, _ type: ElementType) throws {
    var numbers: [Float] = [.infinity, -.infinity, .nan, 0, -0.0, .greatestFiniteMagnitude, .leastNonzeroMagnitude]
    let step = type.bits > 8 ? 37 : 1
    for integer in stride(from: -1 << (type.bits + 1), through: 1 << (type.bits + 1), by: step) {
      let tie = (Float(integer) + 0.5) * scale
      numbers += (-5...5).map { tie + Float($0) * tie.ulp }
    }
    let graph = graph(numbers.count, scale: scale, offset: offset, type)
    let rewritten = divideByConstants(graph)
    #expect(!"\(rewritten)".contains("divide"))
    let data = ConstantTensor(.f32, dims: [numbers.count], doubles: numbers.map { Double($0) })
    func integers(_ graph: Graph) throws -> [Int] {
      let node = try #require(graph.nodes.last)
      return try #require(Evaluator.evaluate(node.primitive, [data])?.first).integers
    }
    #expect(try integers(rewritten) == integers(graph))
  }
}
