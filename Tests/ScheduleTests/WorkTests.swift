import LoopIR
import Support
import Testing
import TensorIR

@testable import Schedule

/// What nodes do, counted by hand.
@Suite struct WorkTests {
  /// The work of the last node of a graph: operations, bytes of constants, other bytes.
  private func work(_ text: String, constants: [Int] = []) throws -> [Int] {
    let work = try symbolicWork(text, constants: constants)
    return try [work.operations, work.constantBytes, work.otherBytes].map { try #require($0.constant) }
  }

  private func symbolicWork(_ text: String, constants: [Int] = []) throws -> Work {
    let graph = try Graph(parsing: text)
    let node = try #require(graph.nodes.last)
    var known: [ValueID: ConstantTensor] = [:]
    for operand in constants {
      let dims = graph.shape(of: node.operands[operand]).compactMap(\.constant)
      let values = [Double](repeating: 0, count: dims.reduce(1, *))
      known[node.operands[operand]] = ConstantTensor(.f32, dims: dims, doubles: values)
    }
    return try #require(Work(node, in: graph, constants: known))
  }

  @Test func products() throws {
    let text = """
      %0 = input f32[3, 4]
      %1 = input f32[4, 5]
      %2 = input f32[5]
      %3 = contract(%0, %1, %2) f32 [4] lhs [d0, d2] rhs [d2, d1] then { s0 = read 2[d1]; s1 = add acc0, s0; s2 = max s1, f32 0.0; yield s2 } : f32[3, 5]
      return %3
      """
    // 60 products and sums; a sum and a maximum for each of 15 results.
    #expect(try work(text, constants: [1, 2]) == [150, 4 * 25, 4 * 27])
    #expect(try work(text) == [150, 0, 4 * 52])
  }

  /// A product that reads every other row of a factor.
  @Test func strides() throws {
    let text = """
      %0 = input f32[100, 4]
      %1 = input f32[4, 2]
      %2 = contract(%0, %1) f32 [4] lhs [2*d0, d2] rhs [d2, d1] then { yield acc0 } : f32[3, 2]
      return %2
      """
    #expect(try work(text) == [48, 0, 4 * 38])
  }

  @Test func symbols() throws {
    let text = """
      %0 = input f32[n, 4]
      %1 = map(%0) { s0 = read 0[d0, d1]; s1 = multiply s0, f32 2.0; s2 = add s1, f32 1.0; yield s2 } : f32[n, 4]
      return %1
      """
    let n = Dim(symbol: "n")
    let work = try symbolicWork(text)
    #expect(work.operations == n * 8)
    #expect(work.otherBytes == n * 32)
  }

  /// Positions are not counted, and three rows of a table are three rows.
  @Test func gathering() throws {
    let text = """
      %0 = input f32[100, 4]
      %1 = input i64[3]
      %2 = map(%0, %1) { s0 = read 1[d0]; s1 = read 0[s0, d1]; yield s1 } : f32[3, 4]
      return %2
      """
    #expect(try work(text, constants: [0]) == [0, 48, 72])
  }

  @Test func functionsCountAsTheirExpansion() throws {
    func operations(_ name: String) throws -> Int {
      let text = """
        %0 = input f32[10]
        %1 = map(%0) { s0 = read 0[d0]; s1 = \(name) s0; yield s1 } : f32[10]
        return %1
        """
      return try work(text)[0]
    }
    #expect(try operations("negate") == 10)
    #expect(try operations("sqrt") == 10)
    #expect(try operations("exp") > 100)
    #expect(try operations("tanh") > 100)
  }

  @Test func reductions() throws {
    let text = """
      %0 = input f32[3, 7]
      %1 = reduce(%0) sum [7] { s0 = read 0[d0, d1]; s1 = multiply s0, s0; yield s1 } then { s0 = sqrt acc0; yield s0 } : f32[3]
      return %1
      """
    #expect(try work(text) == [45, 0, 96])
  }

  /// Five sums at indices of a long vector: indices, updates, and what they meet.
  @Test(arguments: [(ScatterCombiner.add, 5, 8 * 5 + 4 * 15), (.assign, 0, 8 * 5 + 4 * 10)])
  func scatters(_ combiner: ScatterCombiner, _ operations: Int, _ bytes: Int) throws {
    var builder = GraphBuilder()
    let inputs = [TensorType(.f32, [1000]), TensorType(.i64, [5]), TensorType(.f32, [5])].map { builder.input($0) }
    var target = ScalarGraph()
    let axis = target.axis(0)
    let index = target.read(1, [axis], type: .i64)
    target.results = [index, target.read(2, [axis], type: .f32)]
    let scatter = Primitive.scatter(Scatter(updates: [5], combiner: combiner, target: target))
    let graph = builder.finish(outputs: [builder.add(scatter, inputs)[0]])
    let node = try #require(graph.nodes.last)
    let work = try #require(Work(node, in: graph, constants: [:]))
    #expect([work.operations, work.constantBytes, work.otherBytes] == [Dim(operations), 0, Dim(bytes)])
  }

  @Test func sortsAndSelections() throws {
    let sort = """
      %0 = input f32[7, 3]
      %1, %2 = sort(%0) axis 1 ascending limit 2 : f32[7, 2], i64[7, 2]
      return %1, %2
      """
    #expect(try work(sort) == [0, 0, 4 * 21 + (4 + 8) * 14])
    var builder = GraphBuilder()
    let input = builder.input(TensorType(.f32, [9]))
    var condition = ScalarGraph()
    let value = condition.read(0, [condition.axis(0)], type: .f32)
    condition.results = [condition.compare(.greater, value, condition.number(0, .f32))]
    let compact = builder.add(.compact(Compact(shape: [9], condition: condition)), [input])
    let graph = builder.finish(outputs: compact)
    let node = try #require(graph.nodes.last)
    let work = try #require(Work(node, in: graph, constants: [:]))
    #expect([work.operations, work.otherBytes] == [9, Dim(4 * 9 + 8 * 10)])
  }

  /// The entry tells the work of each group between the functions, and only if it is asked to.
  @Test func entryTellsWork() throws {
    let text = """
      %0 = input f32[6]
      %1 = map(%0) { s0 = read 0[d0]; s1 = multiply s0, f32 2.0; yield s1 } : f32[6]
      return %1
      """
    let graph = try Graph(parsing: text)
    let work = [0, 6, 0, 48].map { LoopIR.ExternalArgument.value(.index($0)) }
    let ports = [Port(name: "p", element: .f32, extents: [Extent(.index(6), text: "6")])]
    for isMeasured in [false, true] {
      let (program, _, groups) = try schedule(
        graph, inputs: ports, outputs: ports, prefix: "m", target: .avx2, isMeasured: isMeasured)
      try LoopIR.verify(program)
      #expect(groups.map(\.name) == (isMeasured ? ["map0"] : []))
      #expect(program.externals == (isMeasured ? [Measurement.begin, Measurement.end] : []))
      let told = program.entry.compactMap { statement -> [LoopIR.ExternalArgument]? in
        if case .external(1, let arguments) = statement { arguments } else { nil }
      }
      #expect(told == (isMeasured ? [work] : []))
    }
  }
}
