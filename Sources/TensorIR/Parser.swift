import Support

/// Supplies the constant that a text refers to by number, of the type that the text gives.
public typealias ConstantLookup = (Int, TensorType) -> ConstantTensor?

extension Graph {
  /// Reads the text that `description` prints; names and origins are empty.
  ///
  /// Every node is verified, so that a graph that parses is well-formed.
  public init(parsing text: String, constants: @escaping ConstantLookup = { _, _ in nil }) throws(ParseError) {
    var reader = try TextReader(text)
    var parser = GraphParser(constants: constants)
    self = try parser.graph(&reader)
    guard reader.token == .end else { throw reader.error("the end expected, not \(reader.found)") }
  }

  /// Reads the text that `description` prints, given its `referencedConstants`.
  public init(parsing text: String, constants: [ConstantTensor]) throws(ParseError) {
    try self.init(parsing: text) { number, _ in constants.indices.contains(number) ? constants[number] : nil }
  }
}

/// Reads one graph; bodies of scans have parsers of their own.
private struct GraphParser {
  let constants: ConstantLookup
  private var types: [Int: TensorType] = [:]
  private var graph = Graph()

  init(constants: @escaping ConstantLookup) { self.constants = constants }

  mutating func graph(_ reader: inout TextReader) throws(ParseError) -> Graph {
    let start = reader.offset
    while !reader.take(word: "return") { try line(&reader) }
    if reader.token == .sign("%") { graph.outputs = try uses(&reader) }
    for number in 0..<types.count {
      guard let type = types[number] else {
        throw reader.error(at: start, "%\(number) is not defined, but later values are")
      }
      graph.values.append(Value(type: type))
    }
    return graph
  }

  private struct Name {
    var value: ValueID
    var error: (String) -> ParseError
  }

  private func names(_ reader: inout TextReader) throws(ParseError) -> [Name] {
    var names: [Name] = []
    repeat {
      let start = reader.offset
      try reader.expect("%")
      let value = ValueID(try reader.count())
      let place = reader
      names.append(Name(value: value, error: { place.error(at: start, "%\(value.index) \($0)") }))
    } while reader.take(",")
    return names
  }

  private func uses(_ reader: inout TextReader) throws(ParseError) -> [ValueID] {
    let names = try names(&reader)
    for name in names where types[name.value.index] == nil { throw name.error("is not defined") }
    return names.map(\.value)
  }

  private mutating func define(_ name: Name, _ type: TensorType) throws(ParseError) {
    if types.updateValue(type, forKey: name.value.index) != nil { throw name.error("is defined twice") }
  }

  private mutating func line(_ reader: inout TextReader) throws(ParseError) {
    if let node = try effect(&reader) {
      graph.nodes.append(node)
      return
    }
    let results = try names(&reader)
    try reader.expect("=")
    if results.count == 1, reader.take(word: "input") {
      try define(results[0], try TensorType(&reader))
      graph.inputs.append(results[0].value)
      return
    }
    let start = reader.offset
    let mnemonic = try reader.word("a primitive")
    if mnemonic == "constant" {
      let (constant, type) = try self.constant(&reader)
      guard results.count == 1 else { throw reader.error(at: start, "a constant has one result") }
      try define(results[0], type)
      graph.nodes.append(Node(.constant(constant), operands: [], results: [results[0].value], origin: ""))
      return
    }
    var operands: [ValueID] = []
    try reader.expect("(")
    if !reader.take(")") {
      operands = try uses(&reader)
      try reader.expect(")")
    }
    let operandTypes = operands.compactMap { types[$0.index] }
    guard let form = try form(mnemonic, &reader, operandTypes) else {
      throw reader.error(at: start, "'\(mnemonic)' is no primitive of \(operands.count) operands")
    }
    try reader.expect(":")
    var resultTypes: [TensorType] = []
    repeat { resultTypes.append(try TensorType(&reader)) } while reader.take(",")
    let primitive = form(resultTypes.map(\.shape))
    let derived = primitive.resultTypes(operandTypes)
    guard derived == resultTypes, derived.count == results.count else {
      throw reader.error(at: start, "\(mnemonic) gives \(derived), not \(resultTypes)")
    }
    if let problem = problem(primitive, operandTypes) { throw reader.error(at: start, "\(mnemonic): \(problem)") }
    for (result, type) in zip(results, resultTypes) { try define(result, type) }
    graph.nodes.append(Node(primitive, operands: operands, results: results.map(\.value), origin: ""))
  }

