import LoopIR
import Support
import Testing

@testable import Driver
@testable import ONNXReader

/// A node whose arguments are all inputs, interpreted with checks of every access.
private struct RunTimeCase: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var type: String
  var domain = ""
  var inputs: [(name: String, element: ElementType, dims: [DimDef])]
  var attributes: [String: AttributeValue] = [:]
  var opset = 21
  /// Integers and floats of the inputs, and of the outputs that they give.
  var values: [[Double]]
  var symbols: [Int] = []
  var outputs: [[Double]] = []
  var status = 0
}

private func fixed(_ dims: Int...) -> [DimDef] { dims.map { .value($0) } }

/// `count` trees that give 1 where feature 0 is at most their number, else 2 where feature 1 is 0, else 4.
private func trees(_ count: Int) -> [String: AttributeValue] {
  func column(_ values: [Int]) -> AttributeValue { .ints((0..<count).flatMap { _ in values }) }
  let numbers = (0..<count).flatMap { [Int](repeating: $0, count: 5) }
  let leaves = (0..<count).flatMap { [Int](repeating: $0, count: 3) }
  return [
    "nodes_treeids": .ints(numbers), "nodes_nodeids": column([0, 1, 2, 3, 4]),
    "nodes_featureids": column([0, 0, 1, 0, 0]),
    "nodes_values": .floats((0..<count).flatMap { [Float($0), 0, 0, 0, 0] }),
    "nodes_modes": .strings(
      (0..<count).flatMap { _ in ["BRANCH_LEQ", "LEAF", "BRANCH_EQ", "LEAF", "LEAF"] }.map { Array($0.utf8) }),
    "nodes_truenodeids": column([1, 0, 3, 0, 0]), "nodes_falsenodeids": column([2, 0, 4, 0, 0]),
    "target_treeids": .ints(leaves), "target_nodeids": column([1, 3, 4]), "target_ids": column([0, 0, 0]),
    "target_weights": .floats((0..<count).flatMap { _ in [1, 2, 4] }),
  ]
}

private func parts(_ count: Int, _ element: ElementType, _ dims: (Int) -> [DimDef])
  -> [(name: String, element: ElementType, dims: [DimDef])]
{
  (0..<count).map { ("x\($0)", element, dims($0)) }
}

/// Two rows of a part of `number % 3` columns.
private func rows(_ number: Int) -> [[Double]] {
  (0..<2).map { row in (0..<number % 3).map { Double(number * 10 + row * 5 + $0) } }
}

/// One batch of two classes of boxes.
private let boxes: [(name: String, element: ElementType, dims: [DimDef])] = [
  ("b", .f32, [.value(1), .param("n"), .value(4)]), ("s", .f32, [.value(1), .value(2), .param("n")]),
  ("m", .i64, fixed(1)), ("t", .f32, fixed(1)),
]
/// Boxes 0, 1 and 3 lie nearly in one place, but 3 overlaps 1 by less than half.
private let boxCorners: [Double] = [0, 0, 4, 4, 0, 0, 3, 4, 9, 9, 7, 7, 1, 1, 4, 4]
private let boxScores: [Double] = [3, 1, 2, 4, 0.5, 4, 3, 2]

