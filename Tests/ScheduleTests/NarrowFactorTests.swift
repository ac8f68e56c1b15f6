import LoopIR
import Schedule
import Support
import TensorIR
import Testing

/// A product with a factor that is computed from narrower constants.
private struct Product: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var element = ElementType.u4
  var rows = 1
  /// Whether rows are a dimension of the call.
  var isOpen = false
  var terms = 64
  var columns = 37
  /// Terms of one scale; 0 for scales of columns.
  var block = 16
  var zeroPoint: ElementType?
  /// Whether elements are only converted.
  var isCast = false
  /// Whether the factor has its columns first.
  var isTransposed = false
  /// Whether the factor is one of several that belong to sets of rows.
  var sets = 1
  /// Terms are summed along two axes, the inner one of this extent, with rows between them.
  var innerTerms: Int?
  /// What the constants of the program may have at most for each element of the factor, in bits.
  var bits = 4.0

  private var dims: [Int] {
    (sets > 1 ? [sets] : []) + (isTransposed ? [columns, terms] : [terms, columns])
  }
  private var termAxis: Int { dims.count - (isTransposed ? 1 : 2) }

  private func numbers(_ element: ElementType, _ dims: [Int], _ value: (Int) -> Double) -> ConstantTensor {
    let values = (0..<dims.reduce(1, *)).map(value)
    return element.isFloat
      ? ConstantTensor(element, dims: dims, doubles: values)
      : ConstantTensor(element, dims: dims, integers: values.map { Int($0) })
  }

  private func integer(_ element: ElementType, _ number: Int) -> Double {
    let count = 1 << element.bits
    return Double(number % count - (element.isSignedInteger ? count / 2 : 0))
  }

  /// The factor's formula with scales that multiply exactly, or with any.
  func formula(exact: Bool) -> ConstantFormula {
    var body = ScalarGraph()
    let axes = dims.indices.map { body.axis($0) }
    let weights = numbers(element, dims) {
      element.isFloat ? [0, 0.5, -1, 2, -3, 4, 0.25][$0 * 7 % 7] : integer(element, $0 * 7 + $0 / 13)
    }
    var operands = [weights]
    var value = body.cast(body.read(0, axes, type: element), to: .f32)
    if !isCast {
      var scaleDims = dims
      var positions = axes
      scaleDims[termAxis] = block == 0 ? 1 : (terms + block - 1) / block
      positions[termAxis] = block == 0
        ? body.integer(0) : body.binary(.floorDivide, axes[termAxis], body.integer(block))
      if let zeroPoint {
        operands.append(numbers(zeroPoint, scaleDims) { integer(zeroPoint, $0 * 5 + 3) })
        let zero = body.read(operands.count - 1, positions, type: zeroPoint)
        value = body.minus(value, body.cast(zero, to: .f32))
      }
      operands.append(numbers(.f32, scaleDims) { exact ? [0.5, 1, 2, 4][$0 % 4] : 0.01 + Double($0 % 97) / 997 })
      value = body.times(value, body.read(operands.count - 1, positions, type: .f32))
    }
    body.results = [value]
    return ConstantFormula(map: Map(shape: dims.map { Dim($0) }, body: body), operands: operands)
  }

  var contract: Contract {
    var epilogue = ScalarGraph()
    epilogue.results = [epilogue.accumulator(0, .f32)]
    let rank = sets > 1 ? 3 : 2
    let extents = (sets > 1 ? [Dim(sets)] : []) + [isOpen ? Dim(symbol: "n") : Dim(rows), Dim(columns)]
    let inner = innerTerms ?? terms
    let term = innerTerms == nil ? AffineIndex.axis(rank) : AffineIndex([rank: inner, rank + 1: 1])
    let set: [AffineIndex] = sets > 1 ? [.axis(0)] : []
    let row = AffineIndex.axis(rank - 2)
    let given = set + (innerTerms == nil ? [row, .axis(rank)] : [.axis(rank), row, .axis(rank + 1)])
    let factor = set + (isTransposed ? [.axis(rank - 1), term] : [term, .axis(rank - 1)])
    return Contract(
      shape: extents, reduced: innerTerms == nil ? [Dim(self.terms)] : [Dim(self.terms / inner), Dim(inner)], lhs: given,
      rhs: factor, accumulator: .f32, epilogue: epilogue)
  }

  var givenDims: [Int] {
    let inner = innerTerms ?? terms
    return (sets > 1 ? [sets] : []) + (innerTerms == nil ? [rows, terms] : [terms / inner, rows, inner])
  }

  /// The formula as a node, which a builder would compute.
  func graph(_ formula: ConstantFormula) -> Graph {
    var graph = Graph()
    func add(_ type: TensorType) -> ValueID {
      graph.values.append(Value(type: type))
      return ValueID(graph.values.count - 1)
    }
    var shape = givenDims.map { Dim($0) }
    if isOpen { shape[shape.count - 2] = Dim(symbol: "n") }
    let given = add(TensorType(.f32, shape))
    graph.inputs = [given]
    let operands = formula.operands.map { constant in
      let value = add(constant.type)
      graph.nodes.append(Node(.constant(constant), operands: [], results: [value], origin: ""))
      return value
    }
    let factor = add(TensorType(.f32, formula.map.shape))
    graph.nodes.append(Node(.map(formula.map), operands: operands, results: [factor], origin: ""))
    let result = add(TensorType(.f32, contract.shape))
    graph.nodes.append(Node(.contract(contract), operands: [given, factor], results: [result], origin: ""))
    graph.outputs = [result]
    return graph
  }
}

