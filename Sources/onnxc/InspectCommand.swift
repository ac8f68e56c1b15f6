import ArgumentParser
import ONNXReader
import Support

/// `onnxc inspect model.onnx`
struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect", abstract: "Print a model's interface, operators and size.")

  @Argument(help: "The model, or '-' for standard input.")
  var model: String

  @Flag(help: "Report in JSON.")
  var json = false

  func run() throws {
    let summary = ModelSummary(try reporting(model) { try Model.load(path: model) })
    print(json ? summary.json.description : summary.text)
  }
}
