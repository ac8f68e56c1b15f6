import Support

extension Graph: CustomStringConvertible {
  /// One line per node: results, primitive with its parameters, operands, result types.
  public var description: String {
    var lines: [String] = []
    for input in inputs { lines.append("%\(input.index) = input \(type(of: input))") }
    for node in nodes { lines.append(line(node)) }
    lines.append("return \(names(outputs))")
    return lines.joined(separator: "\n")
  }

  private func names(_ values: [ValueID]) -> String { values.map { "%\($0.index)" }.joined(separator: ", ") }

  private func line(_ node: Node) -> String {
    let types = node.results.map { "\(type(of: $0))" }.joined(separator: ", ")
    return "\(names(node.results)) = \(node.primitive.text)(\(names(node.operands))) : \(types)"
  }
}

extension Primitive {
  var text: String {
    switch self {
    case .constant(let constant): "constant \(constant.summary) "
    case .map(let map): "map { \(map.body) } "
    case .reduce(let reduce):
      "reduce \(reduce.combiner.rawValue) [\(reduce.reduced.list)] { \(reduce.body) } then { \(reduce.epilogue) } "
    case .contract(let contract):
      "contract \(contract.accumulator.rawValue) [\(contract.reduced.list)] lhs [\(contract.lhs.list)] rhs [\(contract.rhs.list)]"
        + " then { \(contract.epilogue) } "
    case .reshape: "reshape "
    case .scan(let scan):
      "scan \(scan.length) carried \(scan.carried) scanned \(scan.scanned) reversed \(scan.reversedInputs) \(scan.reversedOutputs)"
        + " {\n\(scan.body)\n} "
    case .scatter(let scatter): "scatter \(scatter.combiner.rawValue) [\(scatter.updates.list)] { \(scatter.target) } "
    case .sort(let sort): "sort axis \(sort.axis) \(sort.descending ? "descending" : "ascending") limit \(sort.limit) "
    }
  }
}

extension Array where Element: CustomStringConvertible {
  fileprivate var list: String { map(\.description).joined(separator: ", ") }
}

extension ConstantTensor {
  /// The elements if there are few, else how many there are.
  var summary: String {
    guard count <= 8, type.element != .string, Evaluator.isEvaluated(type.element) else { return "<\(count) elements>" }
    let elements = type.element.isFloat ? doubles.map { "\($0)" } : integers.map { "\($0)" }
    return "<\(elements.joined(separator: ", "))>"
  }
}

extension AffineIndex: CustomStringConvertible {
  public var description: String {
    var parts = coefficients.sorted { $0.key < $1.key }.map { $0.value == 1 ? "d\($0.key)" : "\($0.value)*d\($0.key)" }
    if offset != 0 || parts.isEmpty { parts.append("\(offset)") }
    return parts.joined(separator: " + ")
  }
}

extension ScalarGraph: CustomStringConvertible {
  /// Assignments of shared nodes, then the results.
  public var description: String {
    let printed = reachable.filter { !isLeaf(self[$0]) }
    let lines = printed.map { "s\($0.index) = \(text($0))" }
    return (lines + ["yield \(results.map(name).joined(separator: ", "))"]).joined(separator: "; ")
  }

  private func isLeaf(_ node: ScalarNode) -> Bool {
    switch node {
    case .literal, .dim, .axis, .accumulator: true
    case .read, .unary, .binary, .compare, .select, .multiplyAdd, .cast, .bitcast: false
    }
  }

  private func name(_ id: ScalarID) -> String { isLeaf(self[id]) ? text(id) : "s\(id.index)" }

  private func text(_ id: ScalarID) -> String {
    switch self[id] {
    case .literal(.integer(let value), let type): "\(type.rawValue) \(value)"
    case .literal(.floatBits(let bits), let type): "\(type.rawValue) \(Double(bitPattern: bits))"
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
