import Support
import TensorIR
import Testing
import Verify

@testable import ONNXReader

/// A tensor of numbers, or of strings, in a case.
struct Numbers: Sendable {
  var element: ElementType
  var dims: [Int]
  var values: [Double] = []
  var strings: [String] = []

  init(_ element: ElementType, _ dims: [Int], _ values: [Double]) {
    self.element = element
    self.dims = dims
    self.values = values
  }

  init(_ dims: [Int], _ strings: [String]) {
    element = .string
    self.dims = dims
    self.strings = strings
  }

  var tensor: TensorData {
    if element == .string { return TensorData(dims: dims, strings: strings.map { Array($0.utf8) }) }
    let constant =
      element.isFloat
      ? ConstantTensor(element, dims: dims, doubles: values)
      : ConstantTensor(element, dims: dims, integers: values.map { Int($0) })
    return TensorData(element: element, dims: dims, bytes: constant.bytes)
  }
}

/// A node with arguments, and the results that another implementation computed for it.
struct ResultCase: Sendable, CustomTestStringConvertible {
  var type: String
  var domain: String
  var version: Int
  /// Nil where an argument is left out.
  var inputs: [Numbers?]
  /// Positions of arguments that the model holds as constants.
  var constants: Set<Int>
  var attributes: [String: AttributeValue]
  var outputs: [Numbers]
  var tolerance: Tolerance

  init(
    _ type: String, domain: String = "", version: Int, _ inputs: [Numbers?], constants: Set<Int> = [],
    _ attributes: [String: AttributeValue] = [:], _ outputs: [Numbers], tolerance: Tolerance = Tolerance()
  ) {
    self.type = type
    self.domain = domain
    self.version = version
    self.inputs = inputs
    self.constants = constants
    self.attributes = attributes
    self.outputs = outputs
    self.tolerance = tolerance
  }

  var testDescription: String { "\(type)-\(version) \(attributes.keys.sorted().joined(separator: " "))" }

  /// The model of the one node.
  var model: Model {
    var values: [ValueInfo] = []
    var initializers: [TensorData] = []
    for (position, input) in inputs.enumerated() {
      guard var tensor = input?.tensor else { continue }
      tensor.name = "x\(position)"
      if constants.contains(position) { initializers.append(tensor) }
      values.append(ValueInfo(name: tensor.name, type: HostValue.tensor(tensor).type))
    }
    let node = NodeDef(
      name: "n", opType: type, domain: domain, overload: "",
      inputs: inputs.enumerated().map { $1 == nil ? "" : "x\($0)" }, outputs: outputs.indices.map { "y\($0)" },
      attributes: attributes)
    let graph = GraphDef(
      name: "g", doc: "", nodes: [node], inputs: values,
      outputs: outputs.indices.map { ValueInfo(name: "y\($0)", type: nil) }, valueInfos: [], initializers: initializers,
      sparseInitializers: [])
    return Model(
      irVersion: 10, opsets: domain.isEmpty ? ["": version] : ["": 21, domain: version], producerName: "",
      producerVersion: "", domain: "", version: 1, doc: "", metadata: [], graph: graph, functions: [])
  }
}
