import Support
import TensorIR

extension ScalarGraph {
  /// The graph with only operations and types that Loop IR has.
  ///
  /// Results of types that only exist in storage are encoded for a store, or stay in the type that they are computed
  /// in. Where no instruction `convertsHalves`, arithmetic on their bits does.
  func legalized(encodingResults: Bool, convertsHalves: Bool = false) -> ScalarGraph {
    var legalizer = Legalizer(self, encodesResults: encodingResults, convertsHalves: convertsHalves)
    return legalizer.run()
  }
}

/// Rebuilds a scalar graph from operations and types that Loop IR has.
private struct Legalizer {
  let source: ScalarGraph
  /// Whether results go to memory.
  let encodesResults: Bool
  let builder: MathBuilder
  private var copies: [Term?]

  init(_ source: ScalarGraph, encodesResults: Bool, convertsHalves: Bool) {
    self.source = source
    builder = MathBuilder(convertsHalves: convertsHalves)
    self.encodesResults = encodesResults
    copies = [Term?](repeating: nil, count: source.nodes.count)
  }

  mutating func run() -> ScalarGraph {
    for id in source.reachable { copies[id.index] = copy(id) }
    builder.graph.results = source.results.map { result in
      let value = copied(result)
      return encodesResults ? value.encoded(source.type(of: result)).id : value.id
    }
    return builder.graph
  }

  private func copied(_ id: ScalarID) -> Term {
    guard let copy = copies[id.index] else { fatalError("node \(id.index) follows its use") }
    return copy
  }

  private func copy(_ id: ScalarID) -> Term {
    let type = source.type(of: id)
    switch source[id] {
    case .literal(let literal, _): return self.literal(literal, type)
    case .dim, .axis: return builder.term(builder.graph.add(source[id], type: type))
    case .accumulator(let position, _):
      let value = builder.term(builder.graph.accumulator(position, type.computed))
      return value.rounded(to: type)
    case .read(let operand, let indices, let outside):
      let fallback = outside.map { copied($0).encoded(type).id }
      let positions = indices.map { copied($0).id }
      return builder.term(builder.graph.read(operand, positions, outside: fallback, type: type.storage)).decoded(type)
    case .unary(let op, let a): return unary(op, copied(a), type)
    case .binary(let op, let a, let b): return binary(op, copied(a), copied(b), type)
    case .compare(let op, let a, let b): return copied(a).compare(op, copied(b))
    case .select(let c, let a, let b): return copied(c).choose(copied(a), copied(b))
    case .multiplyAdd(let a, let b, let c): return copied(a).times(copied(b), plus: copied(c)).rounded(to: type)
    case .cast(_, let a):
      let bounds = source.bounds(a)
      if let bounds, let integer = roundedByAddition(a, to: type, within: bounds) { return integer }
      return copied(a).converted(from: source.type(of: a), to: type, within: bounds)
    case .bitcast(_, let a): return copied(a).encoded(source.type(of: a)).bitcast(type.storage).decoded(type)
    }
  }

  /// What `rint` gives, or `rint` plus an integer, as a short integer: added to a number whose unit in the last place is 1,
  /// a small float leaves its nearest integer, even of two, in the lower bits of the sum.
  private func roundedByAddition(_ id: ScalarID, to type: ElementType, within bounds: ClosedRange<Double>) -> Term? {
    guard source.type(of: id) == .f32, type.isInteger, (8...16).contains(type.bits), bounds.lowerBound > -0x1p20,
      bounds.upperBound < 0x1p20
    else { return nil }
    var (rounded, offset) = (id, 0)
    if case .binary(.add, let a, let b) = source[id], let number = source.numberValue(b), number == number.rounded() {
      (rounded, offset) = (a, Int(number))
    }
    guard case .unary(.rint, let value) = source[rounded], abs(offset) < 1 << 20 else { return nil }
    let bits = (copied(value) + 0x1.8p23).bitcast(.i32)
    return (offset == 0 ? bits : bits + builder.integer(offset, .i32)).cast(type)
  }

  private func literal(_ literal: Literal, _ type: ElementType) -> Term {
    switch literal {
    case .integer(let value): builder.integer(value, type.computed)
    case .floatBits(let bits): builder.number(Scalar.round(Double(bitPattern: bits), type), type.computed)
    }
  }

