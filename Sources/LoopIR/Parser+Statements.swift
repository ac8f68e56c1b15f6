import Support

/// Reads statements and expressions, knowing the types of what they name.
struct BlockParser {
  /// What calls may name.
  var kernels: [Kernel] = []
  var externals: [ExternalFunction] = []
  var buffers: [Int: ElementType] = [:]
  private var variables: [Int: ValueType] = [:]

  init() {}

  mutating func introduce(_ id: Int, _ type: ValueType) -> Variable {
    variables[id] = type
    return Variable(id: id, type: type)
  }

  /// Statements in braces.
  mutating func block(_ reader: inout TextReader) throws(ParseError) -> [Statement] {
    var inner = self
    return try reader.nested { (reader) throws(ParseError) in
      var statements: [Statement] = []
      try reader.expect("{")
      while !reader.take("}") { statements.append(try inner.statement(&reader)) }
      return statements
    }
  }

  private mutating func statement(_ reader: inout TextReader) throws(ParseError) -> Statement {
    guard case .word(let word) = reader.token else { throw reader.error("a statement expected, not \(reader.found)") }
    switch word {
    case "let", "var":
      reader.advance()
      let id = try reader.numbered("v")
      try reader.expect(":")
      let type = try ValueType(&reader)
      try reader.expect("=")
      let value = try expression(&reader)
      let variable = introduce(id, type)
      return word == "let" ? .bind(variable, value) : .declare(variable, value)
    case "for", "parallel", "unrolled": return .loop(try loop(&reader))
    case "if": return try conditional(&reader)
    case "while":
      reader.advance()
      let condition = try expression(&reader)
      return .whileLoop(condition, body: try block(&reader))
    case "local":
      reader.advance()
      let id = try reader.numbered("b")
      try reader.expect(":")
      let element = try reader.element()
      buffers[id] = element
      try reader.expect("[")
      let count = try reader.count()
      try reader.expect("]")
      return .allocate(Buffer(id: id, element: element), count: count)
    case "zero":
      reader.advance()
      let (buffer, index, count) = try range(&reader)
      return .zero(buffer, index: index, count: count)
    case "prefetch":
      reader.advance()
      let (buffer, index) = try place(&reader)
      return .prefetch(buffer, index: index)
    case "tile":
      reader.advance()
      return .tile(try tileOperation(&reader))
    case "copy":
      reader.advance()
      let (to, index, count) = try range(&reader)
      try reader.expect("=")
      let start = reader.offset
      let (from, fromIndex, fromCount) = try range(&reader)
      guard fromCount == count else { throw reader.error(at: start, "\(fromCount) elements to \(count)") }
      return .copy(to: to, index: index, from: from, fromIndex: fromIndex, count: count)
    case "call": return try call(&reader)
    case "define":
      reader.advance()
      try reader.expect("$")
      let symbol = try reader.name()
      try reader.expect("=")
      return .define(symbol, try expression(&reader))
    case "acquire":
      reader.advance()
      let buffer = try buffer(&reader)
      try reader.expect(":")
      return .acquire(buffer, bytes: try expression(&reader))
    case "external": return try external(&reader)
    case "fail":
      reader.advance()
      return .fail(status: try reader.integer())
    default: return word.hasPrefix("b") ? try store(&reader) : try assign(&reader)
    }
  }

  private func tileOperation(_ reader: inout TextReader) throws(ParseError) -> TileOperation {
    if reader.take(word: "release") { return .release }
    if reader.take(word: "clear") { return .clear(try reader.integer()) }
    if reader.take(word: "shapes") {
      return .configure(
        try reader.list("(", ")") { (reader) throws(ParseError) -> TileShape in
          let rows = try self.expression(&reader)
          try reader.expect(word: "by")
          return TileShape(rows: rows, columns: try reader.integer())
        })
    }
    if reader.take(word: "multiplyAdd") {
      let element = try reader.element()
      let sum = try reader.integer()
      try reader.expect("=")
      let left = try reader.integer()
      try reader.expect("*")
      return .multiplyAdd(element, sum: sum, left: left, right: try reader.integer())
    }
    let loads = reader.take(word: "load")
    if !loads { try reader.expect(word: "store") }
    let tile = try reader.integer()
    try reader.expect("=")
    let (buffer, index) = try place(&reader)
    try reader.expect(word: "by")
    let stride = try expression(&reader)
    return loads
      ? .load(tile, buffer, index: index, stride: stride) : .store(tile, buffer, index: index, stride: stride)
  }

  private func assign(_ reader: inout TextReader) throws(ParseError) -> Statement {
    let variable = try variable(&reader)
    try reader.expect("=")
    return .assign(variable, try expression(&reader))
  }

  private func store(_ reader: inout TextReader) throws(ParseError) -> Statement {
    let buffer = try buffer(&reader)
    let start = reader.offset
    let (index, lanes, count) = try place(&reader)
    try reader.expect("=")
    let value = try expression(&reader)
    guard value.type.lanes == lanes else { throw reader.error(at: start, "\(lanes) lanes for \(value.type)") }
    return .store(buffer, index: index, value: value, count: count)
  }

