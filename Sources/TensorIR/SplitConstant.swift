import Support

extension ScalarGraph {
  /// The bits of an `f32` number that are a `bf16` number as well.
  private static let upperHalf = 0xffff_0000

  /// The bits of `f32` numbers of which only the upper halves are not 0, that is of `bf16` numbers, and whose sum is a value:
  /// with 3 of them, or more, exactly.
  ///
  /// A part is what is left of the value when the parts before are taken away, rounded, half away from 0, or truncated.
  /// Products of truncated parts with each other are biased.
  public mutating func brainParts(of value: ScalarID, count: Int, rounded: Bool) -> [ScalarID] {
    var rest = value
    return (0..<count).map { part in
      var bits = bitcast(rest, to: .u32)
      let isExact = part == count - 1 && count >= 3
      if rounded && !isExact {
        bits = binary(.add, bits, part == 0 ? halfUnit(bits) : integer(0x8000, .u32))
      }
      let half = binary(.and, bits, integer(Self.upperHalf, .u32))
      if part < count - 1 { rest = minus(rest, bitcast(half, to: .f32)) }
      return half
    }
  }

  /// Half a unit in the last place of a `bf16` number; 0 for numbers that would be rounded to infinity, and not numbers.
  private mutating func halfUnit(_ bits: ScalarID) -> ScalarID {
    let magnitude = binary(.and, bits, integer(0x7fff_ffff, .u32))
    let isSmall = compare(.less, magnitude, integer(0x7f7f_8000, .u32))
    return select(isSmall, integer(0x8000, .u32), integer(0, .u32))
  }

  /// The part with a number, as `bf16` number.
  public mutating func brainPart(_ number: ScalarID, of parts: [ScalarID]) -> ScalarID {
    let halves = parts.map { cast(binary(.shiftRight, $0, integer(16, .u32)), to: .u16) }
    let half = halves.indices.dropLast().reversed().reduce(halves[parts.count - 1]) { rest, index in
      select(compare(.equal, number, integer(index)), halves[index], rest)
    }
    return bitcast(half, to: .bf16)
  }
}

/// A constant of finite `f32` numbers as sums of `bf16` numbers, its parts. They are truncated where they have all bits, which
/// takes fewer instructions, else rounded.
///
/// The parts are a map over the constant, with their numbers outermost, so that programs may keep the constant and split
/// what they need of it.
public struct SplitConstant: Hashable, Sendable {
  public var constant: ConstantTensor
  public var parts: Int

  public init(_ constant: ConstantTensor, parts: Int) {
    self.constant = constant
    self.parts = parts
  }

  /// Nil for formulas other than the one that `map` gives.
  public init?(_ formula: ConstantFormula) {
    guard formula.operands.count == 1, formula.operands[0].type.element == .f32,
      let parts = formula.map.shape.first?.constant,
      case let split = SplitConstant(formula.operands[0], parts: parts), split.map == formula.map
    else { return nil }
    self = split
  }

  /// Whether so many parts are rounded.
  public static func areRounded(_ parts: Int) -> Bool { parts < 3 }

  /// The map from the constant to its parts.
  public var map: Map {
    var body = ScalarGraph()
    let number = body.read(0, constant.dims.indices.map { body.axis($0 + 1) }, type: .f32)
    let parts = body.brainParts(of: number, count: parts, rounded: Self.areRounded(parts))
    body.results = [body.brainPart(body.axis(0), of: parts)]
    return Map(shape: [Dim(parts.count)] + constant.dims.map { Dim($0) }, body: body)
  }

  /// The part of one number.
  public func part(_ part: Int, of number: Float) -> UInt16 {
    var (rest, half) = (number, UInt32(0))
    for _ in 0...part {
      half = rest.bitPattern
      if Self.areRounded(parts), half & 0x7fff_ffff < 0x7f7f_8000 { half += 0x8000 }
      rest -= Float(bitPattern: half & 0xffff_0000)
    }
    return UInt16(half >> 16)
  }
}
