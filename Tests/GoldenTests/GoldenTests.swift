import Driver
import Glibc
import Support
import Testing
import Verify

/// The folder of golden models, found from this file.
let goldenFolder = String(#filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }) + "/Golden"

/// Whether differences are written instead of reported.
private let blesses = getenv("ONNXC_BLESS") != nil

/// The names of the golden models.
let goldenModels = ["attention", "classifier", "residual_block"]

@Suite("Golden models")
struct GoldenTests {
  /// The text after every stage, for portable C so that it does not depend on the machine.
  @Test("texts of all stages", arguments: goldenModels)
  func texts(_ model: String) throws {
    var options = CompileOptions()
    options.backend = .c
    options.name = model
    let result = try Pipeline.texts(path: "\(goldenFolder)/\(model)/model.onnx", options: options)
    #expect(result.stages.count > 5)
    for (number, stage) in result.stages.enumerated() {
      try compare(stage.text + "\n", "\(model)/\(number < 10 ? "0" : "")\(number)-\(stage.name).txt")
    }
    try compare(result.header, "\(model)/\(model).h")
  }

  @Test("results", arguments: goldenModels, CompileOptions.Backend.allCases)
  func results(_ model: String, _ backend: CompileOptions.Backend) throws {
    var options = CompileOptions()
    options.backend = backend
    options.name = model
    let test = try #require(TestCase.all(below: "\(goldenFolder)/\(model)").first)
    let result = runCase(test, with: Pipeline.caseCompiler(options: options))
    #expect(result.status == .passed, "\(result.reason)")
  }

  private func compare(_ text: String, _ name: String) throws {
    let path = "\(goldenFolder)/\(name)"
    if blesses {
      try AtomicFile.write(text, path: path)
      return
    }
    let expected = try InputFile.text(path: path)
    #expect(text == expected, "\(name) differs; after a look at the difference, run make bless")
  }
}
