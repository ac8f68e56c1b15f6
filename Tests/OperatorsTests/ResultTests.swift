import Driver
import Support
import TensorIR
import Testing
import Verify

@testable import ONNXReader

let resultCases: [ResultCase] = [
  castResults, machineLearningResults, trainingResults, furtherResults, bodyResults, stringResults, treeResults,
  microsoftAttentionResults, microsoftFurtherResults, microsoftNormalizationResults, microsoftProductResults,
  microsoftRareResults, selectionResults, unusualResults,
].flatMap { $0 }

@Suite struct ResultTests {
  @Test(arguments: resultCases, CompileOptions.Backend.allCases)
  func agreesWithReference(_ test: ResultCase, _ backend: CompileOptions.Backend) throws {
    var options = CompileOptions()
    options.backend = backend
    let model = test.model
    let arguments = test.inputs.indices.filter { !test.constants.contains($0) }.compactMap { test.inputs[$0]?.tensor }
    let request = CaseRequest(path: "", model: model, bindings: [:], inputs: model.requiredInputs)
    let results = try Pipeline.caseCompiler(options: options).compile(request).run(arguments.map { .tensor($0) })
    try #require(results.count == test.outputs.count)
    for (result, expected) in zip(results, test.outputs) {
      try compare(result, to: .tensor(expected.tensor), test.tolerance)
    }
  }