private let cases: [RunTimeCase] = [
  RunTimeCase(
    testDescription: "trees on rows of an open number", type: "TreeEnsembleRegressor", domain: "ai.onnx.ml",
    inputs: [("x", .f32, [.param("n"), .param("m")])], attributes: trees(19),
    values: [[-1, 7, 5, 0, 20, -0.0, .nan, .nan]], symbols: [4, 2], outputs: [[19, 5 * 2 + 14, 38, 76]]),
  RunTimeCase(
    testDescription: "trees on no rows", type: "TreeEnsembleRegressor", domain: "ai.onnx.ml",
    inputs: [("x", .f32, [.param("n"), .value(2)])], attributes: trees(3), values: [[]], symbols: [0], outputs: [[]]),
  RunTimeCase(
    testDescription: "a shape with -1", type: "Reshape",
    inputs: [("x", .f32, fixed(2, 3)), ("s", .i64, fixed(2))], values: [[1, 2, 3, 4, 5, 6], [3, -1]],
    outputs: [[1, 2, 3, 4, 5, 6]]),
  RunTimeCase(
    testDescription: "a shape that does not fit", type: "Reshape",
    inputs: [("x", .f32, fixed(2, 3)), ("s", .i64, fixed(2))], values: [[1, 2, 3, 4, 5, 6], [4, 2]],
    status: Status.badDimension.rawValue),
  RunTimeCase(
    testDescription: "a slice backwards", type: "Slice",
    inputs: [
      ("x", .f32, fixed(5)), ("b", .i64, fixed(1)), ("e", .i64, fixed(1)), ("a", .i64, fixed(1)), ("t", .i64, fixed(1)),
    ], values: [[1, 2, 3, 4, 5], [-1], [Double(Int32.min)], [-1], [-2]], outputs: [[5, 3, 1]]),
  RunTimeCase(
    testDescription: "a slice with a step of 0", type: "Slice",
    inputs: [
      ("x", .f32, fixed(5)), ("b", .i64, fixed(1)), ("e", .i64, fixed(1)), ("a", .i64, fixed(1)), ("t", .i64, fixed(1)),
    ], values: [[1, 2, 3, 4, 5], [0], [5], [0], [0]], status: Status.badDimension.rawValue),
  RunTimeCase(
    testDescription: "reduced axes", type: "ReduceSum", inputs: [("x", .f32, fixed(2, 3)), ("a", .i64, fixed(1))],
    attributes: ["keepdims": .int(0)], values: [[1, 2, 3, 4, 5, 6], [-2]], outputs: [[5, 7, 9]]),
  RunTimeCase(
    testDescription: "an axis out of range", type: "ReduceSum", inputs: [("x", .f32, fixed(2, 3)), ("a", .i64, fixed(1))],
    values: [[1, 2, 3, 4, 5, 6], [2]], status: Status.badDimension.rawValue),
  RunTimeCase(
    testDescription: "nonzero elements", type: "NonZero", inputs: [("x", .i32, fixed(2, 2))], values: [[0, 7, 0, -1]],
    outputs: [[0, 1, 1, 1]]),
  RunTimeCase(
    testDescription: "nothing that is not zero", type: "NonZero", inputs: [("x", .i32, fixed(2, 2))],
    values: [[0, 0, 0, 0]], outputs: [[]]),
  RunTimeCase(
    testDescription: "a range that goes down", type: "Range",
    inputs: [("b", .i64, []), ("e", .i64, []), ("d", .i64, [])], values: [[5], [0], [-2]], outputs: [[5, 3, 1]]),
  RunTimeCase(
    testDescription: "a range with a delta of 0", type: "Range",
    inputs: [("b", .i64, []), ("e", .i64, []), ("d", .i64, [])], values: [[5], [0], [0]],
    status: Status.badDimension.rawValue),
  RunTimeCase(
    testDescription: "an index from the back", type: "Gather", inputs: [("x", .f32, fixed(3)), ("i", .i64, fixed(2))],
    values: [[1, 2, 3], [-1, 0]], outputs: [[3, 1]]),
  RunTimeCase(
    testDescription: "an index out of range", type: "Gather", inputs: [("x", .f32, fixed(3)), ("i", .i64, fixed(2))],
    values: [[1, 2, 3], [0, 3]], status: Status.indexOutOfRange.rawValue),
  RunTimeCase(
    testDescription: "open dimensions that agree", type: "Add",
    inputs: [("x", .f32, [.param("n")]), ("y", .f32, [.param("m")])], values: [[1, 2], [3, 4]], symbols: [2, 2],
    outputs: [[4, 6]]),
  RunTimeCase(
    testDescription: "open dimensions that differ", type: "Add",
    inputs: [("x", .f32, [.param("n")]), ("y", .f32, [.param("m")])], values: [[1, 2], [3, 4, 5]], symbols: [2, 3],
    status: Status.badDimension.rawValue),
  RunTimeCase(
    testDescription: "a matrix product of open extents", type: "MatMul",
    inputs: [("x", .f32, [.param("n"), .param("k")]), ("y", .f32, [.param("k"), .param("m")])],
    values: [[1, 2, 3, 4], [5, 6, 7, 8, 9, 10]], symbols: [2, 2, 3], outputs: [[21, 24, 27, 47, 54, 61]]),
  RunTimeCase(
    testDescription: "an empty matrix product", type: "MatMul",
    inputs: [("x", .f32, [.param("n"), .param("k")]), ("y", .f32, [.param("k"), .param("m")])], values: [[], []],
    symbols: [2, 0, 1], outputs: [[0, 0]]),
  RunTimeCase(
    testDescription: "boxes of an open number, chosen up to a limit that is an input", type: "NonMaxSuppression",
    inputs: boxes, values: [boxCorners, boxScores, [2], [0.5]], symbols: [4],
    outputs: [[0, 0, 3, 0, 0, 2, 0, 1, 1, 0, 1, 2]]),
  RunTimeCase(
    testDescription: "a limit above the open number of boxes", type: "NonMaxSuppression", inputs: boxes,
    values: [boxCorners, boxScores, [9], [0.5]], symbols: [4], outputs: [[0, 0, 3, 0, 0, 2, 0, 0, 1, 0, 1, 1, 0, 1, 2, 0, 1, 3]]),
  RunTimeCase(
    testDescription: "a limit below zero", type: "NonMaxSuppression", inputs: boxes,
    values: [boxCorners, boxScores, [-1], [0.5]], symbols: [4], outputs: [[]]),
  RunTimeCase(
    testDescription: "no boxes of an open number", type: "NonMaxSuppression", inputs: boxes,
    values: [[], [], [2], [0.5]], symbols: [0], outputs: [[]]),
  RunTimeCase(
    testDescription: "many parts of open extents", type: "Concat",
    inputs: parts(11, .f32) { [.value(2), .param("n\($0)")] }, attributes: ["axis": .int(1)],
    values: (0..<11).map { part in rows(part)[0] + rows(part)[1] }, symbols: (0..<11).map { $0 % 3 },
    outputs: [(0..<2).flatMap { row in (0..<11).flatMap { rows($0)[row] } }]),
  RunTimeCase(
    testDescription: "many parts of open extents along the first axis", type: "Concat",
    inputs: parts(9, .i64) { [.param("n\($0)")] }, attributes: ["axis": .int(0)],
    values: (0..<9).map { $0 == 4 ? [1, 2, 3] : [] }, symbols: (0..<9).map { $0 == 4 ? 3 : 0 }, outputs: [[1, 2, 3]]),
  RunTimeCase(
    testDescription: "a window longer than an open extent", type: "MaxPool",
    inputs: [("x", .f32, [.value(1), .value(1), .param("n")])], attributes: ["kernel_shape": .ints([4])],
    values: [[1, 2]], symbols: [2], status: Status.badDimension.rawValue),
  RunTimeCase(
    testDescription: "an open extent that does not divide into equal parts", type: "Split",
    inputs: [("x", .f32, [.param("n")])], attributes: ["num_outputs": .int(1)], opset: 18,
    values: [[1, 2, 3]], symbols: [3], outputs: [[1, 2, 3]]),
  RunTimeCase(
    testDescription: "channels that do not divide into groups", type: "DepthToSpace",
    inputs: [("x", .f32, [.value(1), .param("c"), .value(1), .value(1)])], attributes: ["blocksize": .int(2)],
    values: [[1, 2, 3, 4, 5, 6]], symbols: [6], status: Status.badDimension.rawValue),
  RunTimeCase(
    testDescription: "labels whose open extents differ", type: "Einsum",
    inputs: [("x", .f32, [.param("n")]), ("y", .f32, [.param("m")])], attributes: ["equation": .string(Array("i,i->".utf8))],
    values: [[1, 2], [3, 4, 5]], symbols: [2, 3], status: Status.badDimension.rawValue),
  RunTimeCase(
    testDescription: "open matrices that are not square", type: "Det",
    inputs: [("x", .f32, [.param("n"), .value(2)])], values: [[1, 2, 3, 4, 5, 6]], symbols: [3],
    status: Status.badDimension.rawValue),
  RunTimeCase(
    testDescription: "a length beyond the sequence", type: "ReverseSequence",
    inputs: [("x", .f32, fixed(2, 1)), ("n", .i64, fixed(1))], values: [[1, 2], [3]],
    status: Status.indexOutOfRange.rawValue),
  RunTimeCase(
    testDescription: "a class that is not ignored and does not exist", type: "NegativeLogLikelihoodLoss",
    inputs: [("x", .f32, fixed(2, 2)), ("t", .i64, fixed(2))], attributes: ["ignore_index": .int(-1)],
    values: [[1, 2, 3, 4], [-1, 2]], status: Status.indexOutOfRange.rawValue),
  RunTimeCase(
    testDescription: "a class that is ignored", type: "NegativeLogLikelihoodLoss",
    inputs: [("x", .f32, fixed(2, 2)), ("t", .i64, fixed(2))], attributes: ["ignore_index": .int(-1)],
    values: [[1, 2, 3, 4], [-1, 1]], outputs: [[-4]]),
  RunTimeCase(
    testDescription: "a window in the padding behind an open extent", type: "MaxPool",
    inputs: [("x", .f32, [.value(1), .value(1), .param("n")])],
    attributes: ["kernel_shape": .ints([1]), "strides": .ints([2]), "ceil_mode": .int(1)],
    values: [[1, 2, 3, 4]], symbols: [4], outputs: [[1, 3]]),
  RunTimeCase(
    testDescription: "a dimension that turns out to be squeezed", type: "Squeeze",
    inputs: [("x", .f32, [.param("n"), .value(1)])], values: [[1]], symbols: [1],
    status: Status.badDimension.rawValue),
  RunTimeCase(
    testDescription: "tuples of indices of which one is out of range", type: "GatherND",
    inputs: [("x", .f32, fixed(2, 2)), ("i", .i64, fixed(1, 2))], values: [[1, 2, 3, 4], [1, 2]],
    status: Status.indexOutOfRange.rawValue),
  RunTimeCase(
    testDescription: "parts of a string", type: "StringSplit", inputs: [("x", .string, fixed(1))],
    values: [[3], [97, 32, 98]], symbols: [3], outputs: [[1, 0x2_0000_0001], [97, 32, 98]]),
  RunTimeCase(
    testDescription: "a string that ends behind its bytes", type: "StringSplit", inputs: [("x", .string, fixed(1))],
    values: [[0x1_0000_0003], [97, 32, 98]], symbols: [3], status: Status.indexOutOfRange.rawValue),
  RunTimeCase(
    testDescription: "a string that begins before its bytes", type: "StringSplit", inputs: [("x", .string, fixed(1))],
    values: [[-0xffff_ffff], [97, 32, 98]], symbols: [3], status: Status.indexOutOfRange.rawValue),
]

