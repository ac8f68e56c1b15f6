import Support
import Testing

@testable import ONNXReader

/// A wrong node and a part of the message that it gets.
struct ErrorCase: Sendable, CustomTestStringConvertible {
  var model: SmallModel
  var message: String

  init(
    _ type: String, domain: String = "", version: Int = 21, _ inputs: [(ElementType, [Int])],
    _ attributes: [String: AttributeValue], _ message: String
  ) {
    model = SmallModel(type: type, domain: domain, inputs: inputs, attributes: attributes)
    model.version = version
    self.message = message
  }

  init(
    _ type: String, domain: String = "", version: Int = 21, _ inputs: [(ElementType, [Int])], _ message: String
  ) {
    self.init(type, domain: domain, version: version, inputs, [:], message)
  }

  var testDescription: String { "\(model.type): \(message)" }
}

private let ml = "ai.onnx.ml"

private let trees: [String: AttributeValue] = [
  "nodes_treeids": .ints([0, 0, 0]), "nodes_nodeids": .ints([0, 1, 2]), "nodes_featureids": .ints([0, 0, 0]),
  "nodes_values": .floats([0.5, 0, 0]), "nodes_modes": .texts(["BRANCH_LEQ", "LEAF", "LEAF"]),
  "nodes_truenodeids": .ints([1, 0, 0]), "nodes_falsenodeids": .ints([2, 0, 0]), "target_treeids": .ints([0, 0]),
  "target_nodeids": .ints([1, 2]), "target_ids": .ints([0, 0]), "target_weights": .floats([1, 2]),
]

private func trees(_ name: String, _ value: AttributeValue?) -> [String: AttributeValue] {
  var changed = trees
  changed[name] = value
  return changed
}

private let ms = "com.microsoft"

private let microsoftCases: [ErrorCase] = [
  ErrorCase("MultiHeadAttention", domain: ms, [(.f32, [1, 2, 4])], "attribute 'num_heads' must be given"),
  ErrorCase("MultiHeadAttention", domain: ms, [(.f32, [1, 2, 5])], ["num_heads": .int(2)], "does not hold 2 heads"),
  ErrorCase(
    "MultiHeadAttention", domain: ms, [(.f32, [1, 2, 4]), (.f32, [1, 2, 4]), (.f32, [1, 3, 4])],
    ["num_heads": .int(2)], "the lengths of key and value"),
  ErrorCase(
    "MultiHeadAttention", domain: ms, [(.f32, [1, 2, 4]), (.f32, [1, 2, 4]), (.f32, [1, 2, 4]), (.f32, [11])],
    ["num_heads": .int(2)], "too short for 2 heads"),
  ErrorCase(
    "Attention", domain: ms, [(.f32, [1, 2, 3]), (.f32, [3, 12])],
    ["num_heads": .int(2), "qkv_hidden_sizes": .ints([4, 4, 6])], "12 columns do not divide"),
  ErrorCase(
    "Attention", domain: ms, [(.f32, [1, 2, 3]), (.f32, [3, 12])],
    ["num_heads": .int(2), "qkv_hidden_sizes": .ints([4, .max, 4])], "12 columns do not divide"),
  ErrorCase(
    "GroupQueryAttention", domain: ms, [(.f32, [1, 1, 10])], ["num_heads": .int(2), "kv_num_heads": .int(1)],
    "does not divide into 4 heads"),
  ErrorCase(
    "RotaryEmbedding", domain: ms, [(.f32, [1, 2, 4]), (.i64, [1]), (.f32, [5, 2]), (.f32, [5, 1])],
    "the other cache of angles has shape [5, 1], not [5, 2]"),
  ErrorCase("GroupNorm", domain: ms, [(.f32, [1, 2, 2, 3])], ["groups": .int(2)], "must divide 3 channels"),
  ErrorCase("FusedConv", domain: ms, [(.f32, [1, 1, 3]), (.f32, [1, 1, 2])], ["activation": .text("Sine")], "'Sine'"),
  ErrorCase(
    "MatMulNBits", domain: ms, [(.f32, [1, 16]), (.u8, [2, 1, 8]), (.f32, [2])],
    ["K": .int(16), "N": .int(2), "block_size": .int(16), "bits": .int(3)], "not 2, 4 or 8"),
  ErrorCase(
    "MatMulNBits", domain: ms, [(.f32, [1, 16]), (.u8, [2, 1, 7]), (.f32, [2])],
    ["K": .int(16), "N": .int(2), "block_size": .int(16)], "do not hold 2 rows of 16"),
  ErrorCase("QLinearConcat", domain: ms, [(.f32, []), (.u8, []), (.u8, [2])], ["axis": .int(0)], "3 arguments"),
  ErrorCase("QLinearAdd", domain: ms, [(.u8, [2]), (.u8, []), (.u8, []), (.u8, [2])], "the scale is u8"),
  ErrorCase("MoE", domain: ms, [(.f32, [2, 4]), (.f32, [2, 3])], ["use_sparse_mixer": .int(1)], "'use_sparse_mixer'"),
  ErrorCase("CDist", domain: ms, [(.f32, [2, 3]), (.f32, [2, 3])], ["metric": .text("cosine")], "'cosine'"),
  ErrorCase("Inverse", domain: ms, [(.f32, [2, 3])], "are not square"),
  ErrorCase("BeamSearch", domain: ms, [(.i32, [1, 2])], "export the decoder alone"),
]