  @Test(arguments: CompileOptions.Backend.allCases)
  func sparseInputsHaveAllElements(_ backend: CompileOptions.Backend) throws {
    let inputs = [Numbers(.f32, [2, 3], [0, 2, 0, -1, 0, 0]), Numbers(.f32, [3, 1], [1, 2, 3])]
    let expected = Numbers(.f32, [2, 1], [6, -1.5])
    let test = ResultCase(
      "SparseToDenseMatMul", domain: "com.microsoft", version: 1, inputs, ["alpha": .float(1.5)], [expected])
    var model = test.model
    model.graph.inputs[0] = ValueInfo(name: "x0", type: .sparse(.f32, [.value(2), .param("n")]))
    var options = CompileOptions()
    options.backend = backend
    let request = CaseRequest(path: "", model: model, bindings: [:], inputs: model.requiredInputs)
    let results = try Pipeline.caseCompiler(options: options).compile(request).run(inputs.map { .tensor($0.tensor) })
    try compare(try #require(results.first), to: .tensor(expected.tensor), test.tolerance)
  }

  @Test(arguments: [([9], [1, 2]), ([-1], [1, 2, 3]), ([1], [3, 4])])
  func predictionThatDoesNotEndBehindTheSourceFailsTheCall(_ start: [Double], _ predicted: [Double]) throws {
    let inputs = [
      Numbers(.i64, [2], [1, 2]), Numbers(.i64, [1], [7]), Numbers(.i64, [1], start),
      Numbers(.i64, [predicted.count], predicted),
    ]
    let test = ResultCase(
      "BifurcationDetector", domain: "com.microsoft", version: 1, inputs, [:],
      [Numbers(.i64, [3], []), Numbers(.i64, [1], [])])
    let request = CaseRequest(path: "", model: test.model, bindings: [:], inputs: test.model.requiredInputs)
    let code = try Pipeline.caseCompiler(options: CompileOptions()).compile(request)
    let isGood = start == [1] && predicted.count == 2
    if isGood {
      _ = try code.run(inputs.map { .tensor($0.tensor) })
    } else {
      #expect(throws: (any Error).self) { try code.run(inputs.map { .tensor($0.tensor) }) }
    }
  }

  /// One query of two elements with a cache of two positions, which is filled up to `past`, of the beams that are named.
  @Test(arguments: [(1, 0, true), (2, 0, false), (-1, 0, false), (1, 1, false), (1, -1, false)])
  func cacheIsReadWithinItsBounds(_ past: Double, _ beam: Double, _ isGood: Bool) throws {
    let row = Numbers(.f32, [1, 1, 2], [1, 2])
    let cache = Numbers(.f32, [1, 1, 2, 2], [1, 2, 3, 4])
    let inputs: [Numbers?] = [
      row, row, row, nil, nil, cache, cache, Numbers(.i32, [1], [past]), Numbers(.i32, [1], [1]),
      Numbers(.i32, [1, 1, 2], [beam, beam]),
    ]
    let test = ResultCase(
      "DecoderMaskedMultiHeadAttention", domain: "com.microsoft", version: 1, inputs,
      ["num_heads": .int(1), "past_present_share_buffer": .int(1)], [Numbers(.f32, [1, 1, 2], [])])
    let request = CaseRequest(path: "", model: test.model, bindings: [:], inputs: test.model.requiredInputs)
    let code = try Pipeline.caseCompiler(options: CompileOptions()).compile(request)
    let values = inputs.compactMap { $0.map { HostValue.tensor($0.tensor) } }
    if isGood {
      _ = try code.run(values)
    } else {
      #expect(throws: (any Error).self) { try code.run(values) }
    }
  }

  /// Products of the rows (1, 2), (3, 4), (5, 6) and the columns (1, 10), (100, 1000) that the data choose.
  @Test(arguments: [
    ([1, 0, 1], [1, 1], [21, 6500]), ([0, 1, 0], [1, 1], [43, 4300]), ([1, 1, 1], [1, 0], [21, 43, 65]),
    ([1, 1, 1], [1, 1], nil),
  ])
  func batchesWhoseExtentsDataDecideAreMultiplied(_ rows: [Double], _ columns: [Double], _ products: [Double]?) throws {
    let inputs = [
      Numbers(.f32, [3, 1, 2], [1, 2, 3, 4, 5, 6]), Numbers(.bool, [3], rows),
      Numbers(.f32, [2, 2, 1], [1, 10, 100, 1000]), Numbers(.bool, [2], columns),
    ]
    let test = ResultCase("MatMul", version: 13, inputs, [:], [Numbers(.f32, [products?.count ?? 0, 1, 1], products ?? [])])
    var model = test.model
    func node(_ type: String, _ inputs: [String], _ output: String, _ attributes: [String: AttributeValue]) -> NodeDef {
      NodeDef(name: output, opType: type, domain: "", overload: "", inputs: inputs, outputs: [output], attributes: attributes)
    }
    model.graph.nodes = [
      node("Compress", ["x0", "x1"], "a", ["axis": .int(0)]), node("Compress", ["x2", "x3"], "b", ["axis": .int(0)]),
      node("MatMul", ["a", "b"], "y0", [:]),
    ]
    let request = CaseRequest(path: "", model: model, bindings: [:], inputs: model.requiredInputs)
    let code = try Pipeline.caseCompiler(options: CompileOptions()).compile(request)
    let values = inputs.map { HostValue.tensor($0.tensor) }
    guard products != nil else {
      #expect(throws: (any Error).self) { try code.run(values) }
      return
    }
    try compare(try #require(code.run(values).first), to: .tensor(test.outputs[0].tensor), test.tolerance)
  }

  @Test(arguments: [
    ("9223372036854775807", ElementType.i64, Int.max), ("-9223372036854775808", .i64, .min), ("18446744073709551615", .u64, -1),
    ("18446744073709551609", .u64, -7),
  ])
  func greatIntegersAreReadExactly(_ text: String, _ element: ElementType, _ bits: Int) throws {
    let test = ResultCase(
      "Cast", version: 21, [Numbers([1], [text])], ["to": .int(element == .i64 ? 7 : 13)], [Numbers(element, [1], [])])
    let request = CaseRequest(path: "", model: test.model, bindings: [:], inputs: test.model.requiredInputs)
    let results = try Pipeline.caseCompiler(options: CompileOptions()).compile(request).run([.tensor(Numbers([1], [text]).tensor)])
    let expected = ConstantTensor(element, dims: [1], integers: [bits])
    try compare(
      try #require(results.first), to: .tensor(TensorData(element: element, dims: [1], bytes: expected.bytes)), Tolerance())
  }

  @Test(arguments: [false, true])
  func inputWithADefaultMayBeGiven(_ isGiven: Bool) throws {
    let (x, w) = (Numbers(.f32, [2], [1, 2]), Numbers(.f32, [2], [10, 20]))
    let test = ResultCase("Add", version: 14, [x, w], constants: [1], [:], [Numbers(.f32, [2], [])])
    let model = test.model
    let inputs = isGiven ? model.graph.inputs : model.requiredInputs
    let request = CaseRequest(path: "", model: model, bindings: [:], inputs: inputs)
    let given = [x, Numbers(.f32, [2], [3, 4])].prefix(inputs.count).map { HostValue.tensor($0.tensor) }
    let results = try Pipeline.caseCompiler(options: CompileOptions()).compile(request).run(given)
    let expected = Numbers(.f32, [2], isGiven ? [4, 6] : [11, 22])
    try compare(try #require(results.first), to: .tensor(expected.tensor), Tolerance())
  }

  @Test func unknownCategoryFailsTheCall() throws {
    let test = ResultCase(
      "OneHotEncoder", domain: "ai.onnx.ml", version: 1, [Numbers(.i64, [2], [1, 3])],
      ["cats_int64s": .ints([1, 2]), "zeros": .int(0)], [Numbers(.f32, [2, 2], [])])
    let model = test.model
    let request = CaseRequest(path: "", model: model, bindings: [:], inputs: model.requiredInputs)
    let code = try Pipeline.caseCompiler(options: CompileOptions()).compile(request)
    #expect(throws: (any Error).self) { try code.run([.tensor(Numbers(.i64, [2], [1, 3]).tensor)]) }
    _ = try code.run([.tensor(Numbers(.i64, [2], [1, 2]).tensor)])
  }

  @Test(arguments: [("Cast", ["1", "2x"]), ("Cast", ["", "1"]), ("Cast", ["1e", "1"]), ("Cast", ["--1", "1"])])
  func textThatIsNoNumberFailsTheCall(_ type: String, _ strings: [String]) throws {
    let test = ResultCase(
      type, version: 21, [Numbers([2], strings)], ["to": .int(1)], [Numbers(.f32, [2], [0, 0])])
    let request = CaseRequest(path: "", model: test.model, bindings: [:], inputs: test.model.requiredInputs)
    let code = try Pipeline.caseCompiler(options: CompileOptions()).compile(request)
    #expect(throws: (any Error).self) { try code.run([.tensor(Numbers([2], strings).tensor)]) }
    _ = try code.run([.tensor(Numbers([2], ["1", "-2e3"]).tensor)])
  }

  @Test(arguments: ["(", "a**b)", "[z-a]", "(?=x)", "\\q", "x{5,2}"])
  func wrongPatternIsAnError(_ pattern: String) {
    let test = ResultCase(
      "RegexFullMatch", version: 20, [Numbers([1], ["a"])], ["pattern": .text(pattern)], [Numbers(.bool, [1], [0])])
    let request = CaseRequest(path: "", model: test.model, bindings: [:], inputs: test.model.requiredInputs)
    #expect(throws: ModelError.self) { try Pipeline.caseCompiler(options: CompileOptions()).compile(request) }
  }
}
