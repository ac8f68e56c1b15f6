import Support

/// Checks that functions do not call themselves and that the nodes they stand for can be counted.
struct FunctionCheck {
  /// The most nodes that a model may have once its functions are expanded.
  static let maximumNodes = 4_000_000

  private struct Key: Hashable {
    var domain: String
    var name: String
    var overload: String
  }

  private var bodies: [Key: [NodeDef]] = [:]
  private var sizes: [Key: Int] = [:]
  private var open: Set<Key> = []

  /// Throws when a function is defined twice, needs itself or grows too large.
  static func check(_ model: Model) throws(ModelError) {
    guard !model.functions.isEmpty else { return }
    var check = FunctionCheck()
    for function in model.functions {
      let key = Key(domain: function.domain, name: function.name, overload: function.overload)
      guard check.bodies.updateValue(function.nodes, forKey: key) == nil else {
        throw .invalid("function '\(function.domain).\(function.name)' is defined twice")
      }
    }
    _ = try check.size(of: model.graph.nodes, depth: 0)
    for function in model.functions { _ = try check.size(of: function.nodes, depth: 0) }
  }

  private mutating func size(of nodes: [NodeDef], depth: Int) throws(ModelError) -> Int {
    guard depth <= WireCheck.maximumGraphs else { throw .invalid("functions call each other too deeply") }
    var total = 0
    for node in nodes {
      total += try 1 + size(ofFunction: node, depth: depth)
      for value in node.attributes.values {
        switch value {
        case .graph(let graph): total += try size(of: graph.nodes, depth: depth + 1)
        case .graphs(let graphs): for graph in graphs { total += try size(of: graph.nodes, depth: depth + 1) }
        case .float, .int, .string, .tensor, .sparse, .type, .floats, .ints, .strings, .tensors, .sparses, .types,
          .reference:
          continue
        }
      }
      guard total <= Self.maximumNodes else {
        throw .unsupported("functions expand to more than \(Self.maximumNodes) nodes")
      }
    }
    return total
  }

  private mutating func size(ofFunction node: NodeDef, depth: Int) throws(ModelError) -> Int {
    let key = Key(domain: node.domain, name: node.opType, overload: node.overload)
    guard let body = bodies[key] else { return 0 }
    if let size = sizes[key] { return size }
    guard open.insert(key).inserted else { throw .invalid("function '\(key.domain).\(key.name)' calls itself") }
    let size = try size(of: body, depth: depth + 1)
    open.remove(key)
    sizes[key] = size
    return size
  }
}
