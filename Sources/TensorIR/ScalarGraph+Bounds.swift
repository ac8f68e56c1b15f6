import Support

/// What quantization lets know of numbers.
extension ScalarGraph {
  /// The literals between which a clamp keeps a float, whatever its operand is.
  public func clamp(_ id: ScalarID) -> (operand: ScalarID, bounds: ClosedRange<Double>)? {
    guard type(of: id).isFloat else { return nil }
    switch self[id] {
    case .binary(.min, let inner, let high):
      guard case .binary(.max, let operand, let low) = self[inner] else { return nil }
      return range(low, high).map { (operand, $0) }
    case .binary(.max, let inner, let low):
      guard case .binary(.min, let operand, let high) = self[inner] else { return nil }
      return range(low, high).map { (operand, $0) }
    case .literal, .dim, .axis, .read, .accumulator, .unary, .binary, .compare, .select, .multiplyAdd, .cast, .bitcast:
      return nil
    }
  }

  /// Numbers between which a float certainly is, computed from clamps with some room for rounding; nil where there are none.
  public func bounds(_ id: ScalarID) -> ClosedRange<Double>? {
    var known: [ScalarID: ClosedRange<Double>?] = [:]
    return bounds(id, &known)
  }

  /// Nodes may share operands, so that there are far more paths than nodes.
  private func bounds(_ id: ScalarID, _ known: inout [ScalarID: ClosedRange<Double>?]) -> ClosedRange<Double>? {
    if let earlier = known[id] { return earlier }
    func of(_ operand: ScalarID) -> ClosedRange<Double>? { bounds(operand, &known) }
    var result = clamp(id)?.bounds
    if result == nil, type(of: id) == .f32 {
      switch self[id] {
      case .literal(let literal, _): result = literal.double.isFinite ? literal.double...literal.double : nil
      case .unary(.rint, let a): result = of(a).map { $0.lowerBound.rounded(.down)...$0.upperBound.rounded(.up) }
      case .binary(.add, let a, let b): result = sum(of(a), of(b))
      case .binary(.subtract, let a, let b): result = sum(of(a), of(b).map { -$0.upperBound ... -$0.lowerBound })
      case .binary(.multiply, let a, let b): result = product(of(a), of(b))
      case .multiplyAdd(let a, let b, let c): result = sum(product(of(a), of(b)), of(c))
      case .dim, .axis, .read, .accumulator, .unary, .binary, .compare, .select, .cast, .bitcast: break
      }
    }
    known[id] = .some(result)
    return result
  }

  private func sum(_ a: ClosedRange<Double>?, _ b: ClosedRange<Double>?) -> ClosedRange<Double>? {
    guard let a, let b else { return nil }
    return rounded(a.lowerBound + b.lowerBound, a.upperBound + b.upperBound)
  }

  private func product(_ a: ClosedRange<Double>?, _ b: ClosedRange<Double>?) -> ClosedRange<Double>? {
    guard let a, let b else { return nil }
    let corners = [a.lowerBound, a.upperBound].flatMap { [$0 * b.lowerBound, $0 * b.upperBound] }
    return rounded(corners.reduce(.infinity, min), corners.reduce(-.infinity, max))
  }

  /// Bounds that hold for the sum or product rounded to `f32` too; nil beyond what integers of 32 bits are asked for.
  private func rounded(_ low: Double, _ high: Double) -> ClosedRange<Double>? {
    guard max(abs(low), abs(high)) < 0x1p40 else { return nil }
    return low - abs(low) * 0x1p-20 - 0x1p-100 ... high + abs(high) * 0x1p-20 + 0x1p-100
  }

  private func range(_ low: ScalarID, _ high: ScalarID) -> ClosedRange<Double>? {
    guard let low = numberValue(low), let high = numberValue(high), low <= high else { return nil }
    return low...high
  }

  /// The value of a literal node.
  public func numberValue(_ id: ScalarID) -> Double? {
    if case .literal(let literal, _) = self[id] { literal.double } else { nil }
  }

  /// Whether a float is an integer, infinite or NaN, but not the negative zero.
  private func isIntegral(_ id: ScalarID) -> Bool {
    guard case .binary(.add, let rounded, let offset) = self[id], let number = numberValue(offset) else { return false }
    switch self[rounded] {
    case .unary(.rint, _), .unary(.floor, _), .unary(.ceil, _), .unary(.trunc, _):
      return number == number.rounded() && (number != 0 || number.sign == .plus)
    case .literal, .dim, .axis, .read, .accumulator, .unary, .binary, .compare, .select, .multiplyAdd, .cast, .bitcast:
      return false
    }
  }