/// Attributes and arguments that operators of ONNX Runtime's domain do not take.
private let strictCases: [ErrorCase] = [
  gathered(.i8, [:], "the data is i8"),
  gathered(.u4, ["block_size": .int(8)], "'block_size' is 8"),
  gathered(.i4, ["block_size": .int(48)], "'block_size' is 48"),
  gathered(.i4, ["bits": .int(8)], "'bits' is 8, but the data have 4"),
  gathered(.u8, ["bits": .int(5)], "'bits' is 5"),
  gathered(.u8, ["gather_axis": .int(1)], "are picked in the first axis"),
  gathered(.i4, scales: [2, 2], [:], "the scales has shape [2, 2], not [2, 1]"),
  gathered(.i4, zeroPoints: [1, 1], [:], "the zero points has shape [1, 1], not [2, 1]"),
  ErrorCase(
    "WordConvEmbedding", domain: ms, [(.i32, [2, 5]), (.f32, [2, 1, 2, 3]), (.f32, [2]), (.f32, [5, 3])],
    ["conv_window_size": .int(1)], "attribute 'conv_window_size': 2 and 1 differ"),
  ErrorCase(
    "CropAndResize", domain: ms, [(.f32, [1, 1, 3, 3]), (.f32, [1, 4]), (.i32, [1]), (.i32, [3])],
    "the size has shape [3], not [2]"),
  ErrorCase(
    "ConvTransposeWithDynamicPads", domain: ms, [(.f32, [1, 1, 3, 3]), (.f32, [1, 1, 3, 3]), (.i64, [1, 4])],
    "the padding has shape [1, 4], not [4]"),
  ErrorCase("ExpandDims", domain: ms, [(.f32, [2, 3]), (.i32, [2])], "the number of axes: 2 and 1 differ"),
  ErrorCase("ExpandDims", domain: ms, [(.f32, [2, 3]), (.i64, [])], "the axis is i64"),
  ErrorCase(
    "RotaryEmbedding", domain: ms, [(.f32, [2, 3, 4]), (.i64, [1, 3]), (.f32, [5, 2]), (.f32, [5, 2])],
    "the positions has shape [1, 3], not [2, 3]"),
  ErrorCase(
    "RotaryEmbedding", domain: ms, [(.f32, [2, 3, 4]), (.i64, [1]), (.f32, [5, 2]), (.f32, [5, 2])], ["num_heads": .int(3)],
    "'num_heads' is 3"),
  ErrorCase(
    "Attention", domain: ms, [(.f32, [1, 2, 4]), (.f32, [4, 12]), (.f32, [12]), (.i32, [3])], ["num_heads": .int(2)],
    "a mask of 3 elements does not fit 1 batches"),
  ErrorCase(
    "EmbedLayerNormalization", domain: ms,
    [(.i32, [1, 7]), (.i32, [1, 7]), (.f32, [9, 2]), (.f32, [6, 2]), (.f32, [2, 2]), (.f32, [2]), (.f32, [2])],
    "there are 7 words, but 6 positions"),
  ErrorCase(
    "QLinearConcat", domain: ms, [(.f32, []), (.u8, []), (.i8, [2]), (.f32, []), (.i8, [])], ["axis": .int(0)],
    "element types differ: i8 and u8"),
  ErrorCase("BiasGelu", domain: ms, [(.f32, [2, 4]), (.f32, [2, 4])], "the bias has shape [2, 4], not [4]"),
]

