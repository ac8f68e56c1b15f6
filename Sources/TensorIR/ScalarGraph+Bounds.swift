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

  /// A conversion without those that change nothing; nil if there are none.
  mutating func shortenedCast(_ a: ScalarID, to target: ElementType) -> ScalarID? {
    let source = type(of: a)
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
