import Support

extension Graph: CustomStringConvertible {
  /// One line per node: results, primitive with its operands and parameters, result types.
  ///
  /// `Graph(parsing:)` reads it back. Names and origins are left out; constants that are large or not numbers appear as `#k`, which
  /// is `referencedConstants[k]`.
  public var description: String {
    var references = 0
    return lines(&references).joined(separator: "\n")
  }

  /// The constants that the text refers to by number.
  public var referencedConstants: [ConstantTensor] {
    nodes.flatMap { node -> [ConstantTensor] in
      switch node.primitive {
      case .constant(let constant): constant.elementsText == nil ? [constant] : []
      case .scan, .branch: node.primitive.bodies.flatMap(\.referencedConstants)
      case .map, .reduce, .contract, .reshape, .scatter, .sort, .compact, .external, .measure, .assume: []
      }
    }
  }

  fileprivate func lines(_ references: inout Int) -> [String] {
    var lines = inputs.map { "%\($0.index) = input \(type(of: $0))" }
    for node in nodes {
      let types = node.results.map { "\(type(of: $0))" }.joined(separator: ", ")
      let text = node.primitive.text(operands: "(\(names(node.operands)))", &references)
      lines.append(node.results.isEmpty ? text : "\(names(node.results)) = \(text) : \(types)")
    }
    lines.append("return \(names(outputs))")
    return lines
  }

  /// The lines as the body of a node.
  fileprivate func indented(_ references: inout Int) -> String {
    lines(&references).flatMap { $0.split(separator: "\n") }.map { "  \($0)\n" }.joined()
  }

  private func names(_ values: [ValueID]) -> String { values.map { "%\($0.index)" }.joined(separator: ", ") }
}

extension Primitive {
  fileprivate func text(operands: String, _ references: inout Int) -> String {
    switch self {
    case .constant(let constant):
      if let elements = constant.elementsText { return "constant \(elements)" }
      references += 1
      return "constant #\(references - 1)"
    case .map(let map): return "map\(operands) { \(map.body) }"
    case .reduce(let reduce):
      return "reduce\(operands) \(reduce.combiner.rawValue) [\(reduce.reduced.list)] { \(reduce.body) }"
        + " then { \(reduce.epilogue) }"
    case .contract(let contract):
      return "contract\(operands) \(contract.accumulator.rawValue) [\(contract.reduced.list)]"
        + " lhs [\(contract.lhs.list)] rhs [\(contract.rhs.list)] then { \(contract.epilogue) }"
    case .reshape: return "reshape\(operands)"
    case .scan(let scan):
      let body = scan.body.indented(&references)
      return "scan\(operands) length \(scan.length)\(scan.stopsEarly ? " stops" : "") carried \(scan.carried) scanned \(scan.scanned)"
        + " reversed [\(scan.reversedInputs.list)] [\(scan.reversedOutputs.list)] {\n\(body)}"
    case .branch(let branch):
      let extents = branch.extents.map { "\($0.symbol.quotedIfNeeded) = \($0.then) or \($0.otherwise)" }
      return "branch\(operands) [\(extents.list)] {\n\(branch.then.indented(&references))} else {\n"
        + "\(branch.otherwise.indented(&references))}"
    case .scatter(let scatter):
      return "scatter\(operands) \(scatter.combiner.rawValue) [\(scatter.updates.list)] { \(scatter.target) }"
    case .sort(let sort):
      return "sort\(operands) axis \(sort.axis) \(sort.descending ? "descending" : "ascending") limit \(sort.limit)"
    case .compact(let compact): return "compact\(operands) [\(compact.shape.list)] { \(compact.condition) }"
    case .external(let external): return "external\(operands) \(external.function) [\(external.arguments.list)]"
    case .measure(let symbols): return "measure\(operands) \(symbols.map(\.quotedIfNeeded).list)"
    case .assume(let assumption):
      let status = assumption.status == .badDimension ? "" : " else \(assumption.status.rawValue)"
      return "\(assumption.isRequired ? "require" : "assume") \(assumption.facts.list)\(status)"
    }
  }
}

