import ArgumentParser
import Driver
import ONNXReader
import Schedule
import Support

/// `onnxc inspect model.onnx`
struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect", abstract: "Print a model's interface, operators and size.")

  @Argument(help: "The model, or '-' for standard input.")
  var model: String

  @Flag(help: "Print what the compiled model needs of memory.")
  var memory = false

  @OptionGroup var flags: TargetFlags

  func run() throws {
    if memory {
      let options = try flags.options()
      let report = try reporting(model) { try Pipeline.memory(path: model, options: options) }
      print(flags.json ? report.json.description : report.text)
    } else {
      let summary = ModelSummary(try reporting(model) { try Model.load(path: model) })
      print(flags.json ? summary.json.description : summary.text)
    }
  }
}

extension MemoryReport {
  private var rows: [(key: String, label: String, bytes: Int)] {
    [
      ("arena", "arena", arena), ("lower_bound", "lower bound of the arena", lowerBound),
      ("constants", "constants", constants), ("inputs", "inputs", inputs), ("outputs", "outputs", outputs),
    ]
  }

  /// The arena over its lower bound; 1 where there is nothing to place.
  var ratio: Double { lowerBound == 0 ? 1 : Double(arena) / Double(lowerBound) }

  var text: String {
    let lines = rows.map { row in
      let number = String(row.bytes)
      return row.label.padded(to: 26) + String(repeating: " ", count: max(0, 14 - number.count)) + number + " bytes"
    }
    let last = ["arena / lower bound".padded(to: 26) + "          \(fixed(ratio, decimals: 2))"]
    let names = processors.isEmpty ? [] : ["processors".padded(to: 26) + " " + processors.joined(separator: ", ")]
    return (lines + last + names).joined(separator: "\n")
  }

  var json: JSON {
    var members = rows.map { JSONMember(key: $0.key, value: .int($0.bytes)) }
    members.append(JSONMember(key: "ratio", value: .number(ratio)))
    if !processors.isEmpty {
      members.append(JSONMember(key: "processors", value: .array(processors.map { .string($0) })))
    }
    return .object(members)
  }
}

extension String {
  fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
