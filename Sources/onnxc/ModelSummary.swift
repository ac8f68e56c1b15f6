import ONNXReader
import Support

/// What `inspect` tells of a model.
struct ModelSummary {
  private let model: Model
  /// Uses of each operator in all graphs and functions.
  private var operators: [String: Int] = [:]
  private var nodes = 0
  private var parameters = 0
  private var parameterBytes = 0

  init(_ model: Model) {
    self.model = model
    count(model.graph)
    for function in model.functions { count(function.nodes) }
  }

  private mutating func count(_ graph: GraphDef) {
    for tensor in graph.initializers + graph.sparseInitializers.map(\.values) {
      parameters += tensor.count
      parameterBytes += tensor.element == .string
        ? tensor.strings.reduce(0) { $0 + $1.count } : (tensor.count * tensor.element.bits + 7) / 8
    }
    count(graph.nodes)
  }

  private mutating func count(_ list: [NodeDef]) {
    nodes += list.count
    for node in list {
      operators[node.domain.isEmpty ? node.opType : "\(node.domain).\(node.opType)", default: 0] += 1
      for value in node.attributes.values {
        switch value {
        case .graph(let graph): count(graph)
        case .graphs(let graphs): for graph in graphs { count(graph) }
        case .float, .int, .string, .tensor, .sparse, .type, .floats, .ints, .strings, .tensors, .sparses, .types,
          .reference:
          continue
        }
      }
    }
  }

  private var sortedOperators: [(name: String, count: Int)] {
    operators.map { (name: $0.key, count: $0.value) }.sorted { ($1.count, $0.name) < ($0.count, $1.name) }
  }

  private var sortedOpsets: [(domain: String, version: Int)] {
    model.opsets.sorted { $0.key < $1.key }.map { (domain: $0.key.isEmpty ? "ai.onnx" : $0.key, version: $0.value) }
  }

  /// Lines for people.
  var text: String {
    var lines: [String] = []
    func section(_ title: String, _ values: [ValueInfo]) {
      lines.append(title)
      for value in values { lines.append("  \(value.name): \(value.type.map(\.description) ?? "?")") }
    }
    if !model.graph.name.isEmpty { lines.append("graph       \(model.graph.name)") }
    lines.append("producer    \(model.producerName) \(model.producerVersion)")
    lines.append("IR version  \(model.irVersion)")
    lines.append("opsets      " + sortedOpsets.map { "\($0.domain) \($0.version)" }.joined(separator: ", "))
    lines.append("parameters  \(parameters) in \(parameterBytes) bytes")
    lines.append("nodes       \(nodes)")
    if !model.doc.isEmpty { lines.append("doc         \(model.doc)") }
    section("inputs", model.requiredInputs)
    section("outputs", model.graph.outputs)
    if !model.metadata.isEmpty { lines.append("metadata") }
    for entry in model.metadata { lines.append("  \(entry.key): \(entry.value)") }
    lines.append("operators")
    for (name, count) in sortedOperators { lines.append("  \(count) \(name)") }
    return lines.joined(separator: "\n")
  }

  /// The same for machines.
  var json: JSON {
    func values(_ list: [ValueInfo]) -> JSON {
      .array(
        list.map { value in
          .object([
            "name": .string(value.name), "type": value.type.map { .string($0.description) } ?? .null,
            "doc": .string(value.doc),
          ])
        })
    }
    return .object([
      "graph": .string(model.graph.name), "doc": .string(model.doc),
      "producer": .string(model.producerName), "producer_version": .string(model.producerVersion),
      "ir_version": .int(model.irVersion),
      "opsets": .object(sortedOpsets.map { JSONMember(key: $0.domain, value: .int($0.version)) }),
      "parameters": .int(parameters), "parameter_bytes": .int(parameterBytes), "nodes": .int(nodes),
      "inputs": values(model.requiredInputs), "outputs": values(model.graph.outputs),
      "metadata": .object(model.metadata.map { JSONMember(key: $0.key, value: .string($0.value)) }),
      "operators": .object(sortedOperators.map { JSONMember(key: $0.name, value: .int($0.count)) }),
    ])
  }
}
