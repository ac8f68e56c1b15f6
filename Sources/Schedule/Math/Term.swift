import Support
import TensorIR

/// A scalar graph under construction that terms add nodes to.
final class MathBuilder {
  var graph = ScalarGraph()
  /// Whether conversions between `f16` and `f32` are operations.
  let convertsHalves: Bool

  init(convertsHalves: Bool = false) { self.convertsHalves = convertsHalves }

  func term(_ id: ScalarID) -> Term { Term(builder: self, id: id) }

  func number(_ value: Double, _ type: ElementType) -> Term { term(graph.number(value, type)) }

  func integer(_ value: Int, _ type: ElementType) -> Term { term(graph.integer(value, type)) }
}

/// A node of a graph under construction, with arithmetic; numbers next to a term take its type.
struct Term {
  let builder: MathBuilder
  let id: ScalarID

  var type: ElementType { builder.graph.type(of: id) }

  /// A number of this term's type.
  func constant(_ value: Double) -> Term { builder.number(value, type) }

  /// An integer of this term's type; of a float type, its value.
  func constant(_ value: Int) -> Term { builder.integer(value, type) }

  func unary(_ op: ScalarUnary) -> Term { builder.term(builder.graph.unary(op, id)) }
  func binary(_ op: ScalarBinary, _ other: Term) -> Term { builder.term(builder.graph.binary(op, id, other.id)) }
  func compare(_ op: ScalarCompare, _ other: Term) -> Term { builder.term(builder.graph.compare(op, id, other.id)) }

  var magnitude: Term { unary(.abs) }
  var squareRoot: Term { unary(.sqrt) }

  /// This term, a condition, chooses between two values.
  func choose(_ a: Term, _ b: Term) -> Term { builder.term(builder.graph.select(id, a.id, b.id)) }
  func choose(_ a: Double, _ b: Term) -> Term { choose(b.constant(a), b) }
  func choose(_ a: Term, _ b: Double) -> Term { choose(a, a.constant(b)) }

  func cast(_ type: ElementType) -> Term { builder.term(builder.graph.cast(id, to: type)) }
  func bitcast(_ type: ElementType) -> Term { builder.term(builder.graph.bitcast(id, to: type)) }

  /// `self * a + c`.
  func times(_ a: Term, plus c: Term) -> Term { builder.term(builder.graph.multiplyAdd(id, a.id, c.id)) }
  func times(_ a: Double, plus c: Term) -> Term { times(constant(a), plus: c) }
  func times(_ a: Term, plus c: Double) -> Term { times(a, plus: constant(c)) }
  func times(_ a: Double, plus c: Double) -> Term { times(constant(a), plus: constant(c)) }

  /// The lesser of this float and a number; NaN stays NaN.
  func atMost(_ limit: Double) -> Term { constant(limit).binary(.min, self) }
  /// The greater of this float and a number; NaN stays NaN.
  func atLeast(_ limit: Double) -> Term { constant(limit).binary(.max, self) }

  /// A polynomial in this term by Horner's rule, coefficients from the constant one up.
  func polynomial(_ coefficients: [Double]) -> Term {
    var sum = constant(coefficients[coefficients.count - 1])
    for coefficient in coefficients.dropLast().reversed() { sum = sum.times(self, plus: coefficient) }
    return sum
  }

  static prefix func - (a: Term) -> Term { a.unary(.negate) }
  static func + (a: Term, b: Term) -> Term { a.binary(.add, b) }
  static func - (a: Term, b: Term) -> Term { a.binary(.subtract, b) }
  static func * (a: Term, b: Term) -> Term { a.binary(.multiply, b) }
  static func / (a: Term, b: Term) -> Term { a.binary(.divide, b) }
  static func & (a: Term, b: Term) -> Term { a.binary(.and, b) }
  static func | (a: Term, b: Term) -> Term { a.binary(.or, b) }
  static func ^ (a: Term, b: Term) -> Term { a.binary(.xor, b) }
  static func < (a: Term, b: Term) -> Term { a.compare(.less, b) }
  static func <= (a: Term, b: Term) -> Term { a.compare(.lessOrEqual, b) }
  static func > (a: Term, b: Term) -> Term { a.compare(.greater, b) }
  static func >= (a: Term, b: Term) -> Term { a.compare(.greaterOrEqual, b) }
  static func == (a: Term, b: Term) -> Term { a.compare(.equal, b) }
  static func != (a: Term, b: Term) -> Term { a.compare(.notEqual, b) }

  static func + (a: Term, b: Double) -> Term { a + a.constant(b) }
  static func - (a: Term, b: Double) -> Term { a - a.constant(b) }
  static func * (a: Term, b: Double) -> Term { a * a.constant(b) }
  static func / (a: Term, b: Double) -> Term { a / a.constant(b) }
  static func + (a: Double, b: Term) -> Term { b.constant(a) + b }
  static func - (a: Double, b: Term) -> Term { b.constant(a) - b }
  static func * (a: Double, b: Term) -> Term { b.constant(a) * b }
  static func / (a: Double, b: Term) -> Term { b.constant(a) / b }
  static func < (a: Term, b: Double) -> Term { a < a.constant(b) }
  static func <= (a: Term, b: Double) -> Term { a <= a.constant(b) }
  static func > (a: Term, b: Double) -> Term { a > a.constant(b) }
  static func >= (a: Term, b: Double) -> Term { a >= a.constant(b) }
  static func == (a: Term, b: Double) -> Term { a == a.constant(b) }
  static func != (a: Term, b: Double) -> Term { a != a.constant(b) }
}

extension Term {
  /// The layout of this term's float type, `f32` or `f64`.
  var format: FloatFormat { type == .f32 ? .single : .double }

  /// The bits as a signed integer.
  var bits: Term { bitcast(format.integer) }

  /// The integer shifted by a number of places.
  func shiftedLeft(_ places: Int) -> Term { binary(.shiftLeft, constant(places)) }
  func shiftedRight(_ places: Int) -> Term { binary(.shiftRight, constant(places)) }

  /// This magnitude with the sign bit of another float.
  func withSign(of other: Term) -> Term {
    let sign = other.bits & other.bits.constant(format.sign)
    return (bits | sign).bitcast(type)
  }
}

/// Numbers that describe `f32` and `f64`.
struct FloatFormat {
  var integer: ElementType
  var mantissa: Int
  /// The bits of 1.
  var one: Int
  var sign: Int
  /// A float plus this is rounded to an integer, whose lowest bits are the lowest bits of the sum.
  var rounder: Double

  static let single = FloatFormat(
    integer: .i32, mantissa: 23, one: 0x3f80_0000, sign: Int(Int32.min), rounder: 0x1.8p23)
  static let double = FloatFormat(
    integer: .i64, mantissa: 52, one: 0x3ff0_0000_0000_0000, sign: .min, rounder: 0x1.8p52)
}