  /// A node without results, if one follows.
  private func effect(_ reader: inout TextReader) throws(ParseError) -> Node? {
    let start = reader.offset
    if reader.take(word: "measure") {
      try reader.expect("(")
      let operands = try uses(&reader)
      try reader.expect(")")
      var symbols: [String] = []
      repeat { symbols.append(try reader.name()) } while reader.take(",")
      let primitive = Primitive.measure(symbols)
      if let problem = problem(primitive, operands.compactMap { types[$0.index] }) {
        throw reader.error(at: start, "measure: \(problem)")
      }
      return Node(primitive, operands: operands, results: [], origin: "")
    }
    let isRequired = reader.take(word: "require")
    guard isRequired || reader.take(word: "assume") else { return nil }
    var facts: [DimFact] = []
    repeat {
      let left = try Dim(&reader)
      let relation: DimFact.Relation = try choice(&reader, "a relation")
      facts.append(DimFact(left, relation, try Dim(&reader)))
    } while reader.take(",")
    var status = Status.badDimension
    if reader.take(word: "else") {
      let number = reader.offset
      guard let given = Status(rawValue: try reader.count()) else { throw reader.error(at: number, "a status expected") }
      status = given
    }
    return Node(.assume(Assumption(facts, isRequired: isRequired, status: status)), operands: [], results: [], origin: "")
  }

  /// The primitive, once the shapes of its results are known.
  private typealias Form = ([[Dim]]) -> Primitive

  private func form(_ mnemonic: String, _ reader: inout TextReader, _ operands: [TensorType]) throws(ParseError)
    -> Form?
  {
    let context = ScalarContext(operands: operands)
    switch mnemonic {
    case "map":
      let body = try ScalarGraph(&reader, context)
      return { .map(Map(shape: $0[0], body: body)) }
    case "reduce": return try reduce(&reader, context)
    case "contract": return operands.count < 2 ? nil : try contract(&reader, context)
    case "reshape": return operands.count == 1 ? { .reshape($0[0]) } : nil
    case "scan": return try scan(&reader, operands)
    case "branch": return operands.isEmpty ? nil : try branch(&reader)
    case "scatter":
      if operands.isEmpty { return nil }
      let combiner: ScatterCombiner = try choice(&reader)
      let updates = try dims(&reader)
      let target = try ScalarGraph(&reader, context)
      return { _ in .scatter(Scatter(updates: updates, combiner: combiner, target: target)) }
    case "compact":
      let shape = try dims(&reader)
      let condition = try ScalarGraph(&reader, context)
      return { _ in .compact(Compact(shape: shape, condition: condition)) }
    case "external":
      let function = try ExternalFunction(&reader)
      let arguments = try reader.list("[", "]") { (reader) throws(ParseError) in try ExternalArgument(&reader) }
      let written = function.parameters.filter { $0.kind == .output }.map(\.element)
      return { shapes in
        .external(
          External(
            function: function, arguments: arguments, results: zip(written, shapes).map { TensorType($0, $1) }))
      }
    case "sort": return operands.count == 1 ? try sort(&reader, operands[0].rank) : nil
    default: return nil
    }
  }

  private func dims(_ reader: inout TextReader) throws(ParseError) -> [Dim] {
    try reader.list("[", "]") { (reader) throws(ParseError) in try Dim(&reader) }
  }

  private func choice<Choice: RawRepresentable<String>>(_ reader: inout TextReader, _ what: String = "a combiner")
    throws(ParseError) -> Choice
  {
    let start = reader.offset
    let word = try reader.word(what)
    guard let choice = Choice(rawValue: word) else { throw reader.error(at: start, "'\(word)' is not \(what)") }
    return choice
  }

  private func reduce(_ reader: inout TextReader, _ context: ScalarContext) throws(ParseError) -> Form {
    let combiner: Combiner = try choice(&reader)
    let reduced = try dims(&reader)
    let body = try ScalarGraph(&reader, context)
    var finish = context
    finish.accumulators = [body.type(of: body.results[0])] + (combiner.hasPosition ? [.i64] : [])
    try reader.expect(word: "then")
    let epilogue = try ScalarGraph(&reader, finish)
    return { .reduce(Reduce(shape: $0[0], reduced: reduced, combiner: combiner, body: body, epilogue: epilogue)) }
  }

  private func contract(_ reader: inout TextReader, _ context: ScalarContext) throws(ParseError) -> Form {
    let accumulator = try reader.element()
    let reduced = try dims(&reader)
    try reader.expect(word: "lhs")
    let lhs = try reader.list("[", "]") { (reader) throws(ParseError) in try AffineIndex(&reader) }
    try reader.expect(word: "rhs")
    let rhs = try reader.list("[", "]") { (reader) throws(ParseError) in try AffineIndex(&reader) }
    try reader.expect(word: "then")
    let epilogue = try ScalarGraph(&reader, ScalarContext(operands: context.operands, accumulators: [accumulator]))
    return {
      .contract(
        Contract(shape: $0[0], reduced: reduced, lhs: lhs, rhs: rhs, accumulator: accumulator, epilogue: epilogue))
    }
  }

