import Support
import TensorIR
import Testing

@testable import Passes

/// A graph and the shapes of its inputs.
struct Sample: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var shapes: [[Int]]
  var build: @Sendable (inout GraphBuilder, [ValueID]) throws -> [ValueID]
}

private let samples: [Sample] = [
  Sample(testDescription: "chain of maps", shapes: [[2, 3, 4], [4]]) { b, x in
    let sum = try b.elementwise(x) { $0.plus($1[0], $1[1]) }
    let twice = try b.elementwise([sum, sum]) { $0.times($1[0], $1[1]) }
    return [try b.elementwise([b.transpose(twice, [2, 0, 1])]) { $0.negate($1[0]) }]
  },
  Sample(testDescription: "map with two readers", shapes: [[5, 6]]) { b, x in
    let square = try b.elementwise(x) { $0.times($1[0], $1[0]) }
    return [try b.elementwise([square]) { $0.negate($1[0]) }, try b.elementwise([square, x[0]]) { $0.minus($1[0], $1[1]) }]
  },
  Sample(testDescription: "contraction read through reshape and transpose", shapes: [[4, 6], [2, 3, 5]]) { b, x in
    let split = b.transpose(b.reshape(x[0], [4, 2, 3]), [1, 0, 2])
    let product = matrixProduct(&b, split, x[1])
    let merged = b.reshape(b.transpose(product, [1, 0, 2]), [4, 10])
    return [try b.elementwise([merged]) { $0.plus($1[0], $0.number(1, .f32)) }]
  },
  Sample(testDescription: "reduction with an epilogue", shapes: [[3, 7], [3]]) { b, x in
    var body = ScalarGraph()
    body.results = [body.read(0, [body.axis(0), body.axis(1)], type: .f32)]
    let sum = b.reduce(.sum, shape: [3], reduced: [7], operands: [x[0]], body: body)[0]
    return [try b.elementwise([b.reshape(sum, [3, 1]), b.reshape(x[1], [3, 1])]) { $0.times($1[0], $1[1]) }]
  },
  Sample(testDescription: "padded window", shapes: [[1, 2, 5], [3, 2, 3]]) { b, x in
    let shifted = try b.elementwise([x[0]]) { $0.plus($1[0], $0.number(2, .f32)) }
    var epilogue = ScalarGraph()
    epilogue.results = [epilogue.accumulator(0, .f32)]
    let contract = Contract(
      shape: [1, 3, 5], reduced: [2, 3],
      lhs: [.axis(0), .axis(3), AffineIndex([2: 1, 4: 1], offset: -1)], rhs: [.axis(1), .axis(3), .axis(4)],
      accumulator: .f32, epilogue: epilogue)
    let value = b.add(.contract(contract), [shifted, x[1]])[0]
    return [try b.elementwise([value]) { graph, v in graph.binary(.max, graph.number(0, .f32), v[0]) }]
  },
]

private func matrixProduct(_ b: inout GraphBuilder, _ x: ValueID, _ y: ValueID) -> ValueID {
  let (left, right) = (b.shape(of: x), b.shape(of: y))
  var epilogue = ScalarGraph()
  epilogue.results = [epilogue.accumulator(0, .f32)]
  let contract = Contract(
    shape: [left[0], left[1], right[2]], reduced: [left[2]], lhs: [.axis(0), .axis(1), .axis(3)],
    rhs: [.axis(0), .axis(3), .axis(2)], accumulator: .f32, epilogue: epilogue)
  return b.add(.contract(contract), [x, y])[0]
}

@Suite("Passes")
struct PassesTests {
  @Test("keep the meaning", arguments: samples)
  func meaning(_ sample: Sample) throws {
    var builder = GraphBuilder()
    let inputs = sample.shapes.map { builder.input(TensorType(.f32, $0.map { Dim($0) })) }
    var graph = builder.finish(outputs: try sample.build(&builder, inputs))
    let data = sample.shapes.enumerated().map { numbers($0.element, seed: $0.offset) }
    let expected = try evaluate(graph, data)
    for pass in tensorPasses {
      graph = pass.run(graph)
      do throws(VerificationError) { try verify(graph) } catch { Issue.record("after \(pass.name): \(error)") }
      #expect(try evaluate(graph, data) == expected, "after \(pass.name)")
    }
  }

  @Test("leave one node where everything fuses")
  func fuses() throws {
    for (number, nodes) in [(0, 1), (2, 2), (3, 2)] {
      var builder = GraphBuilder()
      let inputs = samples[number].shapes.map { builder.input(TensorType(.f32, $0.map { Dim($0) })) }
      var graph = builder.finish(outputs: try samples[number].build(&builder, inputs))
      for pass in tensorPasses { graph = pass.run(graph) }
      #expect(graph.nodes.count == nodes, "\(samples[number].testDescription):\n\(graph)")
    }
  }
}
