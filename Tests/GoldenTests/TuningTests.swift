import Support
import Testing
import Tuning
import Verify

@testable import Driver
@testable import ONNXReader

@Suite(.serialized) struct TuningTests {
  private let path = "\(goldenFolder)/residual_block/model.onnx"

  private func request() throws -> (CaseRequest, [HostValue]) {
    let model = try Model.load(path: path)
    let test = try #require(TestCase.all(below: "\(goldenFolder)/residual_block").first)
    let data = try DataSet(folder: test.folder + "/test_data_set_0", model: model)
    let request = CaseRequest(path: path, model: model, bindings: try data.bindings(), inputs: model.requiredInputs)
    return (request, data.inputs.map(\.value))
  }

  private func text(_ options: CompileOptions) throws -> String {
    let (request, _) = try request()
    return try Pipeline.lower(request, options: options).program.description
  }

  @Test func tablesAreForTheirProcessor() throws {
    var options = CompileOptions()
    options.cpu = "x86-64-v3"
    options.target = "x86_64-linux-gnu"
    let (request, _) = try request()
    let question = try #require(
      try Pipeline.lower(request, options: options).questions.first { $0.key.kind == .tile && $0.options.count > 2 })
    let estimated = try text(options)
    let choice = question.options[question.options.count - 1]
    options.tuning.processors = ["haswell": [question.key: choice]]
    #expect(try text(options).dropComments == estimated.dropComments)
    #expect(Pipeline.processorsWithoutTuning(options) == ["x86-64-v3"])
    options.tuning.processors = ["x86-64-v3": [question.key: choice]]
    #expect(Pipeline.processorsWithoutTuning(options).isEmpty)
    let tuned = try text(options)
    #expect(tuned.dropComments != estimated.dropComments)
    #expect(try text(options) == tuned)
    options.tuning = try TuningTable(options.tuning.description)
    #expect(try text(options) == tuned)
  }

  @Test func measuresOnThisMachine() throws {
    let (request, inputs) = try request()
    var reports: [String] = []
    let result = try Pipeline.tune(request, inputs: inputs, options: CompileOptions(), seconds: 0.002) {
      reports.append($0)
    }
    #expect(result.questions > 0 && result.changes <= result.questions)
    #expect(result.tunedSeconds <= result.defaultSeconds && result.tunedSeconds > 0)
    #expect(result.table.processors.values.reduce(0) { $0 + $1.count } == result.changes)
    #expect(!reports.isEmpty)
    var options = CompileOptions()
    options.tuning = try TuningTable(result.table.description)
    let test = try #require(TestCase.all(below: "\(goldenFolder)/residual_block").first)
    #expect(runCase(test, with: Pipeline.caseCompiler(options: options)).status == .passed)
  }

  @Test func otherTargetsAreNotMeasured() throws {
    let (request, inputs) = try request()
    let changes: [(inout CompileOptions) -> Void] = [
      { $0.cpu = "x86-64" }, { $0.target = "aarch64-linux-gnu" }, { $0.features = ["-avx2"] }, { $0.backend = .c },
    ]
    for change in changes {
      var options = CompileOptions()
      change(&options)
      #expect(throws: ModelError.self) { try Pipeline.tune(request, inputs: inputs, options: options) { _ in } }
    }
  }
}

extension String {
  /// The text without the line of the model's hash, which tells what was asked for.
  fileprivate var dropComments: [Substring] { split(separator: "\n").filter { !$0.contains("hash") } }
}
