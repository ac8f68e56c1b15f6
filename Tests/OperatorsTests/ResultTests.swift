import Driver
import Testing
import Verify

@testable import ONNXReader

private let cases: [ResultCase] = [
  castResults, machineLearningResults, trainingResults, furtherResults, bodyResults,
  treeResults, microsoftAttentionResults, microsoftFurtherResults, microsoftNormalizationResults,
  microsoftProductResults,
].flatMap { $0 }

@Suite struct ResultTests {
  @Test(arguments: cases, CompileOptions.Backend.allCases)
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
}
