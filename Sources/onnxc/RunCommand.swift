import ArgumentParser
import Driver
import ONNXReader
import Support
import Verify

/// `onnxc run model.onnx --input x=x.npy`
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Run a model once; prints the outputs that no file is named for.")

  @Argument(help: "The model, or '-' for standard input.")
  var model: String

  @Option(help: "An input from a .npy or .pb file, as NAME=FILE.")
  var input: [String] = []

  @Option(help: "A .npy or .pb file for an output, as NAME=FILE.")
  var output: [String] = []

  @OptionGroup var flags: TargetFlags

  func run() throws {
    let options = try flags.options()
    let sources = try Self.files(input)
    let targets = try Self.files(output)
    try reporting(model) {
      let loaded = try Model.load(path: model)
      for name in sources.keys where !loaded.graph.inputs.contains(where: { $0.name == name }) {
        throw Failure.usage("the model has no input '\(name)'")
      }
      for name in targets.keys where !loaded.graph.outputs.contains(where: { $0.name == name }) {
        throw Failure.usage("the model has no output '\(name)'")
      }
      var inputs: [ValueInfo] = []
      var values: [HostValue] = []
      for info in loaded.graph.inputs where sources[info.name] != nil || loaded.requiredInputs.contains(info) {
        guard let path = sources[info.name] else { throw Failure.usage("give --input \(info.name)=FILE") }
        let value = try Self.read(path, info)
        values.append(value)
        inputs.append(ValueInfo(name: info.name, type: value.type, doc: info.doc))
      }
      let request = CaseRequest(path: model, model: loaded, bindings: options.dims, inputs: inputs)
      let results = try Pipeline.caseCompiler(options: options).compile(request).run(values)
      for (info, value) in zip(loaded.graph.outputs, results) {
        if let path = targets[info.name] { try Self.write(value, info.name, path) } else { print(table(value, info.name)) }
      }
    }
  }

  private static func files(_ pairs: [String]) throws -> [String: String] {
    var result: [String: String] = [:]
    for pair in pairs {
      guard let equals = pair.firstIndex(of: "="), equals > pair.startIndex else {
        throw Failure.usage("expected NAME=FILE, not '\(pair)'")
      }
      result[String(pair[..<equals])] = String(pair[pair.index(after: equals)...])
    }
    return result
  }

  private static func read(_ path: String, _ info: ValueInfo) throws(ModelError) -> HostValue {
    if path.hasSuffix(".npy") { return .tensor(try NPY.load(path: path)) }
    return try HostValue.load(path: path, type: info.type ?? .tensor(.f32, nil)).value
  }

  private static func write(_ value: HostValue, _ name: String, _ path: String) throws {
    guard case .tensor(var tensor) = value else { throw Failure.usage("output '\(name)' is not a tensor") }
    tensor.name = name
    try AtomicFile.write(path.hasSuffix(".npy") ? NPY.encode(tensor) : tensor.serialized(), path: path)
  }
}

/// A value's type and first elements.
private func table(_ value: HostValue, _ name: String) -> String {
  let head = "\(name): \(value.typeDescription)"
  guard case .tensor(let tensor) = value else { return head }
  let items =
    tensor.doubles().map { $0.prefix(16).map { "\($0)" } }
    ?? tensor.strings.prefix(16).map { String(decoding: $0, as: UTF8.self) }
  return head + "\n  " + items.joined(separator: " ") + (tensor.count > items.count ? " …" : "")
}
