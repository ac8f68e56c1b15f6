import Support

extension CustomOperatorRule {
  /// Reads one rule and checks that its outputs follow from its inputs and attributes.
  init(_ reader: inout TextReader) throws(ParseError) {
    domain = try reader.name()
    while reader.take(".") { domain += "." + (try reader.word("a domain")) }
    try reader.expect(":")
    try reader.expect(":")
    name = try reader.word("an operator")
    try reader.expect("(")
    if reader.token != .sign(")"), reader.token != .sign(";") {
      repeat { inputs.append(try Tensor(&reader)) } while reader.take(",")
    }
    if reader.take(";") {
      repeat { attributes.append(try Attribute(&reader)) } while reader.take(",")
    }
    try reader.expect(")")
    let start = reader.offset
    try reader.expect("->")
    repeat { outputs.append(try Tensor(&reader)) } while reader.take(",")
    if let problem = problem { throw reader.error(at: start, "\(name): \(problem)") }
  }

  /// What is wrong with the names.
  private var problem: String? {
    let names = (inputs + outputs).map(\.name) + attributes.map(\.name)
    guard Set(names).count == names.count else { return "two inputs, outputs or attributes have one name" }
    var known: Set<String> = []
    var lists: Set<String> = []
    for input in inputs {
      for axis in input.axes {
        switch axis {
        case .single(.name(let name)): known.insert(name)
        case .single(.number): continue
        case .single(let extent): return "dimension '\(extent)' of input \(input.name) is neither a name nor a number"
        case .rest(let name): lists.insert(name)
        }
      }
      if input.axes.count(where: { if case .rest = $0 { true } else { false } }) > 1 {
        return "input \(input.name) has two parts of open rank"
      }
    }
    if let twice = attributes.first(where: { known.contains($0.name) || lists.contains($0.name) }) {
      return "'\(twice.name)' is a dimension and an attribute"
    }
    for attribute in attributes where attribute.kind == .int { known.insert(attribute.name) }
    let vectors = Set(attributes.filter { $0.kind == .ints }.map(\.name))
    for output in outputs {
      if output.isOptional { return "output \(output.name) is optional" }
      if case .variable(let name) = output.element, !typeVariables.contains(name) { return "no input has type \(name)" }
      for axis in output.axes {
        switch axis {
        case .rest(let name): if !lists.contains(name) { return "no input has dimensions ..\(name)" }
        case .single(let extent):
          guard let name = extent.unknown(known, vectors) else { continue }
          return "'\(name)' is no dimension of an input and no integer attribute"
        }
      }
    }
    return nil
  }
}

extension CustomOperatorRule.Tensor {
  init(_ reader: inout TextReader) throws(ParseError) {
    if reader.token == .word("optional"), reader.following != .sign(":") {
      reader.advance()
      isOptional = true
    }
    name = try reader.word("a tensor")
    try reader.expect(":")
    let start = reader.offset
    let type = try reader.word("an element type")
    let possible = ElementType.allCases.filter(\.isInC)
    if let known = possible.first(where: { $0.rawValue == type }) {
      element = .fixed(known)
    } else if type.first?.isUppercase == true {
      element = .variable(type)
    } else {
      let known = possible.map(\.rawValue).joined(separator: " ")
      throw reader.error(at: start, "'\(type)' is no element type (\(known)) and no upper-case name for one")
    }
    axes = try reader.list("[", "]") { (reader) throws(ParseError) in
      guard reader.take(".") else { return .single(try CustomOperatorRule.Extent(&reader)) }
      try reader.expect(".")
      return .rest(try reader.word("a name"))
    }
  }
}

extension ElementType {
  /// Whether functions in C can take and give elements of this type.
  var isInC: Bool { self != .string && self != .c128 }
}

extension CustomOperatorRule.Extent {
  init(_ reader: inout TextReader) throws(ParseError) {
    self = try reader.nested { (reader) throws(ParseError) in try Self.sum(&reader) }
  }

  private static func sum(_ reader: inout TextReader) throws(ParseError) -> Self {
    var result = try product(&reader)
    while true {
      if reader.take("+") {
        result = .sum(result, try product(&reader))
      } else if reader.take("-") {
        result = .difference(result, try product(&reader))
      } else {
        return result
      }
    }
  }

  private static func product(_ reader: inout TextReader) throws(ParseError) -> Self {
    var result = try factor(&reader)
    while true {
      if reader.take("*") {
        result = .product(result, try factor(&reader))
      } else if reader.take("/") {
        result = .quotient(result, try factor(&reader))
      } else {
        return result
      }
    }
  }

  private static func factor(_ reader: inout TextReader) throws(ParseError) -> Self {
    if case .number = reader.token { return .number(try reader.count()) }
    if reader.take("(") {
      let inner = try Self(&reader)
      try reader.expect(")")
      return inner
    }
    let name = try reader.word("a dimension")
    guard reader.take("[") else { return .name(name) }
    let index = try reader.count()
    try reader.expect("]")
    return .element(name, index)
  }

  /// A name that is none of those given.
  fileprivate func unknown(_ names: Set<String>, _ lists: Set<String>) -> String? {
    switch self {
    case .number: nil
    case .name(let name): names.contains(name) ? nil : name
    case .element(let name, _): lists.contains(name) ? nil : name
    case .sum(let a, let b), .difference(let a, let b), .product(let a, let b), .quotient(let a, let b):
      a.unknown(names, lists) ?? b.unknown(names, lists)
    }
  }
}

extension CustomOperatorRule.Attribute {
  init(_ reader: inout TextReader) throws(ParseError) {
    name = try reader.word("an attribute")
    try reader.expect(":")
    let start = reader.offset
    guard let kind = CustomOperatorRule.AttributeKind(rawValue: try reader.word("a kind")) else {
      let kinds = CustomOperatorRule.AttributeKind.allCases.map(\.rawValue).joined(separator: ", ")
      throw reader.error(at: start, "an attribute is one of \(kinds)")
    }
    self.kind = kind
    guard reader.take("=") else { return }
    switch kind {
    case .int: fallback = .integers([try reader.integer()])
    case .float: fallback = .floats([Float(try reader.float())])
    case .string:
      guard case .quoted(let text) = reader.token else {
        throw reader.error("a text in quotes expected, not \(reader.found)")
      }
      reader.advance()
      fallback = .text(text)
    case .ints: fallback = .integers(try reader.list("[", "]") { (reader) throws(ParseError) in try reader.integer() })
    case .floats:
      fallback = .floats(try reader.list("[", "]") { (reader) throws(ParseError) in Float(try reader.float()) })
    }
  }
}