/// A `GatherBlockQuantized` of two rows of 16 elements.
private func gathered(
  _ element: ElementType, scales: [Int] = [2, 1], zeroPoints: [Int] = [2, 1], _ attributes: [String: AttributeValue],
  _ message: String
) -> ErrorCase {
  let columns = element == .u8 ? 8 : 16
  let common: [String: AttributeValue] = ["block_size": .int(16), "bits": .int(4), "quantize_axis": .int(1)]
  return ErrorCase(
    "GatherBlockQuantized", domain: ms, [(element, [2, columns]), (.i32, [1]), (.f32, scales), (element, zeroPoints)],
    common.merging(attributes) { $1 }, message)
}

/// Arguments of shapes that each are possible and together are not.
private let shapeCases: [ErrorCase] = [
  ErrorCase(
    "GridSample", [(.f32, [3, 1, 4, 4]), (.f32, [2, 2, 2, 2])],
    "a grid of shape [2, 2, 2, 2] does not fit data of shape [3, 1, 4, 4]"),
  ErrorCase(
    "Attention", version: 23, [(.f32, [1, 2, 3, 4]), (.f32, [1, 2, 5, 4]), (.f32, [1, 2, 4, 4])],
    "queries, keys and values"),
  ErrorCase(
    "Attention", version: 23, [(.f32, [1, 2, 3, 4]), (.f32, [1, 2, 5, 4]), (.f32, [1, 2, 5, 4]), (.bool, [3, 6])],
    "too long for 5 keys"),
  ErrorCase(
    "SoftmaxCrossEntropyLoss", [(.f32, [2, 3, 4]), (.i64, [2, 5])], "the target has shape [2, 5], not [2, 4]"),
  ErrorCase(
    "LSTM", [(.f32, [2, 1, 3]), (.f32, [1, 8, 3]), (.f32, [1, 8, 2]), (.f32, [1, 8])], ["hidden_size": .int(2)],
    "the bias has shape [1, 8], not [1, 16]"),
  ErrorCase("ScatterND", [(.f32, [4, 3]), (.i64, [2, 1]), (.f32, [2, 4])], "the updates has shape [2, 4]"),
  ErrorCase(
    "DeformConv", [(.f32, [1, 1, 4]), (.f32, [1, 1, 2]), (.f32, [1, 2, 3]), (.f32, [1]), (.f32, [1, 2, 4])],
    "the mask has shape [1, 2, 4], not [1, 2, 3]"),
  ErrorCase("Not", [(.f32, [2])], "arguments of types f32[2] do not fit each other"),
  ErrorCase("Trilu", [(.f32, [2, 2]), (.f32, [2, 2])], "f32[2, 2], f32[2, 2] do not fit each other"),
  ErrorCase(
    "Conv", [(.f32, [1, 1, 4, 4]), (.f32, [1, 1, 2, 2]), (.f64, [1])], "element types differ: f32 and f64"),
  ErrorCase(
    "DeformConv", [(.f32, [1, 1, 4, 4]), (.f32, [1, 1, 1, 1]), (.f32, [1, 2, 4, 4]), (.f64, [1])],
    "f64[1] do not fit each other"),
  ErrorCase("LayerNormalization", [(.f16, [1, 4]), (.f32, [4])], "element types differ: f16 and f32"),
  ErrorCase("MatMulInteger", [(.u8, [2, 3]), (.u8, [3, 2]), (.i8, [])], "element types differ: u8 and i8"),
  ErrorCase("DequantizeLinear", [(.u8, [2, 3]), (.f32, []), (.i8, [])], "element types differ: u8 and i8"),
  ErrorCase("Einsum", [(.f32, [2, 3])], ["equation": .text("i1->i")], "a label that is no letter"),
  ErrorCase(
    "Pad", version: 10, [(.f32, [0, 3])], ["mode": .text("edge"), "pads": .ints([1, 0, 0, 0])],
    "there are no elements to repeat in dimension 0"),
  ErrorCase("LayerNormalization", [(.f32, [1, 4]), (.f32, [2, 4])], "the scale has shape [2, 4], which does not"),
  ErrorCase(
    "GRU", [(.f32, [2, 1, 3]), (.f32, [1, 6, 3]), (.f32, [1, 6, 2])], ["hidden_size": .int(7)],
    "attribute 'hidden_size' and the recurrent weights: 2 and 7 differ"),
  ErrorCase(
    "QuantizeLinear", [(.f32, [2, 6]), (.f32, [2, 4])], ["axis": .int(1), "block_size": .int(2)], "not [2, 3]"),
]