  private mutating func loop(_ reader: inout TextReader) throws(ParseError) -> Loop {
    let kind: LoopKind = reader.take(word: "parallel") ? .parallel : reader.take(word: "unrolled") ? .unrolled : .serial
    try reader.expect(word: "for")
    let id = try reader.numbered("v")
    try reader.expect(word: "in")
    let lower = try expression(&reader)
    try reader.expect("..<")
    let upper = try expression(&reader)
    let step = reader.take(word: "by") ? try reader.integer() : 1
    var inner = self
    let variable = inner.introduce(id, ValueType(.i64))
    return Loop(variable, from: lower, to: upper, by: step, kind: kind, body: try inner.block(&reader))
  }

  private mutating func conditional(_ reader: inout TextReader) throws(ParseError) -> Statement {
    reader.advance()
    let condition = try expression(&reader)
    let then = try block(&reader)
    let otherwise = reader.take(word: "else") ? try block(&reader) : []
    return .conditional(condition, then: then, otherwise: otherwise)
  }

  private func call(_ reader: inout TextReader) throws(ParseError) -> Statement {
    reader.advance()
    let start = reader.offset
    let number = try reader.numbered("k")
    guard number < kernels.count else { throw reader.error(at: start, "there is no k\(number)") }
    let kernel = kernels[number]
    var arguments: [Argument] = []
    var scalars: [Expr] = []
    try reader.expect("(")
    while !reader.take(")") {
      if !arguments.isEmpty || !scalars.isEmpty { try reader.expect(",") }
      if arguments.count < kernel.parameters.count {
        arguments.append(try argument(&reader, kernel.parameters[arguments.count].buffer.element))
      } else {
        scalars.append(try expression(&reader))
      }
    }
    return .call(kernel: number, arguments: arguments, scalars: scalars)
  }

  /// A buffer with an offset; one that nothing else uses has the element type of what it is passed as.
  private func argument(_ reader: inout TextReader, _ element: ElementType) throws(ParseError) -> Argument {
    let id = try reader.numbered("b")
    let offset = reader.take("+") ? try expression(&reader) : .index(0)
    return Argument(Buffer(id: id, element: buffers[id] ?? element), offset: offset)
  }

  private func external(_ reader: inout TextReader) throws(ParseError) -> Statement {
    reader.advance()
    let start = reader.offset
    let number = try reader.numbered("x")
    guard externals.indices.contains(number) else { throw reader.error(at: start, "there is no x\(number)") }
    var parameters = externals[number].parameters[...]
    let arguments = try reader.list("(", ")") { (reader) throws(ParseError) -> ExternalArgument in
      guard let parameter = parameters.popFirst() else { throw reader.error("x\(number) has fewer parameters") }
      if parameter.kind == .value { return .value(try expression(&reader)) }
      return reader.take(word: "null") ? .absent : .place(try argument(&reader, parameter.element))
    }
    return .external(function: number, arguments: arguments)
  }

  func variable(_ reader: inout TextReader) throws(ParseError) -> Variable {
    let start = reader.offset
    let id = try reader.numbered("v")
    guard let type = variables[id] else { throw reader.error(at: start, "v\(id) is not defined here") }
    return Variable(id: id, type: type)
  }

  func buffer(_ reader: inout TextReader) throws(ParseError) -> Buffer {
    let start = reader.offset
    let id = try reader.numbered("b")
    guard let element = buffers[id] else { throw reader.error(at: start, "b\(id) is not defined here") }
    return Buffer(id: id, element: element)
  }

  /// A buffer and `count` elements of it from an index on.
  private func place(_ reader: inout TextReader) throws(ParseError) -> (Buffer, Expr) {
    let buffer = try buffer(&reader)
    try reader.expect("[")
    let index = try expression(&reader)
    try reader.expect("]")
    return (buffer, index)
  }

  private func range(_ reader: inout TextReader) throws(ParseError) -> (Buffer, Expr, Expr) {
    let buffer = try buffer(&reader)
    try reader.expect("[")
    let index = try expression(&reader)
    try reader.expect(":")
    let count = try expression(&reader)
    try reader.expect("]")
    return (buffer, index, count)
  }

  /// An index in brackets with lanes, or with a count and lanes.
  func place(_ reader: inout TextReader) throws(ParseError) -> (index: Expr, lanes: Int, count: Expr?) {
    try reader.expect("[")
    let index = try expression(&reader)
    guard reader.take(":") else {
      try reader.expect("]")
      return (index, 1, nil)
    }
    let start = reader.offset
    let count = try expression(&reader)
    let partial = reader.take("|")
    guard let lanes = partial ? try reader.integer() : count.integerValue, lanes >= 1 else {
      throw reader.error(at: start, "a number of lanes expected")
    }
    try reader.expect("]")
    return (index, lanes, partial ? count : nil)
  }
}
