import Support

extension Program {
  /// Reads the text that `description` prints; documentation, comments and the hash are empty.
  ///
  /// `constants` gives the bytes of a constant by its position and size. The program is not verified.
  public init(parsing text: String, constants: (Int, Int) -> Bytes?) throws(ParseError) {
    var reader = try TextReader(text)
    try reader.expect(word: "program")
    self.init(prefix: try reader.name(), inputs: [], outputs: [])
    inputs = try reader.list("(", ")") { (reader) throws(ParseError) in try Port(&reader) }
    try reader.expect("->")
    outputs = try reader.list("(", ")") { (reader) throws(ParseError) in try Port(&reader) }
    if reader.take(word: "symbols") {
      repeat { symbols.append(try reader.name()) } while reader.take(",")
    }
    var entry = BlockParser()
    while reader.take(word: "derived") {
      let name = try reader.name()
      try reader.expect("=")
      derived.append(DerivedSymbol(name, try entry.expression(&reader)))
    }
    if reader.take(word: "measured") {
      repeat { measured.append(try reader.name()) } while reader.take(",")
    }
    try reader.expect(word: "arena")
    arenaBytes = try entry.expression(&reader)
    while reader.take(word: "constant") {
      self.constants.append(try ConstantData(&reader, self.constants.count, constants))
    }
    while case .word(let word) = reader.token, word.hasPrefix("b") {
      let start = reader.offset
      let id = try reader.numbered("b")
      guard id == storage.count else { throw reader.error(at: start, "b\(storage.count) expected") }
      if reader.take(":") { entry.buffers[id] = try reader.element() }
      try reader.expect(word: "is")
      storage.append(try Storage(&reader))
    }
    while case .word(let word) = reader.token, word.hasPrefix("x") {
      let start = reader.offset
      guard try reader.numbered("x") == externals.count else {
        throw reader.error(at: start, "x\(externals.count) expected")
      }
      try reader.expect(":")
      externals.append(try ExternalFunction(&reader))
    }
    while case .word(let word) = reader.token, word.hasPrefix("k") {
      let start = reader.offset
      guard try reader.numbered("k") == kernels.count else {
        throw reader.error(at: start, "k\(kernels.count) expected")
      }
      try reader.expect(":")
      kernels.append(try Kernel(&reader, calling: kernels))
    }
    entry.kernels = kernels
    entry.externals = externals
    try reader.expect(word: "entry")
    self.entry = try entry.block(&reader)
    guard reader.token == .end else { throw reader.error("the end expected, not \(reader.found)") }
  }
}

extension Kernel {
  /// Reads the text that `description` prints, of a kernel that may call others; the kernel is not verified.
  public init(parsing text: String, calling kernels: [Kernel] = []) throws(ParseError) {
    var reader = try TextReader(text)
    try self.init(&reader, calling: kernels)
    guard reader.token == .end else { throw reader.error("the end expected, not \(reader.found)") }
  }

  fileprivate init(_ reader: inout TextReader, calling kernels: [Kernel]) throws(ParseError) {
    try reader.expect(word: "kernel")
    let name = try reader.name()
    var parser = BlockParser()
    parser.kernels = kernels
    var parameters: [Parameter] = []
    var scalars: [Variable] = []
    try reader.expect("(")
    if !reader.take(")") {
      repeat {
        if case .word(let word) = reader.token, word.hasPrefix("v") {
          let id = try reader.numbered("v")
          try reader.expect(":")
          scalars.append(parser.introduce(id, try ValueType(&reader)))
        } else {
          parameters.append(try Parameter(&reader))
          parser.buffers[parameters[parameters.count - 1].buffer.id] = parameters[parameters.count - 1].buffer.element
        }
      } while reader.take(",")
      try reader.expect(")")
    }
    let mayFail = reader.take(word: "fails")
    let staysScalar = reader.take(word: "scalar")
    self.init(
      name: name, parameters: parameters, scalars: scalars, body: try parser.block(&reader), mayFail: mayFail,
      staysScalar: staysScalar)
  }
}

extension Parameter {
  fileprivate init(_ reader: inout TextReader) throws(ParseError) {
    let id = try reader.numbered("b")
    try reader.expect(":")
    let start = reader.offset
    guard let access = Access(rawValue: try reader.word("an access")) else {
      throw reader.error(at: start, "read, write or readWrite expected")
    }
    let element = try reader.element()
    try reader.expect(word: "align")
    self.init(Buffer(id: id, element: element), access: access, alignment: try reader.count())
    mayCoincide = reader.take(word: "coincides")
  }
}

extension Port {
  fileprivate init(_ reader: inout TextReader) throws(ParseError) {
    let name = try reader.name()
    try reader.expect(":")
    let element = try reader.element()
    let extents = try reader.list("[", "]") { (reader) throws(ParseError) in
      let expr = try BlockParser().expression(&reader)
      return Extent(expr, text: expr.description)
    }
    self.init(name: name, element: element, extents: extents)
    if reader.take(word: "upTo") {
      memory = .upTo(try BlockParser().expression(&reader))
    } else if reader.take(word: "acquired") {
      memory = .acquired
    }
    if reader.take(word: "updates") { updates = try reader.count() }
  }
}

extension ConstantData {
  fileprivate init(_ reader: inout TextReader, _ number: Int, _ constants: (Int, Int) -> Bytes?) throws(ParseError) {
    let start = reader.offset
    guard try reader.integer() == number else { throw reader.error(at: start, "constant \(number) expected") }
    try reader.expect(":")
    let element = try reader.element()
    try reader.expect(",")
    let count = try reader.count()
    try reader.expect(word: "bytes")
    guard let bytes = constants(number, count), bytes.count == count else {
      throw reader.error(at: start, "there is no constant \(number) of \(count) bytes")
    }
    self.init(element: element, bytes: bytes)
  }
}

extension Storage {
  fileprivate init(_ reader: inout TextReader) throws(ParseError) {
    let start = reader.offset
    switch try reader.word("a place") {
    case "input": self = .input(try reader.count())
    case "output": self = .output(try reader.count())
    case "constant": self = .constant(try reader.count())
    case "arena":
      try reader.expect("+")
      self = .arena(offset: try BlockParser().expression(&reader))
    case "acquired": self = .acquired
    default: throw reader.error(at: start, "input, output, constant, arena or acquired expected")
    }
  }
}

extension ValueType {
  /// Reads what `description` prints.
  init(_ reader: inout TextReader) throws(ParseError) {
    guard case .word(let word) = reader.token else { throw reader.error("a type expected, not \(reader.found)") }
    let parts = word.split(separator: "x", omittingEmptySubsequences: false)
    guard parts.count <= 2, let element = ElementType(rawValue: String(parts[0])),
      let lanes = parts.count == 1 ? 1 : Int(parts[1]), lanes >= 1
    else { throw reader.error("a type expected, not \(reader.found)") }
    reader.advance()
    self.init(element, lanes: lanes)
  }
}
