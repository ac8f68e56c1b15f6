import Support

/// What the text of a scalar graph leaves to its surroundings.
struct ScalarContext {
  /// The element type and rank of every operand.
  var operands: [TensorType]
  var accumulators: [ElementType] = []
}

extension ScalarGraph {
  /// Reads what `description` prints, in braces.
  init(_ reader: inout TextReader, _ context: ScalarContext) throws(ParseError) {
    self.init()
    var names: [ScalarID] = []
    try reader.expect("{")
    while !reader.take(word: "yield") {
      let start = reader.offset
      guard try reader.numbered("s") == names.count else { throw reader.error(at: start, "s\(names.count) expected") }
      try reader.expect("=")
      names.append(try node(&reader, context, names))
      try reader.expect(";")
    }
    repeat { results.append(try value(&reader, context, names)) } while reader.take(",")
    try reader.expect("}")
  }

  /// A leaf or an earlier assignment.
  private mutating func value(_ reader: inout TextReader, _ context: ScalarContext, _ names: [ScalarID])
    throws(ParseError) -> ScalarID
  {
    guard case .word(let word) = reader.token else { throw reader.error("a scalar expected, not \(reader.found)") }
    let start = reader.offset
    reader.advance()
    if word == "dim" {
      try reader.expect("(")
      let dim = try Dim(&reader)
      try reader.expect(")")
      return add(.dim(dim), type: .i64)
    }
    if let axis = TextReader.number(in: word, after: "d") { return add(.axis(axis), type: .i64) }
    if let position = TextReader.number(in: word, after: "acc") {
      guard position < context.accumulators.count else {
        throw reader.error(at: start, "there is no acc\(position) here")
      }
      let type = context.accumulators[position]
      return add(.accumulator(position, type), type: type)
    }
    if let number = TextReader.number(in: word, after: "s") {
      guard number < names.count else { throw reader.error(at: start, "s\(number) is not defined yet") }
      return names[number]
    }
    guard let type = ElementType(rawValue: word) else { throw reader.error(at: start, "'\(word)' is no scalar") }
    return add(.literal(try Literal(&reader, type), type), type: type)
  }

  private mutating func node(_ reader: inout TextReader, _ context: ScalarContext, _ names: [ScalarID])
    throws(ParseError) -> ScalarID
  {
    let start = reader.offset
    let op = try reader.word("an operation")
    if op == "read" { return try read(&reader, context, names) }
    if op == "cast" || op == "bitcast" {
      let type = try reader.element()
      let operand = try value(&reader, context, names)
      return add(op == "cast" ? .cast(type, operand) : .bitcast(type, operand), type: type)
    }
    var operands: [ScalarID] = []
    repeat { operands.append(try value(&reader, context, names)) } while reader.take(",")
    guard let node = ScalarGraph.operation(op, operands) else {
      throw reader.error(at: start, "'\(op)' is no operation of \(operands.count) scalars")
    }
    let types = operands.map { type(of: $0) }
    if case .select = node {
      guard types[0] == .bool, types[1] == types[2] else { throw reader.error(at: start, "select of \(list(types))") }
      return add(node, type: types[1])
    }
    guard types.allSatisfy({ $0 == types[0] }) else { throw reader.error(at: start, "\(op) of \(list(types))") }
    if case .compare = node { return add(node, type: .bool) }
    return add(node, type: types[0])
  }

  private func list(_ types: [ElementType]) -> String { types.map(\.rawValue).joined(separator: ", ") }

  private static func operation(_ name: String, _ operands: [ScalarID]) -> ScalarNode? {
    switch operands.count {
    case 1: return ScalarUnary(rawValue: name).map { .unary($0, operands[0]) }
    case 2:
      return ScalarBinary(rawValue: name).map { .binary($0, operands[0], operands[1]) }
        ?? ScalarCompare(rawValue: name).map { .compare($0, operands[0], operands[1]) }
    case 3 where name == "select": return .select(operands[0], operands[1], operands[2])
    case 3 where name == "multiplyAdd": return .multiplyAdd(operands[0], operands[1], operands[2])
    default: return nil
    }
  }

  private mutating func read(_ reader: inout TextReader, _ context: ScalarContext, _ names: [ScalarID])
    throws(ParseError) -> ScalarID
  {
    let start = reader.offset
    let operand = try reader.count()
    guard operand < context.operands.count else { throw reader.error(at: start, "there is no operand \(operand)") }
    var indices: [ScalarID] = []
    try reader.expect("[")
    if !reader.take("]") {
      repeat { indices.append(try value(&reader, context, names)) } while reader.take(",")
      try reader.expect("]")
    }
    let outside = reader.take(word: "else") ? try value(&reader, context, names) : nil
    let element = context.operands[operand].element
    guard indices.count == context.operands[operand].rank, indices.allSatisfy({ type(of: $0) == .i64 }),
      outside == nil || outside.map({ type(of: $0) }) == element
    else { throw reader.error(at: start, "the read does not fit \(context.operands[operand])") }
    return add(.read(operand: operand, indices: indices, outside: outside), type: element)
  }
}

extension Literal {
  /// Reads what `description` prints for a literal of a type.
  fileprivate init(_ reader: inout TextReader, _ type: ElementType) throws(ParseError) {
    if reader.take(word: "bits") {
      self = .floatBits(UInt64(bitPattern: Int64(try reader.integer())))
    } else {
      self = type.isFloat ? .float(try reader.float()) : .integer(try reader.integer())
    }
  }
}
