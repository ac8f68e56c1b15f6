import Support

extension Expr: CustomStringConvertible {
  /// Compact text such as `b0[v1 * 4 : 8] + splat8(v2)`.
  public var description: String {
    switch self {
    case .integer(let value, let element): element == .i64 ? "\(value)" : "\(value):\(element)"
    case .float(let value, let element): "\(value):\(element)"
    case .variable(let variable): variable.description
    case .symbol(let name): "$\(name.quotedIfNeeded)"
    case .load(let buffer, let index, let lanes, let count):
      "\(buffer)\(Self.place(index, lanes: lanes, count: count))"
    case .gather(let buffer, let indices): "\(buffer)[gather \(indices)]"
    case .splat(let value, let lanes): "splat\(lanes)(\(value))"
    case .ramp(let base, let stride, let lanes): "ramp\(lanes)(\(base), \(stride))"
    case .unary(let op, let operand): "\(op)(\(operand))"
    case .binary(let op, let a, let b): op.sign.map { "(\(a) \($0) \(b))" } ?? "\(op)(\(a), \(b))"
    case .compare(let op, let a, let b): "(\(a) \(op.sign) \(b))"
    case .select(let condition, let a, let b): "select(\(condition), \(a), \(b))"
    case .multiplyAdd(let a, let b, let c): "multiplyAdd(\(a), \(b), \(c))"
    case .multiplyAddGroups(let a, let b, let c): "multiplyAddGroups(\(a), \(b), \(c))"
    case .cast(let element, let operand): "\(element)(\(operand))"
    case .bitcast(let element, let operand): "bits.\(element)(\(operand))"
    case .shuffle(let vector, let positions):
      "shuffle(\(vector), \(positions.map(String.init).joined(separator: ", ")))"
    case .reduceLanes(let op, let vector): "reduce.\(op)(\(vector))"
    }
  }

  /// An element or a range of elements in brackets; a partial range shows its count before the bar.
  fileprivate static func place(_ index: Expr, lanes: Int, count: Expr?) -> String {
    if let count { return "[\(index) : \(count)|\(lanes)]" }
    return lanes == 1 ? "[\(index)]" : "[\(index) : \(lanes)]"
  }
}

extension BinaryOp {
  /// The sign between operands; nil for what is written as a function.
  var sign: String? {
    switch self {
    case .add: "+"
    case .subtract: "-"
    case .multiply: "*"
    case .divide: "/"
    case .remainder: "%"
    case .and: "&"
    case .or: "|"
    case .xor: "^"
    case .shiftLeft: "<<"
    case .shiftRight: ">>"
    case .floorDivide, .floorRemainder, .min, .max: nil
    }
  }
}

extension CompareOp {
  /// The sign between operands.
  var sign: String {
    switch self {
    case .equal: "=="
    case .notEqual: "!="
    case .less: "<"
    case .lessOrEqual: "<="
    case .greater: ">"
    case .greaterOrEqual: ">="
    }
  }
}

extension Variable: CustomStringConvertible {
  public var description: String { "v\(id)" }
}

extension Buffer: CustomStringConvertible {
  public var description: String { "b\(id)" }
}

extension ValueType: CustomStringConvertible {
  public var description: String { lanes == 1 ? "\(element)" : "\(element)x\(lanes)" }
}

extension Statement: CustomStringConvertible {
  public var description: String { lines.joined(separator: "\n") }

  /// The text, one line for each nested statement and brace.
  fileprivate var lines: [String] {
    switch self {
    case .bind(let variable, let value): return ["let \(variable): \(variable.type) = \(value)"]
    case .declare(let variable, let value): return ["var \(variable): \(variable.type) = \(value)"]
    case .assign(let variable, let value): return ["\(variable) = \(value)"]
    case .store(let buffer, let index, let value, let count):
      return ["\(buffer)\(Expr.place(index, lanes: value.type.lanes, count: count)) = \(value)"]
    case .loop(let loop):
      let kind = loop.kind == .serial ? "" : "\(loop.kind) "
      let step = loop.step == 1 ? "" : " by \(loop.step)"
      return block("\(kind)for \(loop.variable) in \(loop.lower) ..< \(loop.upper)\(step)", loop.body)
    case .conditional(let condition, let then, let otherwise):
      let first = block("if \(condition)", then)
      return otherwise.isEmpty ? first : first.dropLast() + block("} else", otherwise)
    case .whileLoop(let condition, let body): return block("while \(condition)", body)
    case .allocate(let buffer, let count): return ["local \(buffer): \(buffer.element)[\(count)]"]
    case .zero(let buffer, let index, let count): return ["zero \(buffer)[\(index) : \(count)]"]
    case .prefetch(let buffer, let index): return ["prefetch \(buffer)[\(index)]"]
    case .tile(let operation): return ["tile \(operation)"]
    case .copy(let to, let index, let from, let fromIndex, let count):
      return ["copy \(to)[\(index) : \(count)] = \(from)[\(fromIndex) : \(count)]"]
    case .call(let kernel, let arguments, let scalars):
      let texts = arguments.map(\.description) + scalars.map(\.description)
      return ["call k\(kernel)(\(texts.joined(separator: ", ")))"]
    case .define(let symbol, let value): return ["define $\(symbol.quotedIfNeeded) = \(value)"]
    case .acquire(let buffer, let bytes): return ["acquire \(buffer) : \(bytes)"]
    case .external(let function, let arguments):
      return ["external x\(function)(\(arguments.map(\.description).joined(separator: ", ")))"]
    case .fail(let status): return ["fail \(status)"]
    }
  }
}

