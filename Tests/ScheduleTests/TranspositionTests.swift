import LoopIR
import Schedule
import Support
import TensorIR
import Testing

/// A transposition: the operand's extents, and the axis of it that each axis of the result walks.
private struct Transposition: Sendable, CustomTestStringConvertible {
  var dims: [Int]
  var axes: [Int]

  var testDescription: String { "\(dims) by \(axes)" }
  var count: Int { dims.reduce(1, *) }

  /// The elements of the operand in the result's order.
  func apply<Element>(_ values: [Element]) -> [Element] {
    var positions = [0]
    for axis in axes {
      let stride = dims[(axis + 1)...].reduce(1, *)
      positions = positions.flatMap { start in (0..<dims[axis]).map { start + $0 * stride } }
    }
    return positions.map { values[$0] }
  }

  /// A graph of one map; it adds 1, so that it is no view where an extent is 1.
  var graph: Graph {
    get throws {
      let reads = axes.indices.map { "d\(axes.firstIndex(of: $0) ?? 0)" }.joined(separator: ", ")
      return try Graph(
        parsing: """
          %0 = input f32\(dims)
          %1 = map(%0) { s0 = read 0[\(reads)]; s1 = add s0, f32 1.0; yield s1 } : f32\(axes.map { dims[$0] })
          return %1
          """)
    }
  }

  var values: [Float] { (0..<count).map { Float($0) } }
  var expected: [Float] { apply(values).map { $0 + 1 } }
}

private let sizes = [1, 15, 16, 17, 40]

private let planes = sizes.flatMap { rows in sizes.map { Transposition(dims: [rows, $0], axes: [1, 0]) } }

private let cubes = [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]].flatMap { axes in
  [[3, 17, 40], [17, 1, 16], [16, 40, 2], [15, 17, 33], [40, 2, 16]].map { Transposition(dims: $0, axes: axes) }
}

@Suite("Transpositions by blocks")
struct TranspositionTests {
  private func bytes(_ values: [Float]) -> [UInt8] { values.withUnsafeBytes { Array($0) } }

  @Test("move every element once", arguments: planes + cubes, targets.indices)
  private func interpreted(_ test: Transposition, _ target: Int) throws {
    let program = try Program(scheduling: test.graph, for: targets[target].target)
    try LoopIR.verify(program)
    let result = try program.interpret(inputs: [bytes(test.values)])
    #expect(result.status == 0)
    #expect(result.outputs == [bytes(test.expected)], "\(targets[target].name)")
  }

  @Test("are compiled", arguments: planes + cubes)
  private func compiled(_ test: Transposition) throws {
    let function = try CompiledFunction([.f32], counts: [test.count]) { b, inputs in
      let moved = b.transpose(b.reshape(inputs[0], test.dims.map { Dim($0) }), test.axes)
      return b.reshape(try b.elementwise([moved]) { $0.plus($1[0], $0.number(1, .f32)) }, [Dim(test.count)])
    }
    #expect(function([test.values], Float.self) == test.expected)
  }

  /// Open extents are taken to be long.
  @Test("of open extents", arguments: [[1, 1], [5, 40], [16, 16], [33, 17]])
  func symbolic(_ extents: [Int]) throws {
    let graph = try Graph(
      parsing: """
        %0 = input f32[n, m]
        %1 = map(%0) { s0 = read 0[d1, d0]; s1 = add s0, f32 1.0; yield s1 } : f32[m, n]
        return %1
        """)
    let program = try Program(scheduling: graph, for: .avx2)
    #expect(isBlocked(program))
    let test = Transposition(dims: extents, axes: [1, 0])
    let result = try program.interpret(inputs: [bytes(test.values)], symbols: extents)
    #expect(result.outputs == [bytes(test.expected)])
  }

  @Test("are cut where both axes are long", arguments: planes)
  private func blocks(_ test: Transposition) throws {
    let program = try Program(scheduling: test.graph, for: .portable)
    #expect(isBlocked(program) == test.dims.allSatisfy { $0 >= 16 })
  }

  /// Vectors of the processors that this is asked for have fewer than 16 lanes.
  private func isBlocked(_ program: Program) -> Bool {
    program.kernels.contains { $0.description.contains(" by 16 {") }
  }
}
