import Support

/// Checks that every name is defined once and before its use, and orders nodes so.
///
/// - Within one graph a value is defined once, as input, initializer (possibly of an input) or output of a node.
/// - Every name used is defined in the graph or in one around it.
/// - No node needs its own result; the order of nodes becomes one in which definitions come first.
struct NameCheck {
  var opsets: [String: Int]
  var diagnostics: [Diagnostic] = []

  /// Checks a graph with nothing around it.
  mutating func checkOutermost(_ graph: inout GraphDef) {
    report(undefined: check(&graph))
  }

  /// Checks the body of a function.
  mutating func check(_ function: inout FunctionDef) {
    var graph = GraphDef(
      name: function.name, doc: "", nodes: function.nodes,
      inputs: function.inputs.map { ValueInfo(name: $0, type: nil, doc: "") },
      outputs: function.outputs.map { ValueInfo(name: $0, type: nil, doc: "") },
      valueInfos: [], initializers: [], sparseInitializers: [])
    checkOutermost(&graph)
    function.nodes = graph.nodes
  }

  private mutating func report(undefined: [String: String]) {
    for (name, location) in undefined.sorted(by: { $0.key < $1.key }) {
      diagnostics.append(Diagnostic(.invalid, "'\(name)' is used but never defined", location: location))
    }
  }

  /// Checks `graph` and returns the names that it takes from around it, each with the place of a use.
  private mutating func check(_ graph: inout GraphDef) -> [String: String] {
    var free: [String: String] = [:]
    let definitions = self.definitions(of: graph)
    var needs: [[Int]] = []
    for index in graph.nodes.indices {
      let location = graph.nodes[index].location(version: opsets[graph.nodes[index].domain])
      var uses = checkSubgraphs(of: &graph.nodes[index])
      for name in graph.nodes[index].inputs where !name.isEmpty { uses[name] = uses[name] ?? location }
      var producers: [Int] = []
      for (name, place) in uses {
        switch definitions[name] {
        case .some(let producer): if let producer { producers.append(producer) }
        case nil: free[name] = free[name] ?? place
        }
      }
      needs.append(producers.sorted())
    }
    for output in graph.outputs where definitions[output.name] == nil && !output.name.isEmpty {
      free[output.name] = free[output.name] ?? "graph output"
    }
    order(&graph, needs)
    return free
  }

  private mutating func checkSubgraphs(of node: inout NodeDef) -> [String: String] {
    var uses: [String: String] = [:]
    for key in node.attributes.keys.sorted() {
      switch node.attributes[key] {
      case .graph(var graph):
        uses.merge(check(&graph)) { old, _ in old }
        node.attributes[key] = .graph(graph)
      case .graphs(var graphs):
        for index in graphs.indices { uses.merge(check(&graphs[index])) { old, _ in old } }
        node.attributes[key] = .graphs(graphs)
      case .float, .int, .string, .tensor, .sparse, .type, .floats, .ints, .strings, .tensors, .sparses, .types,
        .reference, nil:
        continue
      }
    }
    return uses
  }

  /// The node that defines each name; `nil` for inputs and initializers.
  private mutating func definitions(of graph: GraphDef) -> [String: Int?] {
    var result: [String: Int?] = [:]
    for input in graph.inputs where result.updateValue(nil, forKey: input.name) != nil {
      diagnostics.append(Diagnostic(.invalid, "graph input '\(input.name)' is defined twice"))
    }
    var initialized: Set<String> = []
    for name in graph.initializers.map(\.name) + graph.sparseInitializers.map(\.values.name) {
      if name.isEmpty {
        diagnostics.append(Diagnostic(.invalid, "an initializer has no name"))
      } else if !initialized.insert(name).inserted {
        diagnostics.append(Diagnostic(.invalid, "initializer '\(name)' is defined twice"))
      }
      result.updateValue(nil, forKey: name)
    }
    for (index, node) in graph.nodes.enumerated() {
      for name in node.outputs where !name.isEmpty {
        guard result[name] != nil else {
          result.updateValue(index, forKey: name)
          continue
        }
        let location = node.location(version: opsets[node.domain])
        diagnostics.append(Diagnostic(.invalid, "'\(name)' is defined twice", location: location))
      }
    }
    return result
  }

  /// Puts nodes behind those that they need, otherwise in file order.
  private mutating func order(_ graph: inout GraphDef, _ needs: [[Int]]) {
    if needs.indices.allSatisfy({ node in needs[node].allSatisfy { $0 < node } }) { return }
    enum Mark { case unseen, open, done }
    var marks = [Mark](repeating: .unseen, count: needs.count)
    var order: [Int] = []
    for root in needs.indices where marks[root] == .unseen {
      var path = [(node: root, next: 0)]
      marks[root] = .open
      while let (node, next) = path.last {
        guard next < needs[node].count else {
          marks[node] = .done
          order.append(node)
          path.removeLast()
          continue
        }
        path[path.count - 1].next += 1
        let needed = needs[node][next]
        switch marks[needed] {
        case .done: continue
        case .unseen:
          marks[needed] = .open
          path.append((needed, 0))
        case .open:
          diagnostics.append(cycle(path.map(\.node), from: needed, graph))
          return
        }
      }
    }
    graph.nodes = order.map { graph.nodes[$0] }
  }

  private func cycle(_ path: [Int], from start: Int, _ graph: GraphDef) -> Diagnostic {
    let members = path.drop { $0 != start }.map { graph.nodes[$0] }
    let names = members.prefix(8).map { $0.location(version: opsets[$0.domain]) }
    let rest = members.count > names.count ? " and \(members.count - names.count) more" : ""
    return Diagnostic(.invalid, "nodes need each other's results: " + names.joined(separator: ", ") + rest)
  }
}