extension TileOperation: CustomStringConvertible {
  public var description: String {
    switch self {
    case .configure(let shapes): "shapes(\(shapes.map { "\($0.rows) by \($0.columns)" }.joined(separator: ", ")))"
    case .release: "release"
    case .clear(let tile): "clear \(tile)"
    case .load(let tile, let buffer, let index, let stride): "load \(tile) = \(buffer)[\(index)] by \(stride)"
    case .store(let tile, let buffer, let index, let stride): "store \(tile) = \(buffer)[\(index)] by \(stride)"
    case .multiplyAdd(let element, let sum, let left, let right): "multiplyAdd \(element) \(sum) = \(left) * \(right)"
    }
  }
}

extension Argument: CustomStringConvertible {
  public var description: String { offset.integerValue == 0 ? "\(buffer)" : "\(buffer) + \(offset)" }
}

extension ExternalArgument: CustomStringConvertible {
  public var description: String {
    switch self {
    case .place(let place): place.description
    case .absent: "null"
    case .value(let value): value.description
    }
  }
}

extension Kernel: CustomStringConvertible {
  public var description: String {
    let buffers = parameters.map { "\($0.buffer): \($0.access) \($0.buffer.element) align \($0.alignment)\($0.mayCoincide ? " coincides" : "")" }
    let list = (buffers + scalars.map { "\($0): \($0.type)" }).joined(separator: ", ")
    let marks = (mayFail ? " fails" : "") + (staysScalar ? " scalar" : "")
    return block("kernel \(name.quotedIfNeeded)(\(list))\(marks)", body).joined(separator: "\n")
  }
}

extension Program: CustomStringConvertible {
  public var description: String {
    func ports(_ ports: [Port]) -> String {
      ports.map { port in
        let extents = port.extents.map(\.expr.description).joined(separator: ", ")
        let updates = port.updates.map { " updates \($0)" } ?? ""
        return "\(port.name.quotedIfNeeded): \(port.element)[\(extents)]\(port.memory)\(updates)"
      }
        .joined(separator: ", ")
    }
    var lines = ["program \(prefix.quotedIfNeeded)(\(ports(inputs))) -> (\(ports(outputs)))"]
    if !symbols.isEmpty { lines.append("symbols \(symbols.map(\.quotedIfNeeded).joined(separator: ", "))") }
    lines += derived.map { "derived \($0.name.quotedIfNeeded) = \($0.value)" }
    if !measured.isEmpty { lines.append("measured \(measured.map(\.quotedIfNeeded).joined(separator: ", "))") }
    lines.append("arena \(arenaBytes)")
    for (index, constant) in constants.enumerated() {
      lines.append("constant \(index): \(constant.element), \(constant.bytes.count) bytes")
    }
    let elements = Dictionary(entry.buffers.map { ($0.id, $0.element) }, uniquingKeysWith: { first, _ in first })
    for (id, storage) in storage.enumerated() {
      lines.append("b\(id)\(elements[id].map { ": \($0)" } ?? "") is \(storage)")
    }
    for (index, function) in externals.enumerated() { lines.append("x\(index): \(function)") }
    for (index, kernel) in kernels.enumerated() { lines.append("k\(index): \(kernel)") }
    return (lines + block("entry", entry)).joined(separator: "\n")
  }
}

extension Storage: CustomStringConvertible {
  public var description: String {
    switch self {
    case .input(let index): "input \(index)"
    case .output(let index): "output \(index)"
    case .constant(let index): "constant \(index)"
    case .arena(let offset): "arena + \(offset)"
    case .acquired: "acquired"
    }
  }
}

extension OutputMemory: CustomStringConvertible {
  /// What follows the extents of a port.
  public var description: String {
    switch self {
    case .exact: ""
    case .upTo(let count): " upTo \(count)"
    case .acquired: " acquired"
    }
  }
}

/// A heading, an opening brace, indented statements and a closing brace.
private func block(_ heading: String, _ body: [Statement]) -> [String] {
  ["\(heading) {"] + body.flatMap(\.lines).map { "  " + $0 } + ["}"]
}