@Suite("Extents that only a call knows")
struct RunTimeExtentTests {
  @Test(arguments: cases, [CompileOptions.Backend.c, .llvm])
  private func results(_ test: RunTimeCase, _ backend: CompileOptions.Backend) throws {
    let node = NodeDef(
      name: "n", opType: test.type, domain: test.domain, overload: "", inputs: test.inputs.map(\.name), outputs: ["r"],
      attributes: test.attributes)
    let graph = GraphDef(
      name: "g", doc: "", nodes: [node],
      inputs: test.inputs.map { ValueInfo(name: $0.name, type: .tensor($0.element, $0.dims)) },
      outputs: [ValueInfo(name: "r", type: nil)], valueInfos: [], initializers: [], sparseInitializers: [])
    let model = Model(
      irVersion: 10, opsets: ["": test.opset, "ai.onnx.ml": 3], producerName: "", producerVersion: "", domain: "",
      version: 1, doc: "", metadata: [], graph: graph, functions: [])
    var options = CompileOptions()
    options.backend = backend
    options.target = "x86_64-unknown-linux-gnu"
    options.cpu = "x86-64-v3"
    let program = try #require(try Pipeline.lower(model, options: options)).program
    let bytes = zip(program.inputs, test.values).map { encoded($1, $0.element) }
    let result = try program.interpret(inputs: bytes, symbols: test.symbols)
    #expect(result.status == test.status)
    guard test.status == 0 else { return }
    #expect(zip(result.outputs, program.outputs).map { decoded($0, $1.element) } == test.outputs)
  }

  private func encoded(_ values: [Double], _ element: ElementType) -> [UInt8] {
    values.flatMap { value -> [UInt8] in
      switch element {
      case .f32: withUnsafeBytes(of: Float(value)) { Array($0) }
      case .i32: withUnsafeBytes(of: Int32(value)) { Array($0) }
      case .u8: [UInt8(value)]
      default: withUnsafeBytes(of: Int64(value)) { Array($0) }
      }
    }
  }

  private func decoded(_ bytes: [UInt8], _ element: ElementType) -> [Double] {
    bytes.withUnsafeBytes { bytes in
      stride(from: 0, to: bytes.count, by: element.bytes).map { offset in
        switch element {
        case .f32: Double(bytes.loadUnaligned(fromByteOffset: offset, as: Float.self))
        case .i32: Double(bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self))
        case .u8: Double(bytes[offset])
        default: Double(bytes.loadUnaligned(fromByteOffset: offset, as: Int64.self))
        }
      }
    }
  }
}
