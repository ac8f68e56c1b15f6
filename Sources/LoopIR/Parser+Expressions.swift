import Support

extension BlockParser {
  /// Reads what `Expr.description` prints.
  func expression(_ reader: inout TextReader) throws(ParseError) -> Expr {
    try reader.nested { (reader) throws(ParseError) in try self.term(&reader) }
  }

  private func term(_ reader: inout TextReader) throws(ParseError) -> Expr {
    switch reader.token {
    case .number(let text): return try literal(text, &reader)
    case .word(let word):
      if reader.following == .sign(":"), word == "inf" || word == "nan" { return try literal(word, &reader) }
      if TextReader.number(in: word, after: "v") != nil { return .variable(try variable(&reader)) }
      if TextReader.number(in: word, after: "b") != nil { return try load(&reader) }
      return try function(&reader)
    case .sign("$"):
      reader.advance()
      return .symbol(try reader.name())
    case .sign("("): return try operation(&reader)
    case .quoted, .sign, .end: throw reader.error("an expression expected, not \(reader.found)")
    }
  }

  private func literal(_ text: String, _ reader: inout TextReader) throws(ParseError) -> Expr {
    let start = reader.offset
    // A colon belongs to the literal only if a type follows: in brackets it parts an index from a count.
    var ahead = reader
    ahead.advance()
    guard ahead.take(":"), case .word(let word) = ahead.token, let element = ElementType(rawValue: word) else {
      return .index(try reader.integer())
    }
    ahead.advance()
    if element.isFloat {
      let value = try reader.float()
      reader = ahead
      return .float(value, element)
    }
    guard let value = Int(text) else { throw reader.error(at: start, "'\(text)' is no integer") }
    reader = ahead
    return .integer(value, element)
  }

  private func load(_ reader: inout TextReader) throws(ParseError) -> Expr {
    let buffer = try buffer(&reader)
    if reader.token == .sign("["), reader.following == .word("gather") {
      reader.advance()
      reader.advance()
      let indices = try expression(&reader)
      try reader.expect("]")
      return .gather(buffer, indices: indices)
    }
    let (index, lanes, count) = try place(&reader)
    return .load(buffer, index: index, lanes: lanes, count: count)
  }

  /// An operation between its operands, in parentheses.
  private func operation(_ reader: inout TextReader) throws(ParseError) -> Expr {
    try reader.expect("(")
    let a = try expression(&reader)
    let start = reader.offset
    guard case .sign(let sign) = reader.token else { throw reader.error("an operator expected, not \(reader.found)") }
    reader.advance()
    let b = try expression(&reader)
    try reader.expect(")")
    if let op = BinaryOp.allCases.first(where: { $0.sign == sign }) { return .binary(op, a, b) }
    if let op = CompareOp.allCases.first(where: { $0.sign == sign }) { return .compare(op, a, b) }
    throw reader.error(at: start, "'\(sign)' is no operator")
  }

  /// An operation written as a function.
  private func function(_ reader: inout TextReader) throws(ParseError) -> Expr {
    let start = reader.offset
    let name = try reader.word("an expression")
    let detail = reader.take(".") ? try reader.word("an operation") : nil
    let operands = try reader.list("(", ")") { (reader) throws(ParseError) in try self.expression(&reader) }
    guard let result = BlockParser.function(name, detail, operands) else {
      throw reader.error(at: start, "'\(name)' is no function of \(operands.count) operands")
    }
    return result
  }

  private static func function(_ name: String, _ detail: String?, _ operands: [Expr]) -> Expr? {
    if let detail {
      guard operands.count == 1 else { return nil }
      if name == "bits" { return ElementType(rawValue: detail).map { .bitcast($0, operands[0]) } }
      return name == "reduce" ? LaneReduction(rawValue: detail).map { .reduceLanes($0, operands[0]) } : nil
    }
    if name == "shuffle", let vector = operands.first, operands.count > 1 {
      let positions = operands.dropFirst().compactMap(\.integerValue)
      return positions.count == operands.count - 1 ? .shuffle(vector, positions) : nil
    }
    switch operands.count {
    case 1:
      if let lanes = TextReader.number(in: name, after: "splat") { return .splat(operands[0], lanes: lanes) }
      if let element = ElementType(rawValue: name) { return .cast(element, operands[0]) }
      return UnaryOp(rawValue: name).map { .unary($0, operands[0]) }
    case 2:
      if let lanes = TextReader.number(in: name, after: "ramp") {
        return operands[1].integerValue.map { .ramp(operands[0], stride: $0, lanes: lanes) }
      }
      guard let op = BinaryOp(rawValue: name), op.sign == nil else { return nil }
      return .binary(op, operands[0], operands[1])
    case 3 where name == "select": return .select(operands[0], operands[1], operands[2])
    case 3 where name == "multiplyAdd": return .multiplyAdd(operands[0], operands[1], operands[2])
    case 3 where name == "multiplyAddGroups": return .multiplyAddGroups(operands[0], operands[1], operands[2])
    default: return nil
    }
  }
}