private let cases: [ErrorCase] = microsoftCases + strictCases + shapeCases + [
  ErrorCase("Add", [(.f32, [2, 3]), (.f32, [4, 3])], "do not broadcast at dimension 0"),
  ErrorCase("DFT", version: 19, [(.f32, [1, 6, 2])], ["axis": .int(-1)], "axis -1 is that of the parts"),
  ErrorCase("Add", [(.f32, [2]), (.i32, [2])], "element types differ"),
  ErrorCase("Add", [(.f32, [2])], "argument 1 is missing"),
  ErrorCase("Where", [(.f32, [2]), (.f32, [2]), (.f32, [2])], "not one of bool"),
  ErrorCase("Where", [(.bool, [2]), (.f32, [2]), (.i32, [2])], "element types differ"),
  ErrorCase("MatMul", [(.f32, [2, 3]), (.f32, [4, 5])], "do not multiply"),
  ErrorCase("MatMul", [(.f32, [2, 3]), (.f64, [3, 5])], "element types differ"),
  ErrorCase("MatMul", [(.f32, []), (.f32, [3])], "takes no scalars"),
  ErrorCase("Gemm", [(.f32, [2, 3, 4]), (.f32, [3, 4])], "not 2"),
  ErrorCase("Gemm", [(.f32, [2, 3]), (.f32, [4, 5])], "do not multiply"),
  ErrorCase("Gemm", [(.f32, [2, 3]), (.f32, [3, 5]), (.f32, [7])], "broadcast"),
  ErrorCase("Gather", [(.f32, [2, 3]), (.f32, [1])], "the indices is f32"),
  ErrorCase("Gather", [(.f32, [2, 3]), (.i64, [1])], ["axis": .int(5)], "axis 5 is out of range for rank 2"),
  ErrorCase("Softmax", [(.f32, [2, 3])], ["axis": .int(-3)], "axis -3 is out of range"),
  ErrorCase(
    "MatMulNBits", domain: ms, [(.f32, [1, 16]), (.u8, [2, 1, 8]), (.f32, [2])],
    ["K": .int(.max), "N": .int(2), "block_size": .int(16)], "below 2^30"),
  ErrorCase("Softmax", [(.i32, [2, 3])], "not a float type"),
  ErrorCase("Softmax", [(.f32, [2, 3])], ["axis": .float(1)], "attribute 'axis' must be an integer"),
  ErrorCase("Cast", [(.f32, [2])], "attribute 'to' is missing"),
  ErrorCase("Cast", [(.f32, [2])], ["to": .int(99)], "which is no element type"),
  ErrorCase("Gelu", [(.f32, [2])], ["approximate": .text("sin")], "attribute 'approximate' is 'sin'"),
  ErrorCase("LpNormalization", [(.f32, [2, 3])], ["p": .int(3)], "not 1 or 2"),
  ErrorCase("AveragePool", [(.f32, [2, 3])], ["kernel_shape": .ints([1])], "at least 3 is needed"),
  ErrorCase("Conv", [(.f32, [1, 2, 5]), (.i32, [2, 2, 3])], "element types differ"),
  ErrorCase("OneHot", [(.i64, [2]), (.i64, [1]), (.f32, [3])], "has shape [3], not [2]"),
  ErrorCase("Compress", [(.f32, [2]), (.bool, [2, 1])], "the condition has shape [2, 1]"),
  ErrorCase("ImageDecoder", [(.u8, [2, 3])], "the image is u8[2, 3], not u8 of rank 1"),
  ErrorCase("ImageDecoder", [(.f32, [2])], "the image is f32[2], not u8 of rank 1"),
  ErrorCase("ImageDecoder", [(.u8, [2])], ["pixel_format": .text("CMYK")], "attribute 'pixel_format' is 'CMYK'"),
  ErrorCase("ZipMap", domain: ml, [(.f32, [2, 3])], "attribute 'classlabels_int64s' or 'classlabels_strings' is missing"),
  ErrorCase("Normalizer", domain: ml, [(.f32, [2, 3])], ["norm": .text("L3")], "attribute 'norm' is 'L3'"),
  ErrorCase("LinearRegressor", domain: ml, [(.f32, [2, 3])], "attribute 'coefficients' is missing"),
  ErrorCase("LabelEncoder", domain: ml, [(.i64, [2])], ["keys_int64s": .ints([1])], "there are no values"),
  ErrorCase("LabelEncoder", domain: ml, [(.i64, [2])], ["keys_strings": .texts(["a"]), "values_int64s": .ints([1])],
    "the data is i64, but the keys are string"),
  ErrorCase("TreeEnsembleRegressor", domain: ml, [(.f32, [2, 3, 4])], trees, "rank 3, not 2"),
  ErrorCase(
    "TreeEnsembleRegressor", domain: ml, [(.f32, [2, 3])], trees("nodes_truenodeids", .ints([9, 0, 0])),
    "tree 0 has no node 9"),
  ErrorCase(
    "TreeEnsembleRegressor", domain: ml, [(.f32, [2, 3])], trees("nodes_truenodeids", .ints([0, 0, 0])), "cycle"),
  ErrorCase(
    "TreeEnsembleRegressor", domain: ml, [(.f32, [2, 3])], trees("nodes_featureids", .ints([3, 0, 0])),
    "the data has 3 columns"),
  ErrorCase(
    "TreeEnsembleRegressor", domain: ml, [(.f32, [2, 3])], trees("target_ids", .ints([0, 7])), "target 7 of 1"),
  ErrorCase(
    "TreeEnsembleRegressor", domain: ml, [(.f32, [2, 3])], trees("nodes_modes", .texts(["LT", "LEAF", "LEAF"])),
    "unknown mode 'LT'"),
  ErrorCase(
    "TreeEnsembleRegressor", domain: ml, [(.f32, [2, 3])], trees("nodes_values", nil), "attribute 'nodes_values'"),
]

