import ONNXReader
import Support
import TensorIR

extension OperatorNode {
  /// Adds a body graph's computation with the given values as its inputs, and returns its outputs.
  func inline(_ body: GraphDef, _ inputs: [ValueID], in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    try tensors(try inline(body, values: inputs.map { .tensor($0) }, in: &b))
  }

  /// Like `inline`, for values of all kinds.
  func inline(_ body: GraphDef, values: [ImportedValue], in b: inout GraphBuilder) throws(ModelError) -> [ImportedValue] {
    try importBody(body, values, scope, in: &b)
  }

  private func tensors(_ values: [ImportedValue]) throws(ModelError) -> [ValueID] {
    var tensors: [ValueID] = []
    for value in values { tensors.append(try value.tensor("a result of the body graph")) }
    return tensors
  }

  /// Adds a body graph's computation to a builder of its own, and returns its outputs.
  ///
  /// Constants and known integers of the graphs around it are copied; other values become inputs, as `captured` lists.
  func importApart(
    _ body: GraphDef, _ inputs: [ValueID], outer b: GraphBuilder, captured: inout [ValueID],
    in inner: inout GraphBuilder
  ) throws(ModelError) -> [ValueID] {
    try tensors(
      try importApart(body, values: inputs.map { .tensor($0) }, outer: b, captured: &captured, in: &inner))
  }

  /// Like `importApart`, for values of all kinds.
  func importApart(
    _ body: GraphDef, values: [ImportedValue], outer b: GraphBuilder, captured: inout [ValueID],
    in inner: inout GraphBuilder
  ) throws(ModelError) -> [ImportedValue] {
    try importBody(body, values, scope(outer: b, body.freeNames, &captured, &inner), in: &inner)
  }

  /// The node as it would be in a builder of its own, with copies of what a body graph takes from around it.
  func inside(
    _ inner: inout GraphBuilder, outer b: GraphBuilder, captured: inout [ValueID], for body: GraphDef
  ) -> OperatorNode {
    OperatorNode(
      definition: definition, version: version, values: values,
      scope: scope(outer: b, body.freeNames, &captured, &inner))
  }

  private func scope(
    outer b: GraphBuilder, _ names: Set<String>, _ captured: inout [ValueID], _ inner: inout GraphBuilder
  ) -> Scope {
    var inside = scope
    inside.values = [:]
    for name in names.sorted() {
      switch scope.lookup(name) {
      case .undefined: continue
      case .failed: inside.values[name] = .some(nil)
      case .value(let value): inside.values[name] = inner.captured(value, from: b, &captured)
      }
    }
    return inside
  }

  private func importBody(
    _ body: GraphDef, _ inputs: [ImportedValue], _ scope: Scope, in b: inout GraphBuilder
  ) throws(ModelError) -> [ImportedValue] {
    guard body.inputs.count == inputs.count else {
      throw .invalid("the body graph has \(body.inputs.count) inputs, not \(inputs.count)")
    }
    var inside = scope
    inside.depth += 1
    guard inside.depth < 64 else { throw .invalid("body graphs and functions nest too deeply") }
    for (input, value) in zip(body.inputs, inputs) { inside.values[input.name] = value }
    var importer = Importer()
    let origin = b.origin
    let outputs = importer.graph(body, scope: &inside, in: &b)
    b.origin = origin
    let values = outputs.compactMap { $0 }
    guard importer.diagnostics.isEmpty, values.count == outputs.count else { throw ModelError(importer.diagnostics) }
    return values
  }
}

extension GraphBuilder {
  /// A copy of a value of any kind of the builder around this one.
  mutating func captured(_ value: ImportedValue, from outer: GraphBuilder, _ captured: inout [ValueID]) -> ImportedValue {
    var copies = value.values.map { self.captured($0, from: outer, &captured) }[...]
    return value.replacing(&copies)
  }

  /// A value of the builder around this one: a copy of what is known of it, else an input, one for all its names.
  fileprivate mutating func captured(_ value: ValueID, from outer: GraphBuilder, _ captured: inout [ValueID]) -> ValueID {
    if let constant = outer.constantValue(value) { return self.constant(constant) }
    if let known = outer.knownIntegers(value), outer.type(of: value).element == .i64, !known.isEmpty {
      return reshape(integers(known), outer.shape(of: value))
    }
    // Inputs for captured values are the last ones.
    if let index = captured.firstIndex(of: value) { return graph.inputs[graph.inputs.count - captured.count + index] }
    captured.append(value)
    return input(outer.type(of: value))
  }
}

extension GraphBuilder {
  /// A result of a body under the shape that it must have, where extents that differ may be equal; a turn in which they
  /// are not fails.
  mutating func settled(_ value: ValueID, _ wanted: [Dim]?, where mayBeEqual: (Dim, Dim) -> Bool) -> ValueID {
    let shape = self.shape(of: value)
    guard let wanted, shape != wanted, shape.count == wanted.count,
      zip(shape, wanted).allSatisfy({ $0 == $1 || mayBeEqual($0, $1) })
    else { return value }
    assume(zip(shape, wanted).map { DimFact($0, .equal, $1) }, isRequired: true)
    return reshape(value, wanted)
  }

  /// Checks that slices of stacked results have extents that are known around the body that this builder makes.
  func requireStackable(_ slices: some Sequence<ValueID>) throws(ModelError) {
    let own = graph.measuredSymbols
    for value in slices where shape(of: value).contains(where: { !$0.symbols.isDisjoint(with: own) }) {
      throw .unsupported(
        "a stacked result has slices of type \(type(of: value)), whose size only a turn knows",
        hint: "give its slices one shape")
    }
  }
}

extension GraphDef {
  /// The names that the graph takes from the graphs around it.
  var freeNames: Set<String> {
    var defined = Set(inputs.map(\.name))
    for initializer in initializers { defined.insert(initializer.name) }
    for sparse in sparseInitializers { defined.insert(sparse.values.name) }
    var free: Set<String> = []
    for node in nodes {
      free.formUnion(node.inputs.filter { !$0.isEmpty && !defined.contains($0) })
      for attribute in node.attributes.values {
        switch attribute {
        case .graph(let body): free.formUnion(body.freeNames.subtracting(defined))
        case .graphs(let bodies): for body in bodies { free.formUnion(body.freeNames.subtracting(defined)) }
        case .float, .int, .string, .tensor, .sparse, .type, .floats, .ints, .strings, .tensors, .sparses, .types,
          .reference:
          continue
        }
      }
      defined.formUnion(node.outputs)
    }
    return free.union(outputs.map(\.name).filter { !defined.contains($0) })
  }
}
