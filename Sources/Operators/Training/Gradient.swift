import Support
import TensorIR

/// Derivatives of a named tensor with respect to others, at the values of the arguments.
struct Gradient: Operator {
  let name = OperatorName("Gradient", domain: "ai.onnx.preview.training", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    guard let xs = try node.strings("xs"), !xs.isEmpty, let target = try node.string("y") else {
      throw .invalid("attribute 'xs' or 'y' is missing")
    }
    let names = try xs + (node.strings("zs") ?? [])
    guard node.arguments.count == names.count else {
      throw .invalid("there are \(node.arguments.count) arguments for \(names.count) tensors")
    }
    var replacements: [ValueID: ValueID] = [:]
    for (position, name) in names.enumerated() {
      let value = try named(name, node)
      let argument = try node.input(position)
      guard b.type(of: value) == b.type(of: argument) else {
        throw .unsupported("'\(name)' has type \(b.type(of: value)), but its argument \(b.type(of: argument))")
      }
      if position < xs.count {
        try b.requireFloat(argument, "'\(name)'")
        // What constants determine is computed while the graph is built and does not depend on them any more.
        guard b.constantValue(value) == nil else {
          throw .unsupported("'\(name)' is a constant", hint: "make it an input of the model")
        }
      }
      replacements[value] = argument
    }
    let y = try b.substituted(try named(target, node), replacements)
    try b.requireFloat(y, "'\(target)'")
    return try b.gradients(of: y, by: Array(node.arguments.prefix(xs.count)).compactMap { $0 })
  }

  private func named(_ name: String, _ node: OperatorNode) throws(ModelError) -> ValueID {
    if case .value(let value) = node.scope.lookup(name) { return try value.tensor("'\(name)'") }
    throw .unsupported("tensor '\(name)' is not computed before", hint: "put the node behind those that compute it")
  }
}

extension GraphBuilder {
  /// A value computed again with others in place of some that it depends on.
  fileprivate mutating func substituted(_ y: ValueID, _ replacements: [ValueID: ValueID]) throws(ModelError)
    -> ValueID
  {
    if replacements.allSatisfy({ $0 == $1 }) { return y }
    var needed: Set<ValueID> = [y]
    for node in graph.nodes.reversed() where node.results.contains(where: { needed.contains($0) }) {
      needed.formUnion(node.operands)
    }
    var copies = replacements
    for node in graph.nodes where node.results.contains(where: { needed.contains($0) && replacements[$0] == nil }) {
      guard node.operands.contains(where: { copies[$0] ?? $0 != $0 }) else { continue }
      let results = add(node.primitive, node.operands.map { copies[$0] ?? $0 })
      for (old, new) in zip(node.results, results) where replacements[old] == nil { copies[old] = new }
    }
    return copies[y] ?? y
  }

  /// The derivatives of the sum of `y` with respect to values that do not depend on each other, by going back from `y`.
  mutating func gradients(of y: ValueID, by xs: [ValueID]) throws(ModelError) -> [ValueID] {
    let nodes = graph.nodes
    var depends = Set(xs)
    for node in nodes where node.operands.contains(where: { depends.contains($0) }) {
      depends.formUnion(node.results.filter { type(of: $0).element.isFloat })
    }
    var adjoints = [y: try broadcast(scalar(1, type(of: y).element), to: shape(of: y))]
    for node in nodes.reversed() {
      // Derivatives with respect to `xs` go no further: they are independent.
      let seeds = node.results.map { xs.contains($0) ? nil : adjoints[$0] }
      let wanted = node.operands.indices.filter { depends.contains(node.operands[$0]) }
      guard !wanted.isEmpty, seeds.contains(where: { $0 != nil }) else { continue }
      for (operand, adjoint) in try pullBack(node, seeds, wanted: Set(wanted)) {
        let value = node.operands[operand]
        adjoints[value] = try sum(adjoints[value], adjoint)
      }
    }
    var results: [ValueID] = []
    for x in xs {
      if let adjoint = adjoints[x] {
        results.append(adjoint)
      } else {
        results.append(try broadcast(scalar(0, type(of: x).element), to: shape(of: x)))
      }
    }
    return results
  }

  /// The sum of values of one shape, of which there may be only one.
  mutating func sum(_ first: ValueID?, _ second: ValueID) throws(ModelError) -> ValueID {
    guard let first else { return second }
    return try elementwise([first, second]) { $0.plus($1[0], $1[1]) }
  }
}
