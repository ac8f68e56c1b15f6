import Support
import TensorIR
import Testing

@testable import Passes

/// Weights of 256 × 258 elements, which are just too many for builders to compute, and what contractions read of them.
@Suite("Narrow factors")
struct NarrowFactorsTests {
  private static let (terms, columns, block) = (256, 258, 32)

  private static func integers(_ element: ElementType, _ dims: [Int]) -> ConstantTensor {
    let count = dims.reduce(1, *)
    let least = element.isSignedInteger ? -(1 << (element.bits - 1)) : 0
    return ConstantTensor(element, dims: dims, integers: (0..<count).map { $0 * 7 % (1 << element.bits) + least })
  }

  private static func floats(_ element: ElementType, _ dims: [Int]) -> ConstantTensor {
    let count = dims.reduce(1, *)
    return ConstantTensor(element, dims: dims, doubles: (0..<count).map { Double($0 % 23 + 1) / 16 })
  }

  private struct Sample: Sendable, CustomTestStringConvertible {
    var testDescription: String
    /// The types of the constants of the formula that the contraction reads, which is over terms and columns, or the
    /// other way round; empty if it reads a constant.
    var constants: [ElementType]
    /// The weights as [terms, columns].
    var weights: @Sendable (inout GraphBuilder) throws -> ValueID
  }

  private static let samples = [
    Sample(testDescription: "half floats", constants: [.f16]) { b in
      try b.cast(b.constant(floats(.f16, [terms, columns])), to: .f32)
    },
    Sample(testDescription: "transposed integers with zero points in bytes", constants: [.u4, .u4, .f32]) { b in
      let blocks = terms / block
      let values = b.constant(integers(.u8, [columns, terms / 2]))
      let zeros = b.constant(integers(.u8, [columns, blocks / 2]))
      let scales = b.constant(floats(.f32, [columns, blocks]))
      var body = ScalarGraph()
      let (row, position) = (body.axis(0), body.axis(1))
      let group = body.binary(.floorDivide, position, body.integer(block))
      func unpacked(_ operand: Int, _ index: ScalarID) -> ScalarID {
        let byte = body.binary(.floorDivide, index, body.integer(2))
        let stored = body.cast(body.read(operand, [row, byte], type: .u8), to: .i32)
        let shift = body.times(body.binary(.floorRemainder, index, body.integer(2)), body.integer(4))
        let shifted = body.binary(.shiftRight, stored, body.cast(shift, to: .i32))
        return body.cast(body.binary(.and, shifted, body.integer(15, .i32)), to: .f32)
      }
      let difference = body.minus(unpacked(0, position), unpacked(1, group))
      body.results = [body.times(difference, body.read(2, [row, group], type: .f32))]
      let restored = b.map([Dim(columns), Dim(terms)], body, [values, zeros, scales])
      return b.transpose(restored, [1, 0])
    },
    Sample(testDescription: "blocks with an axis of their own", constants: [.i4, .f32]) { b in
      let dims = [columns, terms / block, block]
      let values = try b.cast(b.constant(integers(.i4, dims)), to: .f32)
      let scaled = try b.elementwise([values, b.constant(floats(.f32, [columns, terms / block, 1]))]) {
        $0.times($1[0], $1[1])
      }
      return b.transpose(b.reshape(scaled, [Dim(columns), Dim(terms)]), [1, 0])
    },
    Sample(testDescription: "floats", constants: []) { b in
      try b.elementwise([b.constant(floats(.f32, [terms, columns]))]) { $0.negate($1[0]) }
    },
  ]

  private func graph(_ sample: Sample) throws -> (graph: Graph, data: ConstantTensor) {
    var b = GraphBuilder()
    let dims = [1, Self.terms]
    let x = b.input(TensorType(.f32, dims.map { Dim($0) }))
    var epilogue = ScalarGraph()
    epilogue.results = [epilogue.accumulator(0, .f32)]
    let contract = Contract(
      shape: [1, Dim(Self.columns)], reduced: [Dim(Self.terms)], lhs: [.axis(0), .axis(2)], rhs: [.axis(2), .axis(1)],
      accumulator: .f32, epilogue: epilogue)
    let y = b.add(.contract(contract), [x, try sample.weights(&b)])[0]
    return (b.finish(outputs: [y]), numbers(dims, seed: 1))
  }

  @Test("are maps over the constants", arguments: samples)
  private func areMaps(_ sample: Sample) throws {
    var (graph, data) = try graph(sample)
    let expected = try evaluate(graph, [data])
    graph = readThrough(foldConstants(narrowFactors(graph, leastSaving: 1 << 16), leastSaving: 1 << 16))
    try verify(graph)
    #expect(try evaluate(graph, [data]) == expected)
    let contract = try #require(graph.nodes.last)
    let producers = graph.producers()
    let formula = graph.formula(contract.operands[1], producers)
    #expect((formula?.operands ?? []).map(\.type.element) == sample.constants)
    let constants = graph.nodes.filter { if case .constant = $0.primitive { true } else { false } }
    #expect(constants.count == max(1, sample.constants.count))
  }

  @Test("are picked from without being computed as a whole") func picked() throws {
    var b = GraphBuilder()
    let rows = b.input(TensorType(.i64, [3]))
    let table = try b.cast(b.constant(Self.floats(.bf16, [Self.columns, Self.terms])), to: .f32)
    var body = ScalarGraph()
    let row = body.binary(.min, body.read(1, [body.axis(0)], type: .i64), body.integer(Self.columns - 1))
    body.results = [body.read(0, [row, body.axis(1)], type: .f32)]
    var graph = b.finish(outputs: [b.map([3, Dim(Self.terms)], body, [table, rows])])
    let data = ConstantTensor.integers([5, 0, 257])
    let expected = try evaluate(graph, [data])
    graph = foldConstants(narrowFactors(graph, leastSaving: 1 << 16), leastSaving: 1 << 16)
    #expect(try evaluate(graph, [data]) == expected)
    #expect(graph.nodes.count == 2)
    #expect(graph.type(of: graph.nodes[0].results[0]).element == .bf16)
  }

  @Test("are folded where that costs little") func small() throws {
    var b = GraphBuilder()
    let x = b.input(TensorType(.f32, [1, 256]))
    let factor = try b.cast(b.constant(Self.floats(.f16, [256, 258])), to: .f32)
    var epilogue = ScalarGraph()
    epilogue.results = [epilogue.accumulator(0, .f32)]
    let contract = Contract(
      shape: [1, 258], reduced: [256], lhs: [.axis(0), .axis(2)], rhs: [.axis(2), .axis(1)], accumulator: .f32,
      epilogue: epilogue)
    var graph = b.finish(outputs: [b.add(.contract(contract), [x, factor])[0]])
    graph = foldConstants(narrowFactors(graph))
    #expect(graph.constant(try #require(graph.nodes.last).operands[1], graph.producers())?.type.element == .f32)
  }
}
