import ONNXReader
import Support
import TensorIR

/// The values that names stand for in a graph and the graphs around it, and what is needed to import a body graph.
public struct Scope {
  /// Values by name; nil for a value whose node could not be imported.
  var values: [String: ImportedValue?] = [:]
  /// Operator set versions by domain.
  var opsets: [String: Int]
  /// Model-local functions by domain and name.
  var functions: [String: FunctionDef]
  /// Operators that functions of the user compute.
  var custom = CustomOperators()
  /// Body graphs and functions around the current node.
  var depth = 0
  /// Choices around the current node whose sides go on to the end of their graph.
  var continuedChoices = 0

  /// Where to find a value.
  enum Lookup {
    case value(ImportedValue)
    /// Its node failed, which was reported already.
    case failed
    case undefined
  }

  func lookup(_ name: String) -> Lookup {
    guard let entry = values[name] else { return .undefined }
    return entry.map { .value($0) } ?? .failed
  }
}
