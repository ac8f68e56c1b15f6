import EmitLLVM
import LoopIR
import ModelHost
import Schedule
import Support
import TensorIR
import Testing

@testable import Passes

@Suite("Split factors") struct PrecisionTests {
  /// Small whole numbers are `bf16` numbers, so nothing is lost, and all orders of summation agree.
  private func wholeNumbers(_ position: Int) -> Double { Double(position % 11 - 5) }

  @Test("give what whole factors give, interpreted", arguments: contractions.filter(\.isSmall))
  private func interpreted(_ contraction: Contraction) throws {
    let (data, weights, bias) = try contraction.tensors(wholeNumbers)
    let expected = try expected(contraction, data, weights, bias)
    for unit in Unit.all {
      let program = try program(contraction, weights, unit)
      let result = try program.interpret(
        inputs: [data, bias].map(\.storage), symbols: contraction.isSymbolic ? [contraction.rows] : [])
      #expect(result.outputs == [expected.storage], "\(unit.testDescription)")
    }
  }

  @Test("give what whole factors give, compiled", arguments: contractions)
  private func compiled(_ contraction: Contraction) throws {
    let (data, weights, bias) = try contraction.tensors(wholeNumbers)
    let expected = try expected(contraction, data, weights, bias).doubles.map { Float($0) }
    for unit in Unit.all {
      guard let options = unit.options else { continue }
      let program = try program(contraction, weights, unit)
      #expect(try run(program, options, rows: contraction.symbolicRows, [data, bias]) == expected, "\(unit.testDescription)")
      let runsTiles = program.description.contains("tile multiplyAdd")
      #expect(runsTiles == (contraction.isSplit && unit.pairUnit == .tiles))
    }
  }

  @Test("mean the same to the evaluator", arguments: contractions.filter { $0.isSmall && !$0.isSymbolic })
  private func evaluated(_ contraction: Contraction) throws {
    let (data, weights, bias) = try contraction.tensors(wholeNumbers)
    let expected = try expected(contraction, data, weights, bias)
    let graph = contraction.graph(weights, rows: contraction.rowDim)
    for parts in 1...3 {
      let split = eliminateDeadCode(splitFactors(graph, FactorSplit(parts: parts, depth: 32)))
      try verify(split)
      #expect(try results(of: split, [data, bias])[0].storage == expected.storage, "\(parts) parts")
    }
  }

  @Test("are left whole where that costs less") func costs() throws {
    let costs = SplitCosts(
      product: 0.07, part: 19, weight: 11, result: 9, wholeWeight: 6, windowProduct: 0.6, rows: 13)
    func isSplit(_ contraction: Contraction, _ costs: SplitCosts?) throws -> Bool {
      let (_, weights, _) = try contraction.tensors(wholeNumbers)
      let graph = splitFactors(contraction.graph(weights, rows: contraction.rowDim), FactorSplit(parts: 3, depth: 32, costs: costs))
      return graph.values.contains { $0.type.element == .bf16 }
    }
    let many = Contraction(testDescription: "many uses of data and weights", rows: 128, channels: 256, features: 256)
    #expect(try isSplit(many, costs))
    let others = [
      Contraction(testDescription: "few uses of the data", rows: 128, channels: 256, features: 64),
      Contraction(testDescription: "few uses of the weights", rows: 16, channels: 256, features: 256),
      Contraction(testDescription: "few terms", rows: 128, channels: 16, features: 256),
      Contraction(testDescription: "short rows", size: [7, 7], channels: 64, features: 64, window: 3, pad: 1),
    ]
    for contraction in others {
      #expect(try isSplit(contraction, nil) && !isSplit(contraction, costs), "\(contraction.testDescription)")
    }
  }

  @Test("are left whole where Winograd's algorithm costs less", arguments: [0.3, 1])
  func windows(_ windowProduct: Double) {
    var costs = SplitCosts(
      product: 0.07, part: 19, weight: 11, result: 9, wholeWeight: 6, windowProduct: windowProduct, rows: 13)
    var b = GraphBuilder()
    let data = b.input(TensorType(.f32, [1, 64, 34, 34]))
    let ones = [Double](repeating: 1, count: 96 * 64 * 9)
    let weights = b.constant(ConstantTensor(.f32, dims: [96, 64, 3, 3], doubles: ones))
    var epilogue = ScalarGraph()
    epilogue.results = [epilogue.accumulator(0, .f32)]
    let contract = Contract(
      shape: [1, 96, 32, 32], reduced: [64, 3, 3],
      lhs: [.axis(0), .axis(4), AffineIndex([2: 1, 5: 1]), AffineIndex([3: 1, 6: 1])],
      rhs: [.axis(1), .axis(4), .axis(5), .axis(6)], accumulator: .f32, epilogue: epilogue)
    let graph = b.finish(outputs: b.add(.contract(contract), [data, weights]))
    func isSplit() -> Bool {
      splitFactors(graph, FactorSplit(parts: 3, depth: 32, costs: costs)).values.contains { $0.type.element == .bf16 }
    }
    #expect(isSplit() == (windowProduct == 1))
    costs.product = 1
    #expect(!isSplit())
  }