  private func unary(_ op: ScalarUnary, _ x: Term, _ type: ElementType) -> Term {
    switch op {
    case .floor, .ceil, .trunc, .rint: return type.isFloat ? x.unary(op) : x
    case .negate: return x.unary(op).rounded(to: type.isFloat ? .f32 : type)
    case .abs: return type.isFloat || type.isSignedInteger ? x.unary(op).rounded(to: type.isFloat ? .f32 : type) : x
    case .not: return x.unary(op).rounded(to: type)
    case .popcount: return (type.bits < 8 ? x & x.constant(1 << type.bits - 1) : x).unary(op)
    case .sqrt: return x.unary(op).rounded(to: type)
    case .exp: return x.exponential.rounded(to: type)
    case .decay: return x.decay.rounded(to: type)
    case .log: return x.logarithm.rounded(to: type)
    case .tanh: return x.hyperbolicTangent.rounded(to: type)
    case .sigmoid: return x.sigmoid.rounded(to: type)
    case .erf: return x.errorFunction.rounded(to: type)
    case .log1p: return x.logarithmOfOnePlus.rounded(to: type)
    case .expm1: return x.exponentialMinusOne.rounded(to: type)
    case .sin: return x.inDouble(\.sine).rounded(to: type)
    case .cos: return x.inDouble(\.cosine).rounded(to: type)
    case .tan: return x.inDouble(\.tangent).rounded(to: type)
    case .asin: return x.inDouble(\.arcsine).rounded(to: type)
    case .acos: return x.inDouble(\.arccosine).rounded(to: type)
    case .atan: return x.inDouble(\.arctangent).rounded(to: type)
    case .sinh: return x.inDouble(\.hyperbolicSine).rounded(to: type)
    case .cosh: return x.inDouble(\.hyperbolicCosine).rounded(to: type)
    case .asinh: return x.inDouble(\.hyperbolicAreaSine).rounded(to: type)
    case .acosh: return x.inDouble(\.hyperbolicAreaCosine).rounded(to: type)
    case .atanh: return x.inDouble(\.hyperbolicAreaTangent).rounded(to: type)
    }
  }

  private func binary(_ op: ScalarBinary, _ x: Term, _ y: Term, _ type: ElementType) -> Term {
    switch op {
    case .min, .max: return x.binary(op, y)
    case .add, .subtract, .multiply, .and, .or, .xor, .shiftLeft, .shiftRight: return x.binary(op, y).rounded(to: type)
    case .divide:
      return (type.isFloat ? x / y : integerDivision(op, x, y)).rounded(to: type)
    case .floorDivide:
      return (type.isFloat ? (x / y).unary(.floor) : integerDivision(op, x, y)).rounded(to: type)
    case .remainder:
      return (type.isFloat ? x.inDouble(y) { $0.floatRemainder($1) } : integerDivision(op, x, y)).rounded(to: type)
    case .floorRemainder:
      return (type.isFloat ? x.inDouble(y) { $0.floatFloorRemainder($1) } : integerDivision(op, x, y)).rounded(to: type)
    case .power:
      guard type.isFloat else { return x.integerPower(y).rounded(to: type) }
      if case .literal(let literal, _) = builder.graph[y.id], let power = x.power(literal: literal.double) {
        return power.rounded(to: type)
      }
      return x.inDouble(y) { $0.power($1, isExact: type == .f64) }.rounded(to: type)
    case .atan2: return x.inDouble(y) { $0.angle(x: $1) }.rounded(to: type)
    }
  }

  /// Index arithmetic keeps its form, by which reads are analysed.
  private func integerDivision(_ op: ScalarBinary, _ x: Term, _ y: Term) -> Term {
    switch builder.graph[y.id] {
    case .literal(.integer(let divisor), _) where divisor > 0: return x.binary(op, y)
    case .dim: return x.binary(op, y)
    default: return x.integerDivision(op, y)
    }
  }
}

extension Term {
  /// A function computed in `f64`, with the result in this term's type.
  fileprivate func inDouble(_ function: (Term) -> Term) -> Term { function(cast(.f64)).cast(type) }

  fileprivate func inDouble(_ other: Term, _ function: (Term, Term) -> Term) -> Term {
    function(cast(.f64), other.cast(.f64)).cast(type)
  }

  /// The value as another type, given bounds that it is known to keep.
  fileprivate func converted(from source: ElementType, to target: ElementType, within bounds: ClosedRange<Double>?) -> Term {
    if target == .bool { return cast(.bool) }
    if type.isFloat && target.isFloat && target.computed == .f32 {
      let single = source == .f64 ? castToOddSingle : self
      guard let layout = SmallFloatLayout(target), layout.infinity != nil else { return single.rounded(to: target) }
      return single.atMost(layout.greatestNumber).atLeast(-layout.greatestNumber).rounded(to: target)
    }
    if type.isFloat, target.isInteger, let bounds, bounds.lowerBound > -0x1p31, bounds.upperBound < 0x1p31 {
      return cast(.i32).cast(target.computed).rounded(to: target)
    }
    if type.isFloat && target.isInteger { return truncated(to: target.computed).rounded(to: target) }
    return cast(target.computed).rounded(to: target)
  }
}