private let products = [
  Product(testDescription: "one row"),
  Product(testDescription: "zero points", zeroPoint: .u4),
  Product(testDescription: "signed", element: .i4, zeroPoint: .i4),
  Product(testDescription: "few rows", rows: 5, zeroPoint: .u4),
  Product(testDescription: "more rows than share elements", rows: 13, zeroPoint: .u4),
  Product(testDescription: "many rows", rows: 21, zeroPoint: .u4),
  Product(testDescription: "one of an open number of rows", isOpen: true, zeroPoint: .u4),
  Product(testDescription: "an open number of rows", rows: 9, isOpen: true, zeroPoint: .u4),
  Product(testDescription: "columns first", columns: 70, isTransposed: true),
  Product(testDescription: "a ragged last block", terms: 75, block: 32, bits: 4.3),
  Product(testDescription: "blocks that are no words", terms: 60, block: 12, bits: 5.4),
  Product(testDescription: "long sums of long blocks", terms: 1030, columns: 9, block: 256, bits: 4.1),
  Product(testDescription: "long sums with a scale for each column", terms: 701, columns: 9, block: 0, bits: 4.1),
  Product(testDescription: "few columns", rows: 2, columns: 5),
  Product(testDescription: "two bits", element: .u2, zeroPoint: .u2, bits: 2),
  Product(testDescription: "signed two bits", element: .i2, rows: 20, bits: 2),
  Product(testDescription: "bytes", element: .u8, zeroPoint: .u8, bits: 8),
  Product(testDescription: "signed bytes", element: .i8, rows: 3, zeroPoint: .i8, bits: 8),
  Product(testDescription: "half floats", element: .f16, isCast: true, bits: 16),
  Product(testDescription: "half floats in many rows", element: .f16, rows: 30, isCast: true, bits: 16),
  Product(testDescription: "brain floats", element: .bf16, rows: 2, terms: 63, isCast: true, bits: 16.3),
  Product(testDescription: "small floats", element: .f8e4m3fn, terms: 64, bits: 8),
  Product(testDescription: "small floats with two bits", element: .f8e5m2, isCast: true, isTransposed: true, bits: 8),
  Product(testDescription: "sets", rows: 3, zeroPoint: .u4, sets: 3),
  Product(testDescription: "two summed axes", rows: 2, zeroPoint: .i8, innerTerms: 32),
  Product(testDescription: "inner axes of half a block", rows: 2, terms: 96, block: 32, innerTerms: 16),
]

@Suite("Factors that stay narrow")
struct NarrowFactorTests {
  private func run(_ product: Product, _ formula: ConstantFormula, _ data: ConstantTensor, _ target: Target) throws -> (
    program: Program, outputs: [[UInt8]]
  ) {
    let program = try Program(scheduling: product.graph(formula), for: target)
    try LoopIR.verify(program)
    let result = try program.interpret(
      inputs: [data.storage], symbols: product.isOpen ? [product.rows] : [])
    #expect(result.status == 0)
    return (program, result.outputs)
  }

  /// Numbers whose products and sums are exact in all orders; every access is checked.
  @Test("give what the evaluator gives", arguments: products, targets.indices)
  private func sums(_ product: Product, _ target: Int) throws {
    let formula = product.formula(exact: true)
    let data = ConstantTensor.small(product.givenDims)
    let factor = try #require(formula.values())
    var closed = product
    closed.isOpen = false
    let expected = try #require(Evaluator.evaluate(.contract(closed.contract), [data, factor]))
    let (program, outputs) = try run(product, formula, data, targets[target].target)
    #expect(outputs == expected.map(\.storage), "\(targets[target].name)")
    // Columns are padded to whole vectors.
    let lanes = product.columns < 8 ? 8 : 16
    let elements = product.sets * product.terms * ((product.columns + lanes - 1) / lanes * lanes)
    let words = program.constants.filter { $0.element == .u32 }.reduce(0) { $0 + $1.bytes.count }
    #expect(words > 0 && Double(words * 8) <= product.bits * Double(elements), "\(words) bytes for \(elements)")
    #expect(program.constants.allSatisfy { $0.element == .u32 || $0.bytes.count * 4 <= elements * 4 })
  }

  /// A row with a single 1 gives the elements themselves.
  @Test("have the same bits", arguments: [1, 30], targets.indices)
  private func bits(_ rows: Int, _ target: Int) throws {
    for (element, zero) in [(ElementType.u4, ElementType?.some(.u4)), (.i4, nil), (.i8, .i8), (.u8, .u8)] {
      let product = Product(
        testDescription: "", element: element, rows: rows, terms: 48, columns: 20, zeroPoint: zero)
      let formula = product.formula(exact: false)
      let factor = try #require(formula.values()).doubles
      for first in [0, 17] {
        let data = (0..<rows * 48).map { $0 % 48 == ($0 / 48 + first) % 48 ? 1.0 : 0 }
        let given = ConstantTensor(.f32, dims: [rows, 48], doubles: data)
        let (_, outputs) = try run(product, formula, given, targets[target].target)
        let expected = (0..<rows).flatMap { row in (0..<20).map { factor[(row + first) % 48 * 20 + $0] } }
        #expect(outputs[0] == ConstantTensor(.f32, dims: [rows, 20], doubles: expected).storage)
      }
    }
  }

  @Test("that cannot be read in blocks are computed at compile time") func others() throws {
    // A scale for every term, and one for every two.
    for block in [1, 2] {
      let product = Product(testDescription: "", block: block)
      let formula = product.formula(exact: true)
      let data = ConstantTensor(.f32, dims: [1, 64], doubles: (0..<64).map { Double($0 % 5) })
      let (program, outputs) = try run(product, formula, data, .avx2)
      let expected = try #require(Evaluator.evaluate(.contract(product.contract), [data, formula.values()!]))
      #expect(outputs == expected.map(\.storage))
      #expect(program.constants.map(\.element) == [.f32])
    }
  }
}