  /// The integers between which a clamp keeps a float that is one, or NaN.
  public func clampedIntegers(_ id: ScalarID) -> ClosedRange<Int>? {
    guard let (operand, bounds) = clamp(id), isRounded(operand), abs(bounds.lowerBound) < 0x1p24,
      abs(bounds.upperBound) < 0x1p24, bounds.lowerBound == bounds.lowerBound.rounded(),
      bounds.upperBound == bounds.upperBound.rounded()
    else { return nil }
    return Int(bounds.lowerBound)...Int(bounds.upperBound)
  }

  /// Whether a float is an integer, infinite or NaN.
  private func isRounded(_ id: ScalarID) -> Bool {
    switch self[id] {
    case .unary(.rint, _), .unary(.floor, _), .unary(.ceil, _), .unary(.trunc, _): true
    case .binary(.add, _, _): isIntegral(id)
    case .literal, .dim, .axis, .read, .accumulator, .unary, .binary, .compare, .select, .multiplyAdd, .cast, .bitcast:
      false
    }
  }

  /// The integers that a node may be.
  private func integers(_ id: ScalarID) -> ClosedRange<Int>? {
    switch self[id] {
    case .cast(_, let value):
      guard let bounds = clamp(value)?.bounds, abs(bounds.lowerBound) < 0x1p24, abs(bounds.upperBound) < 0x1p24 else {
        return nil
      }
      return Int(bounds.lowerBound.rounded(.towardZero))...Int(bounds.upperBound.rounded(.towardZero))
    case .literal, .dim, .axis, .read, .accumulator, .unary, .binary, .compare, .select, .multiplyAdd, .bitcast:
      return nil
    }
  }

  /// The float of which an integer is the conversion, if that changes nothing.
  private func float(behind id: ScalarID) -> ScalarID? {
    guard case .cast(_, let value) = self[id], type(of: id).isInteger, type(of: value) == .f32, integers(id) != nil,
      let (operand, bounds) = clamp(value), isIntegral(operand), bounds.lowerBound == bounds.lowerBound.rounded(),
      bounds.upperBound == bounds.upperBound.rounded()
    else { return nil }
    return value
  }

  /// `integer + offset - offset` of floats, which is exact for small integers and gives no negative zero.
  mutating func withoutOffset(_ a: ScalarID, minus b: ScalarID) -> ScalarID? {
    guard case .binary(.add, let value, b) = self[a], let offset = numberValue(b), offset != 0, isIntegral(a),
      let bounds = bounds(value), abs(offset) + max(abs(bounds.lowerBound), abs(bounds.upperBound)) < 0x1p24
    else { return nil }
    return plus(value, number(0, .f32))
  }

  /// A conversion without those that change nothing, and without a zero that is added before; nil if there are none.
  mutating func shortenedCast(_ a: ScalarID, to target: ElementType) -> ScalarID? {
    let source = type(of: a)
    if source == .f32, target.isInteger, case .binary(.add, let value, let zero) = self[a], numberValue(zero) == 0 {
      return cast(value, to: target)
    }
    if case .literal(.integer(let value), _) = self[a], source.isInteger, target == .f32, abs(value) <= 1 << 24 {
      return number(Double(value), .f32)
    }
    if case .cast(_, let inner) = self[a], source.isInteger, type(of: inner).isInteger, target != .bool,
      let range = integers(inner), source.holds(range)
    {
      return cast(inner, to: target)
    }
    guard target == .f32 else { return nil }
    if let value = float(behind: a) { return value }
    if case .binary(.subtract, let x, let y) = self[a], source == .i32, let value = float(behind: x),
      let offset = smallInteger(y), offset != 0
    {
      return minus(value, number(Double(offset), .f32))
    }
    return nil
  }

  /// The value of an integer literal, perhaps converted to a wider type, that `f32` holds.
  private func smallInteger(_ id: ScalarID) -> Int? {
    if case .cast(let target, let inner) = self[id], target.isInteger, type(of: inner).isInteger,
      let value = integerValue(inner)
    {
      return target.holds(value...value) ? value : nil
    }
    return integerValue(id).flatMap { abs($0) <= 1 << 16 ? $0 : nil }
  }
}

extension ElementType {
  /// Whether all of some integers are of the type.
  fileprivate func holds(_ range: ClosedRange<Int>) -> Bool {
    guard isInteger, bits < 64 else { return isInteger && isSignedInteger }
    let low = isSignedInteger ? -(1 << (bits - 1)) : 0
    return low <= range.lowerBound && range.upperBound < low + 1 << bits
  }
}