  private func scan(_ reader: inout TextReader, _ operands: [TensorType]) throws(ParseError) -> Form {
    try reader.expect(word: "length")
    let length = try Dim(&reader)
    let stopsEarly = reader.take(word: "stops")
    try reader.expect(word: "carried")
    let carried = try reader.count()
    try reader.expect(word: "scanned")
    let scanned = try reader.count()
    try reader.expect(word: "reversed")
    let flags = { (reader: inout TextReader) throws(ParseError) in
      if reader.take(word: "true") { return true }
      try reader.expect(word: "false")
      return false
    }
    let inputs = try reader.list("[", "]", flags)
    let outputs = try reader.list("[", "]", flags)
    let start = reader.offset
    try reader.expect("{")
    let body = try self.body(&reader)
    guard carried <= operands.count, scanned <= operands.count - carried, carried <= body.outputs.count,
      body.inputs.count == 1 + operands.count, inputs.count == scanned, outputs.count == body.outputs.count - carried
    else { throw reader.error(at: start, "the body does not fit the scan") }
    return { _ in
      .scan(
        Scan(
          length: length, carried: carried, scanned: scanned, reversedInputs: inputs, reversedOutputs: outputs,
          stopsEarly: stopsEarly, body: body))
    }
  }

  /// A graph up to its closing brace.
  private func body(_ reader: inout TextReader) throws(ParseError) -> Graph {
    var parser = GraphParser(constants: constants)
    let body = try reader.nested { (reader) throws(ParseError) in try parser.graph(&reader) }
    try reader.expect("}")
    return body
  }

  private func branch(_ reader: inout TextReader) throws(ParseError) -> Form {
    let extents = try reader.list("[", "]") { (reader) throws(ParseError) in
      let symbol = try reader.name()
      try reader.expect("=")
      let then = try Dim(&reader)
      try reader.expect(word: "or")
      return BranchExtent(symbol: symbol, then: then, otherwise: try Dim(&reader))
    }
    try reader.expect("{")
    let then = try body(&reader)
    try reader.expect(word: "else")
    try reader.expect("{")
    let start = reader.offset
    let otherwise = try body(&reader)
    guard then.outputs.count == otherwise.outputs.count else { throw reader.error(at: start, "the branches give different results") }
    return { .branch(Branch(then: then, otherwise: otherwise, shapes: $0, extents: extents)) }
  }

  private func sort(_ reader: inout TextReader, _ rank: Int) throws(ParseError) -> Form {
    try reader.expect(word: "axis")
    let start = reader.offset
    let axis = try reader.count()
    guard axis < rank else { throw reader.error(at: start, "axis \(axis) is out of range") }
    let descending = reader.take(word: "descending")
    if !descending { try reader.expect(word: "ascending") }
    try reader.expect(word: "limit")
    let limit = try Dim(&reader)
    return { _ in .sort(Sort(axis: axis, descending: descending, limit: limit)) }
  }

  private func constant(_ reader: inout TextReader) throws(ParseError) -> (ConstantTensor, TensorType) {
    let start = reader.offset
    if reader.take("#") {
      let number = try reader.count()
      try reader.expect(":")
      let type = try TensorType(&reader)
      guard let constant = constants(number, type), constant.type == type else {
        throw reader.error(at: start, "there is no constant #\(number) of type \(type)")
      }
      return (constant, type)
    }
    // Elements are read again when their type is known.
    var elements = reader
    _ = try reader.list("<", ">") { (reader) throws(ParseError) in try reader.float() }
    try reader.expect(":")
    let type = try TensorType(&reader)
    guard let dims = type.shape.constants, Evaluator.isEvaluated(type.element) else {
      throw reader.error(at: start, "there are no constants of type \(type)")
    }
    func fits(_ count: Int) throws(ParseError) {
      guard count == Evaluator.count(dims) else { throw reader.error(at: start, "\(type) has not \(count) elements") }
    }
    if type.element.isFloat {
      let values = try elements.list("<", ">") { (reader) throws(ParseError) in try reader.float() }
      try fits(values.count)
      return (ConstantTensor(type.element, dims: dims, doubles: values), type)
    }
    let values = try elements.list("<", ">") { (reader) throws(ParseError) in try reader.integer() }
    try fits(values.count)
    return (ConstantTensor(type.element, dims: dims, integers: values), type)
  }
}

extension ExternalArgument {
  /// Reads what `description` prints.
  fileprivate init(_ reader: inout TextReader) throws(ParseError) {
    let start = reader.offset
    switch try reader.word("an argument") {
    case "operand": self = .operand(try reader.count())
    case "result": self = .result(try reader.count())
    case "absent": self = .absent
    case "integer": self = .integer(try reader.integer())
    case "float": self = .float(Float(try reader.float()))
    default: throw reader.error(at: start, "operand, result, absent, integer or float expected")
    }
  }
}