@Suite struct ErrorTests {
  @Test(arguments: cases) func wrongNodeIsReported(_ test: ErrorCase) throws {
    let diagnostics = test.model.diagnostics([test.model.node()])
    try #require(diagnostics.count == 1, "\(diagnostics)")
    #expect(diagnostics[0].description.contains(test.message), "\(diagnostics[0])")
    #expect(diagnostics[0].location.contains("'n'") && diagnostics[0].location.contains(test.model.type))
  }

  @Test func faultsAreReportedTogether() {
    let model = SmallModel(type: "Cast", inputs: [(.f32, [2, 3])])
    var other = model
    other.type = "Softmax"
    other.attributes = ["axis": .int(7)]
    var dependent = SmallModel(type: "Relu", inputs: model.inputs).node(named: "c")
    dependent.inputs = ["a_y"]
    let diagnostics = model.diagnostics([model.node(named: "a"), other.node(named: "b"), dependent])
    #expect(diagnostics.map(\.location) == ["'a' (Cast-21)", "'b' (Softmax-21)"])
  }

  /// A branch that does not fit may never be taken: the model is wrong only if neither does.
  @Test func branchThatDoesNotFit() throws {
    func branch(_ type: String) -> AttributeValue {
      let body = NodeDef(
        name: "body", opType: type, domain: "", overload: "", inputs: ["x1", "x2"], outputs: ["r"], attributes: [:])
      return .graph(
        GraphDef(
          name: "b", doc: "", nodes: [body], inputs: [], outputs: [ValueInfo(name: "r", type: nil)], valueInfos: [],
          initializers: [], sparseInitializers: []))
    }
    let model = SmallModel(
      type: "If", inputs: [(.bool, []), (.f32, [2, 3]), (.f32, [3, 4])],
      attributes: ["then_branch": branch("MatMul"), "else_branch": branch("Add")])
    var node = model.node()
    node.inputs = ["x0"]
    #expect(model.diagnostics([node]).isEmpty)
    node.attributes["then_branch"] = branch("Sub")
    let diagnostics = model.diagnostics([node])
    try #require(diagnostics.count == 1, "\(diagnostics)")
    #expect(diagnostics[0].kind == .invalid)
    #expect(diagnostics[0].description.contains("do not broadcast at dimension"))
  }
}
