import Support

extension Dim {
  /// Reads what `description` prints.
  init(_ reader: inout TextReader) throws(ParseError) {
    self = try Dim.product(&reader)
    while reader.take("+") { self = self + (try Dim.product(&reader)) }
  }

  fileprivate static func product(_ reader: inout TextReader) throws(ParseError) -> Dim {
    var product = try factor(&reader)
    while reader.take("*") { product = product * (try factor(&reader)) }
    return product
  }

  private static func factor(_ reader: inout TextReader) throws(ParseError) -> Dim {
    if case .number = reader.token { return Dim(try reader.integer()) }
    let isFunction = reader.following == .sign("(")
    let start = reader.offset
    if case .word(let name) = reader.token, isFunction {
      reader.advance()
      let operands = try reader.nested { (reader) throws(ParseError) in
        try reader.list("(", ")") { (reader) throws(ParseError) in try Dim(&reader) }
      }
      guard operands.count == 2, let atom = function(name, operands[0], operands[1]) else {
        throw reader.error(at: start, "'\(name)' is no function of \(operands.count) dimensions")
      }
      return Dim(atom: atom)
    }
    return Dim(symbol: try reader.name())
  }

  private static func function(_ name: String, _ a: Dim, _ b: Dim) -> DimAtom? {
    switch name {
    case "floordiv": .floorDivide(a, b)
    case "mod": .remainder(a, b)
    case "min": .min(a, b)
    case "max": .max(a, b)
    default: nil
    }
  }
}

extension AffineIndex {
  /// Reads what `description` prints.
  init(_ reader: inout TextReader) throws(ParseError) {
    self.init()
    repeat {
      let start = reader.offset
      if let axis = AffineIndex.axis(reader.token) {
        reader.advance()
        try add(1, axis, reader, start)
      } else if case .number = reader.token, reader.following == .sign("*") {
        var ahead = reader
        let coefficient = try ahead.integer()
        ahead.advance()
        if let axis = AffineIndex.axis(ahead.token) {
          ahead.advance()
          reader = ahead
          try add(coefficient, axis, reader, start)
        } else {
          offset = offset + (try Dim.product(&reader))
        }
      } else {
        offset = offset + (try Dim.product(&reader))
      }
    } while reader.take("+")
  }

  private static func axis(_ token: Token) -> Int? {
    guard case .word(let word) = token else { return nil }
    return TextReader.number(in: word, after: "d")
  }

  private mutating func add(_ coefficient: Int, _ axis: Int, _ reader: TextReader, _ start: Int) throws(ParseError) {
    guard coefficients[axis] == nil, coefficient != 0 else {
      throw reader.error(at: start, "d\(axis) has coefficient 0 or occurs twice")
    }
    coefficients[axis] = coefficient
  }
}

extension TensorType {
  /// Reads what `description` prints.
  init(_ reader: inout TextReader) throws(ParseError) {
    let start = reader.offset
    self.init(try reader.element(), try reader.list("[", "]") { (reader) throws(ParseError) in try Dim(&reader) })
    guard hasValidSize else { throw reader.error(at: start, "\(self) is too large or negative") }
  }
}
