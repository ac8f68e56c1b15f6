import LoopIR
import Schedule
import Support
import TensorIR
import Testing
import Tuning

private let products = [
  // A constant factor.
  """
  %0 = input f32[23, 13]
  %1 = constant f32[13, 37]
  %2 = contract(%0, %1) f32 [13] lhs [d0, d2] rhs [d2, d1] then { s0 = add acc0, f32 1.0; yield s0 } : f32[23, 37]
  return %2
  """,
  // One that is packed at run time.
  """
  %0 = input f32[23, 13]
  %1 = input f32[37, 13]
  %2 = contract(%0, %1) f32 [13] lhs [d0, d2] rhs [d1, d2] then { yield acc0 } : f32[23, 37]
  return %2
  """,
  // Windows, several sets of them.
  """
  %0 = input f32[2, 3, 11, 10]
  %1 = input f32[2, 5, 3, 3, 3]
  %2 = contract(%0, %1) f32 [3, 3, 3] lhs [d0, d4, d2 + d5, d3 + d6] rhs [d0, d1, d4, d5, d6] then { yield acc0 } : f32[2, 5, 9, 8]
  return %2
  """,
  // A vector axis of both factors.
  """
  %0 = input f32[18, 19]
  %1 = input f32[3, 19]
  %2 = contract(%0, %1) f32 [3] lhs [d0 + d2, d1] rhs [d2, d1] then { yield acc0 } : f32[16, 19]
  return %2
  """,
]

/// A graph with numbers in the place of the inputs that are to be constant.
private func graph(
  _ text: String
) throws -> (graph: Graph, data: [ConstantTensor], node: Primitive, operands: [ConstantTensor]) {
  let parsed = try Graph(parsing: text.replacing("%1 = constant", with: "%1 = input"))
  let operands = try parsed.smallInputs()
  let node = parsed.nodes[0].primitive
  guard text.contains("= constant") else { return (parsed, operands, node, operands) }
  var b = GraphBuilder()
  let inputs = [b.input(operands[0].type), b.constant(operands[1])]
  return (b.finish(outputs: [b.add(node, inputs)[0]]), [operands[0]], node, operands)
}

@Suite("Tiles that were measured")
struct TileTests {
  private func scheduled(_ graph: Graph, _ target: Target, threads: Int, _ choices: inout Choices) throws -> Program {
    func ports(_ values: [ValueID]) -> [Port] {
      values.map { value in
        let extents = graph.shape(of: value).map { Extent($0.expr, text: "\($0)") }
        return Port(name: "p\(value.index)", element: graph.type(of: value).element, extents: extents)
      }
    }
    let (inputs, outputs) = (ports(graph.inputs), ports(graph.outputs))
    return try schedule(
      graph, inputs: inputs, outputs: outputs, prefix: "m", target: target, threads: threads, isMeasured: false,
      choices: &choices
    ).0
  }

  @Test("give what the evaluator gives", arguments: products, targets.indices)
  private func everyCandidate(_ text: String, _ target: Int) throws {
    let (graph, data, node, operands) = try graph(text)
    let expected = try #require(Evaluator.evaluate(node, operands)).map(\.storage)
    var estimated = Choices()
    let program = try scheduled(graph, targets[target].target, threads: 1, &estimated)
    let question = try #require(estimated.questions.first)
    #expect(estimated.questions.count == 1)
    #expect(question.scope == .kernel(program.kernels[0].name))
    // More than the candidates: tiles that are larger than the result or than the registers are no fault.
    let further: [Choice] = [(1, 1), (5, 2), (13, 1), (32, 16)].map { .tile(rows: $0, vectors: $1, prefetch: true) }
    var texts: Set<String> = []
    for option in question.options + further {
      var choices = Choices([question.key: option])
      let program = try scheduled(graph, targets[target].target, threads: 1, &choices)
      try LoopIR.verify(program)
      let result = try program.interpret(inputs: data.map(\.storage))
      #expect(result.status == 0 && result.outputs == expected, "\(option)")
      texts.insert(program.description)
    }
    #expect(texts.count > question.options.count / 2)
    #expect(Set(question.options).count == question.options.count)
  }

  @Test("read constants in place where windows have an open extent", arguments: targets.indices)
  private func openWindows(_ target: Int) throws {
    func product(_ k: String, _ columns: String) throws -> Primitive {
      let text = """
        %0 = input f32[3, 2, 2, \(k)]
        %1 = input f32[2, 5, 9]
        %2 = contract(%0, %1) f32 [2, 2, \(k)] lhs [d0, d3, d4, d5] rhs [d3, d1 + d4, d2 + d5] then { yield acc0 } : f32[3, 4, \(columns)]
        return %2
        """
      return try Graph(parsing: text).nodes[0].primitive
    }
    let operands = [ConstantTensor.small([3, 2, 2, 3]), .small([2, 5, 9])]
    let expected = try #require(Evaluator.evaluate(try product("3", "7"), operands)).map(\.storage)
    var b = GraphBuilder()
    let weights = b.input(TensorType(.f32, [3, 2, 2, Dim(symbol: "k")]))
    let result = b.add(try product("k", "-1*k + 10"), [weights, b.constant(operands[1])])[0]
    let program = try Program(scheduling: b.finish(outputs: [result]), for: targets[target].target)
    let interpreted = try program.interpret(inputs: [operands[0].storage], symbols: [3])
    #expect(interpreted.status == 0 && interpreted.outputs == expected)
  }

  @Test("decide about rows, vectors and prefetching") func isHonoured() throws {
    let (graph, _, _, _) = try graph(products[0])
    var estimated = Choices()
    _ = try scheduled(graph, .avx2, threads: 1, &estimated)
    let key = try #require(estimated.questions.first?.key)
    #expect("\(key)" == "tile f32x8 rows 23@13 columns 37 terms 13@1 packed")
    var choices = Choices([key: .tile(rows: 4, vectors: 5, prefetch: true)])
    let text = try scheduled(graph, .avx2, threads: 1, &choices).kernels[0].description
    // Twenty accumulators in whole tiles, fifteen in the last three rows.
    #expect(text.split(separator: "multiplyAdd").count - 1 == 35, "\(text)")
    #expect(text.contains("prefetch"))
    choices = Choices([key: .tile(rows: 23, vectors: 1, prefetch: false)])
    let tall = try scheduled(graph, .avx2, threads: 1, &choices).kernels[0].description
    #expect(!tall.contains("prefetch"))
  }

  @Test("are for a number of threads; symbolic extents are not asked for") func keys() throws {
    let (fixed, _, _, _) = try graph(products[1])
    var choices = Choices()
    _ = try scheduled(fixed, .avx512, threads: 3, &choices)
    let key = "tile f32x16 rows 23@13 columns 37 terms 13@1 gathered threads 3"
    #expect(choices.questions.map { "\($0.key)" } == [key])
    choices = Choices()
    _ = try scheduled(try Graph(parsing: products[1].replacing("23", with: "n")), .avx512, threads: 1, &choices)
    #expect(choices.questions.isEmpty)
  }
}
