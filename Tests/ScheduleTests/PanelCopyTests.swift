import LoopIR
import Schedule
import Support
import TensorIR
import Testing

/// Factors that are not constant, whose vectors lie far apart from one term to the next.
@Suite("Copies of panels")
struct PanelCopyTests {
  struct Case: CustomTestStringConvertible {
    var contraction: String
    var data: [Int]
    var panels: [Int]
    var result: [Int]
    var isCopied = true
    var element = ElementType.f32

    var testDescription: String { "\(contraction) of \(data) and \(panels)" }
  }

  private static let cases = [
    Case(contraction: "[6] lhs [d0, d2] rhs [d2, d1]", data: [33, 6], panels: [6, 300], result: [33, 300]),
    // Two numbers of each row in a step, a panel for each head.
    Case(
      contraction: "[2, 3] lhs [d0, d1 + d4, d3] rhs [d3, d4, d0, d2]", data: [2, 36, 2], panels: [2, 3, 8, 37],
      result: [2, 34, 37]),
    Case(
      contraction: "[5] lhs [d0, d2] rhs [d2, d1]", data: [40, 5], panels: [5, 130], result: [40, 130], element: .f64),
    // Few rows, and vectors that lie close together.
    Case(
      contraction: "[6] lhs [d0, d2] rhs [d2, d1]", data: [31, 6], panels: [6, 300], result: [31, 300],
      isCopied: false),
    Case(
      contraction: "[6] lhs [d0, d2] rhs [d2, d1]", data: [33, 6], panels: [6, 255], result: [33, 255],
      isCopied: false),
  ]

  @Test("lie together for many rows", arguments: cases, [1, 2])
  func interpreted(_ panels: Case, _ threads: Int) throws {
    let type = panels.element.rawValue
    let graph = try Graph(
      parsing: """
        %0 = input \(type)\(panels.data)
        %1 = input \(type)\(panels.panels)
        %2 = contract(%0, %1) \(type) \(panels.contraction) then { yield acc0 } : \(type)\(panels.result)
        return %2
        """)
    let inputs = [panels.data, panels.panels].map { ConstantTensor.small($0, panels.element) }
    let expected = try graph.evaluated(inputs).map(\.storage)
    for (name, target) in targets {
      let program = try Program(scheduling: graph, for: target, threads: threads)
      try LoopIR.verify(program)
      let hasVectors = target.lanes(panels.element.bytes) > 1
      #expect(program.kernels.allSatisfy { ($0.parameters.count == 4) == (panels.isCopied && hasVectors) }, "\(name)")
      #expect(try program.interpret(inputs: inputs.map(\.storage)).outputs == expected, "\(name)")
    }
  }

  @Test("of open extents", arguments: targets.indices)
  func open(_ number: Int) throws {
    let graph = try Graph(
      parsing: """
        %0 = input f32[n, k]
        %1 = input f32[k, 4, 70]
        %2 = contract(%0, %1) f32 [k] lhs [d1, d3] rhs [d3, d0, d2] then { yield acc0 } : f32[4, n, 70]
        return %2
        """)
    let program = try Program(scheduling: graph, for: targets[number].target)
    try LoopIR.verify(program)
    for (rows, terms) in [(0, 3), (1, 1), (5, 0), (37, 9)] {
      let inputs = [[rows, terms], [terms, 4, 70]].map { ConstantTensor.small($0) }
      let (x, y) = (inputs[0].doubles, inputs[1].doubles)
      let expected: [Double] = (0..<4 * rows * 70).map { place in
        let (head, row, column) = (place / (rows * 70), place / 70 % max(1, rows), place % 70)
        return (0..<terms).reduce(0) { $0 + x[row * terms + $1] * y[($1 * 4 + head) * 70 + column] }
      }
      let result = try program.interpret(inputs: inputs.map(\.storage), symbols: [rows, terms])
      let tensor = ConstantTensor(.f32, dims: [4, rows, 70], doubles: expected)
      #expect(result.outputs == [tensor.storage], "\(rows), \(terms)")
    }
  }
}
