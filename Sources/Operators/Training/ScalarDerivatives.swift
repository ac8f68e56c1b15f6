import Support
import TensorIR

extension ScalarGraph {
  /// The derivatives of a result with respect to the float nodes that it is computed from, times `seed`.
  ///
  /// What a read has from outside of its operand's bounds belongs to its `outside` node; `isInside` tells whether
  /// indices are within the bounds of an operand.
  mutating func derivatives(
    of result: ScalarID, seed: ScalarID, isInside: (inout ScalarGraph, [ScalarID], Int) -> ScalarID
  ) -> [ScalarID: ScalarID] {
    var sums = [result: seed]
    for index in (0...result.index).reversed() {
      let id = ScalarID(index)
      guard let own = sums[id] else { continue }
      for (operand, derivative) in partials(id, own, isInside) where type(of: operand).isFloat {
        sums[operand] = sums[operand].map { plus($0, derivative) } ?? derivative
      }
    }
    return sums
  }

  /// What a node's operands get of its derivative.
  private mutating func partials(
    _ id: ScalarID, _ own: ScalarID, _ isInside: (inout ScalarGraph, [ScalarID], Int) -> ScalarID
  ) -> [(ScalarID, ScalarID)] {
    let type = type(of: id)
    let zero = { (graph: inout ScalarGraph) in graph.number(0, type) }
    switch self[id] {
    case .literal, .dim, .axis, .accumulator, .compare, .bitcast: return []
    case .read(let operand, let indices, let outside):
      guard let outside else { return [] }
      return [(outside, select(isInside(&self, indices, operand), zero(&self), own))]
    case .unary(let op, let a): return unaryPartial(op, a, id).map { [(a, times(own, $0))] } ?? []
    case .binary(let op, let a, let b): return binaryPartials(op, a, b, own)
    case .select(let condition, let a, let b):
      return [(a, select(condition, own, zero(&self))), (b, select(condition, zero(&self), own))]
    case .multiplyAdd(let a, let b, let c): return [(a, times(own, b)), (b, times(own, a)), (c, own)]
    case .cast(_, let a): return self.type(of: a).isFloat ? [(a, cast(own, to: self.type(of: a)))] : []
    }
  }

  /// The derivative of a function of one operand, given operand and result; nil where it is 0.
  private mutating func unaryPartial(_ op: ScalarUnary, _ x: ScalarID, _ y: ScalarID) -> ScalarID? {
    let type = type(of: x)
    guard type.isFloat else { return nil }
    let one = number(1, type)
    /// `1 / sqrt(x * x * scale + offset)`
    func inverseRoot(_ scale: Double, _ offset: Double) -> ScalarID {
      over(one, unary(.sqrt, affineNumber(times(x, x), scale, offset)))
    }
    switch op {
    case .floor, .ceil, .trunc, .rint, .not, .popcount: return nil
    case .negate: return number(-1, type)
    case .abs:
      let zero = number(0, type)
      let below = select(compare(.less, x, zero), number(-1, type), zero)
      return select(compare(.greater, x, zero), one, below)
    case .sqrt: return over(number(0.5, type), y)
    case .exp, .decay: return y
    case .expm1: return plus(y, one)
    case .log: return over(one, x)
    case .log1p: return over(one, plus(one, x))
    case .sin: return unary(.cos, x)
    case .cos: return negate(unary(.sin, x))
    case .tan: return plus(one, times(y, y))
    case .asin: return inverseRoot(-1, 1)
    case .acos: return negate(inverseRoot(-1, 1))
    case .atan: return over(one, plus(one, times(x, x)))
    case .sinh: return unary(.cosh, x)
    case .cosh: return unary(.sinh, x)
    case .tanh: return minus(one, times(y, y))
    case .asinh: return inverseRoot(1, 1)
    case .acosh: return inverseRoot(1, -1)
    case .atanh: return over(one, minus(one, times(x, x)))
    case .erf: return times(number(2 / Double.pi.squareRoot(), type), unary(.exp, negate(times(x, x))))
    case .sigmoid: return times(y, minus(one, y))
    }
  }

  private mutating func binaryPartials(
    _ op: ScalarBinary, _ a: ScalarID, _ b: ScalarID, _ own: ScalarID
  ) -> [(ScalarID, ScalarID)] {
    let type = type(of: a)
    guard type.isFloat else { return [] }
    let zero = number(0, type)
    switch op {
    case .add: return [(a, own), (b, own)]
    case .subtract: return [(a, own), (b, negate(own))]
    case .multiply: return [(a, times(own, b)), (b, times(own, a))]
    case .divide:
      let quotient = over(own, b)
      return [(a, quotient), (b, negate(times(quotient, over(a, b))))]
    case .remainder: return [(a, own), (b, negate(times(own, unary(.trunc, over(a, b)))))]
    case .floorRemainder: return [(a, own), (b, negate(times(own, unary(.floor, over(a, b)))))]
    case .min, .max:
      // With a NaN the result is b.
      let isFirst = compare(op == .min ? .less : .greater, a, b)
      return [(a, select(isFirst, own, zero)), (b, select(isFirst, zero, own))]
    case .power:
      let lower = binary(.power, a, affineNumber(b, 1, -1))
      let isPositive = compare(.greater, a, zero)
      let logarithm = unary(.log, select(isPositive, a, number(1, type)))
      return [(a, times(own, times(b, lower))), (b, times(own, times(binary(.power, a, b), logarithm)))]
    case .atan2:
      let square = plus(times(a, a), times(b, b))
      return [(a, times(own, over(b, square))), (b, negate(times(own, over(a, square))))]
    case .floorDivide, .and, .or, .xor, .shiftLeft, .shiftRight: return []
    }
  }
}
