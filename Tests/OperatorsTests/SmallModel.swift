import Support

@testable import ONNXReader
@testable import Operators

/// A node named `n` whose arguments are inputs of given types.
struct SmallModel {
  var type: String
  var domain = ""
  var inputs: [(ElementType, [Int])]
  var attributes: [String: AttributeValue] = [:]
  /// The operator set.
  var version = 21

  /// The arguments' names.
  private var names: [String] { inputs.indices.map { "x\($0)" } }

  func node(named name: String = "n") -> NodeDef {
    NodeDef(
      name: name, opType: type, domain: domain, overload: "", inputs: names, outputs: [name + "_y"],
      attributes: attributes)
  }

  /// The diagnostics of an import of these nodes over this model's inputs.
  func diagnostics(_ nodes: [NodeDef]) -> [Diagnostic] {
    let values = zip(names, inputs).map { name, input in
      ValueInfo(name: name, type: .tensor(input.0, input.1.map { .value($0) }))
    }
    let graph = GraphDef(
      name: "g", doc: "", nodes: nodes, inputs: values,
      outputs: nodes.map { ValueInfo(name: $0.outputs[0], type: nil) }, valueInfos: [], initializers: [],
      sparseInitializers: [])
    let model = Model(
      irVersion: 10, opsets: ["": version, "ai.onnx.ml": 3, "com.microsoft": 1], producerName: "", producerVersion: "",
      domain: "", version: 1, doc: "", metadata: [], graph: graph, functions: [])
    do {
      _ = try importModel(model)
      return []
    } catch {
      return error.diagnostics
    }
  }
}

extension AttributeValue {
  static func text(_ text: String) -> AttributeValue { .string(Array(text.utf8)) }
  static func texts(_ texts: [String]) -> AttributeValue { .strings(texts.map { Array($0.utf8) }) }
}
