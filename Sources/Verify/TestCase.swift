import ONNXReader
import Support

/// A folder with `model.onnx` and `test_data_set_*`, as in the ONNX backend tests.
public struct TestCase: Hashable, Sendable {
  /// The folder relative to the suite.
  public var name: String
  public var folder: String

  /// The case in `folder`.
  public init(name: String, folder: String) {
    self.name = name
    self.folder = folder
  }

  /// The model's path.
  public var modelPath: String { folder + "/model.onnx" }

  /// The folders with inputs and expected outputs.
  public var dataSets: [String] {
    names(inFolder: folder).filter { $0.hasPrefix("test_data_set_") }.map { "\(folder)/\($0)" }
  }

  /// All cases at any depth below `root`, sorted by name.
  public static func all(below root: String) -> [TestCase] {
    var result: [TestCase] = []
    var pending = [(path: root, name: "", depth: 0)]
    while let (path, name, depth) = pending.popLast() {
      let entries = names(inFolder: path)
      if entries.contains("model.onnx"), entries.contains(where: { $0.hasPrefix("test_data_set_") }) {
        result.append(TestCase(name: name.isEmpty ? lastComponent(path) : name, folder: path))
      }
      // The depth keeps links in a circle from being followed for ever.
      for entry in entries where depth < 16 && !entry.hasPrefix("test_data_set_") {
        let inner = path + "/" + entry
        guard fileKind(inner) == .folder else { continue }
        pending.append((inner, name.isEmpty ? entry : "\(name)/\(entry)", depth + 1))
      }
    }
    return result.sorted { $0.name < $1.name }
  }
}

/// The part of a path behind its last slash.
func lastComponent(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }

/// The values of one `test_data_set_*` folder.
public struct DataSet: Sendable {
  /// Values for the model's inputs, with the declaration of each.
  public var inputs: [(info: ValueInfo, value: HostValue)]
  /// Expected values of the model's outputs, in order.
  public var outputs: [HostValue]

  /// A data set of values at hand.
  public init(inputs: [(info: ValueInfo, value: HostValue)], outputs: [HostValue]) {
    self.inputs = inputs
    self.outputs = outputs
  }

  /// Reads `input_*.pb` and `output_*.pb` in `folder` for `model`.
  public init(folder: String, model: Model) throws(ModelError) {
    inputs = []
    outputs = []
    let files = Set(names(inFolder: folder))
    let given = files.filter { $0.hasPrefix("input_") && $0.hasSuffix(".pb") }.count
    let required = model.requiredInputs
    let declared = given > required.count ? model.graph.inputs : required
    for (index, info) in declared.enumerated() where files.contains("input_\(index).pb") {
      inputs.append((info, try Self.value("\(folder)/input_\(index).pb", info)))
    }
    for (index, info) in model.graph.outputs.enumerated() where files.contains("output_\(index).pb") {
      outputs.append(try Self.value("\(folder)/output_\(index).pb", info))
    }
  }

  private static func value(_ path: String, _ info: ValueInfo) throws(ModelError) -> HostValue {
    try HostValue.load(path: path, type: info.type ?? .tensor(.f32, nil)).value
  }

  /// The size of each dimension that the inputs' declarations name.
  public func bindings() throws(ModelError) -> [String: Int] {
    var result: [String: Int] = [:]
    for (info, value) in inputs {
      result.merge(value.sizes(info.name)) { first, _ in first }
      guard let type = info.type, case .tensor(_, let dims?) = type, case .tensor(let tensor) = value else { continue }
      guard dims.count == tensor.dims.count else {
        throw .invalid("input '\(info.name)' is declared \(type) but the data are \(value.typeDescription)")
      }
      for (dim, size) in zip(dims, tensor.dims) {
        guard case .param(let name) = dim else { continue }
        if let other = result.updateValue(size, forKey: name), other != size {
          throw .invalid("dimension '\(name)' is \(other) and \(size) in one data set")
        }
      }
    }
    return result
  }
}