  /// Greatest errors relative to the root mean square of the results, by the number of parts; three lose less than a sum in `f32`.
  @Test("lose no more than they may", arguments: Unit.all) private func errors(_ unit: Unit) throws {
    guard let options = unit.options else { return }
    let (rows, features) = (48, 96)
    let contraction = Contraction(testDescription: "", rows: rows, channels: 1152, features: features)
    var state: UInt64 = 1
    let (data, weights, bias) = try contraction.tensors { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Double(Float(Int64(bitPattern: state) >> 32) / 0x1p31)
    }
    let result = try run(try program(contraction, weights, unit), options, rows: contraction.symbolicRows, [data, bias])
    let (x, w, shift) = (data.doubles, weights.doubles, bias.doubles)
    var (worst, worstInOrder, squares) = (0.0, 0.0, 0.0)
    for row in 0..<rows {
      for column in 0..<features {
        let exact = (0..<1152).reduce(shift[column]) { $0 + x[row * 1152 + $1] * w[column * 1152 + $1] }
        let inOrder = (0..<1152).reduce(Float(0)) {
          $0.addingProduct(Float(x[row * 1152 + $1]), Float(w[column * 1152 + $1]))
        }
        worstInOrder = max(worstInOrder, abs(Double(inOrder + Float(shift[column])) - exact))
        worst = max(worst, abs(Double(result[row * features + column]) - exact))
        squares += exact * exact
      }
    }
    let scale = (squares / Double(rows * features)).squareRoot()
    let error = worst / scale
    #expect(error < [3e-2, 1e-4, worstInOrder / scale][unit.split.parts - 1], "\(error)")
    #expect(error > [1e-4, 1e-6, 0][unit.split.parts - 1], "\(error)")
  }

  @Test("do not hide what is not finite", arguments: Unit.all) private func infinity(_ unit: Unit) throws {
    guard let options = unit.options else { return }
    let contraction = Contraction(testDescription: "", rows: 32, channels: 64, features: 64)
    let (data, weights, bias) = try contraction.tensors { _ in 1 }
    var numbers = data.doubles
    (numbers[0], numbers[64], numbers[128]) = (.infinity, -.infinity, .nan)
    let special = ConstantTensor(.f32, dims: data.dims, doubles: numbers)
    let result = try run(try program(contraction, weights, unit), options, rows: contraction.symbolicRows, [special, bias])
    #expect(!result[0].isFinite && !(result[64] > -100) && result[192] == 65)
    // An infinite part of one factor meets parts of the other that are 0.
    #expect(unit.split.parts > 1 || result[0] == .infinity)
  }

  @Test("stay whole if weights are not finite, which have no parts") func infiniteWeights() throws {
    let contraction = Contraction(testDescription: "", rows: 32, channels: 64, features: 64)
    let (_, weights, _) = try contraction.tensors(wholeNumbers)
    for number in [Double.infinity, .nan] {
      var numbers = weights.doubles
      numbers[70] = number
      let graph = contraction.graph(ConstantTensor(.f32, dims: weights.dims, doubles: numbers), rows: contraction.rowDim)
      #expect(splitFactors(graph, FactorSplit(parts: 3, depth: 32)).nodes == graph.nodes)
      #expect(splitFactors(graph, FactorSplit(parts: 1, depth: 32)).nodes != graph.nodes)
    }
  }

  @Test("are sums of parts that have all bits", arguments: [true, false]) func parts(rounded: Bool) throws {
    let greatest = Float.greatestFiniteMagnitude
    var (state, numbers): (UInt64, [Float]) = (1, [greatest, -greatest, 0, -0])
    while numbers.count < 4096 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let number = Float(bitPattern: UInt32(truncatingIfNeeded: state >> 32))
      if number.isFinite, abs(number) > 0x1p-100 { numbers.append(number) }
    }
    let constant = ConstantTensor(.f32, dims: [4096], doubles: numbers.map { Double($0) })
    for count in 2...3 {
      var map = SplitConstant(constant, parts: count).map
      if rounded {
        map.body = ScalarGraph()
        let number = map.body.read(0, [map.body.axis(1)], type: .f32)
        let parts = map.body.brainParts(of: number, count: count, rounded: true)
        map.body.results = [map.body.brainPart(map.body.axis(0), of: parts)]
      }
      let parts = try #require(Evaluator.evaluate(.map(map), [constant])?.first).doubles
      for (position, number) in numbers.enumerated() {
        let sum = (0..<count).reduce(0) { $0 + parts[$1 * 4096 + position] }
        let most = count == 3 ? 0 : abs(Double(number)) * 0x1p-16
        #expect(abs(sum - Double(number)) <= most, "\(number) in \(count) parts")
        guard !rounded else { continue }
        for part in 0..<count {
          let bits = SplitConstant(constant, parts: count).part(part, of: number)
          #expect(Double(Float(bitPattern: UInt32(bits) << 16)) == parts[part * 4096 + position])
        }
      }
    }
  }

  // MARK: Running

  private func program(_ contraction: Contraction, _ weights: ConstantTensor, _ unit: Unit) throws -> Program {
    let graph = contraction.graph(weights, rows: contraction.rowDim)
    let split = eliminateDeadCode(splitFactors(graph, unit.split))
    #expect(split.nodes.contains { $0.isContraction(of: .bf16, in: split) } == contraction.isSplit)
    return try scheduled(split, unit.target)
  }

  private func expected(
    _ contraction: Contraction, _ data: ConstantTensor, _ weights: ConstantTensor, _ bias: ConstantTensor
  ) throws -> ConstantTensor {
    let graph = contraction.graph(weights, rows: Dim(contraction.rows))
    let node = try #require(graph.nodes.last)
    return try #require(Evaluator.evaluate(node.primitive, [data, weights, bias])?.first)
  }
}

extension Node {
  /// Whether the node is a contraction with factors of a type.
  fileprivate func isContraction(of element: ElementType, in graph: Graph) -> Bool {
    guard case .contract = primitive else { return false }
    return graph.type(of: operands[0]).element == element
  }
}