extension Array where Element: CustomStringConvertible {
  fileprivate var list: String { map(\.description).joined(separator: ", ") }
}

extension ConstantTensor {
  /// The elements in angle brackets if there are few and the text says all of them; a NaN with a payload is more than text.
  fileprivate var elementsText: String? {
    let element = type.element
    guard count <= 8, Evaluator.isEvaluated(element) else { return nil }
    let texts: [String]
    let again: ConstantTensor
    if element.isFloat {
      texts = doubles.map { element == .f32 ? "\(Float($0))" : "\($0)" }
      again = ConstantTensor(element, dims: dims, doubles: texts.map { Double($0) ?? .nan })
    } else {
      texts = integers.map { "\($0)" }
      again = ConstantTensor(element, dims: dims, integers: integers)
    }
    return again == self ? "<\(texts.joined(separator: ", "))>" : nil
  }
}

extension ExternalArgument: CustomStringConvertible {
  public var description: String {
    switch self {
    case .operand(let position): "operand \(position)"
    case .result(let position): "result \(position)"
    case .absent: "absent"
    case .integer(let value): "integer \(value)"
    case .float(let value): "float \(value)"
    }
  }
}

extension DimFact: CustomStringConvertible {
  public var description: String { "\(left) \(relation.rawValue) \(right)" }
}

extension AffineIndex: CustomStringConvertible {
  public var description: String {
    var parts = coefficients.sorted { $0.key < $1.key }.map { $0.value == 1 ? "d\($0.key)" : "\($0.value)*d\($0.key)" }
    if offset != 0 || parts.isEmpty { parts.append("\(offset)") }
    return parts.joined(separator: " + ")
  }
}

extension ScalarGraph: CustomStringConvertible {
  /// Assignments of what the results depend on, numbered in order, then the results.
  public var description: String {
    let printed = reachable.filter { !isLeaf(self[$0]) }
    var names: [ScalarID: String] = [:]
    for (number, id) in printed.enumerated() { names[id] = "s\(number)" }
    func name(_ id: ScalarID) -> String { names[id] ?? text(id, name) }
    let lines = printed.enumerated().map { "s\($0) = \(text($1, name))" }
    return (lines + ["yield \(results.map(name).joined(separator: ", "))"]).joined(separator: "; ")
  }

  private func isLeaf(_ node: ScalarNode) -> Bool {
    switch node {
    case .literal, .dim, .axis, .accumulator: true
    case .read, .unary, .binary, .compare, .select, .multiplyAdd, .cast, .bitcast: false
    }
  }

  private func text(_ id: ScalarID, _ name: (ScalarID) -> String) -> String {
    switch self[id] {
    case .literal(let literal, let type): "\(type.rawValue) \(literal)"
    case .dim(let dim): "dim(\(dim))"
    case .axis(let axis): "d\(axis)"
    case .accumulator(let position, _): "acc\(position)"
    case .read(let operand, let indices, let outside):
      "read \(operand)[\(indices.map(name).joined(separator: ", "))]" + (outside.map { " else \(name($0))" } ?? "")
    case .unary(let op, let a): "\(op.rawValue) \(name(a))"
    case .binary(let op, let a, let b): "\(op.rawValue) \(name(a)), \(name(b))"
    case .compare(let op, let a, let b): "\(op.rawValue) \(name(a)), \(name(b))"
    case .select(let c, let a, let b): "select \(name(c)), \(name(a)), \(name(b))"
    case .multiplyAdd(let a, let b, let c): "multiplyAdd \(name(a)), \(name(b)), \(name(c))"
    case .cast(let type, let a): "cast \(type.rawValue) \(name(a))"
    case .bitcast(let type, let a): "bitcast \(type.rawValue) \(name(a))"
    }
  }
}

extension Literal: CustomStringConvertible {
  /// A NaN other than the usual one appears by its bits.
  public var description: String {
    switch self {
    case .integer(let value): "\(value)"
    case .floatBits(let bits):
      Double(bitPattern: bits).isNaN && bits != Double.nan.bitPattern
        ? "bits \(Int(bitPattern: UInt(bits)))" : "\(Double(bitPattern: bits))"
    }
  }
}
