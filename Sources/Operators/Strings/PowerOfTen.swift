import Support
import TensorIR

/// A power of ten as an integer of 128 bits, the highest of them 1, times a power of two; what does not fit is cut off.
struct PowerOfTen {
  /// Those that bring a float to 8 digits before the point, and one more at each end.
  static let exponents = -302...332

  /// The lowest 32 bits first.
  private var limbs: [UInt32]
  private var scale: Int

  /// Rows of four limbs and the exponent of two, as `u64`.
  static func table() -> ConstantTensor {
    // Divided by 5 over and over, this keeps more than 128 bits.
    var small = [UInt32](repeating: 0, count: 32) + [1]
    var fractions: [PowerOfTen] = []
    for exponent in 1...(-exponents.lowerBound) {
      small = quotient(small, by: 5)
      fractions.append(PowerOfTen(small, scale: -1024 - exponent))
    }
    var large: [UInt32] = [1]
    var wholes = [PowerOfTen(large, scale: 0)]
    for exponent in 1...exponents.upperBound {
      large = product(large, by: 5)
      wholes.append(PowerOfTen(large, scale: exponent))
    }
    let rows = (fractions.reversed() + wholes).flatMap { $0.limbs.map { Int($0) } + [$0.scale] }
    return ConstantTensor(.u64, dims: [exponents.count, 5], integers: rows)
  }

  /// The upper 128 bits of an integer times a power of two.
  private init(_ integer: [UInt32], scale: Int) {
    let length = integer.lastIndex { $0 != 0 }.map { $0 * 32 + 32 - integer[$0].leadingZeroBitCount } ?? 0
    let start = length - 128
    func bit(_ position: Int) -> UInt32 {
      position < 0 || position >= 32 * integer.count ? 0 : integer[position / 32] >> UInt32(position % 32) & 1
    }
    limbs = (0..<4).map { limb in
      (0..<32).reduce(UInt32(0)) { $0 | bit(start + 32 * limb + $1) << UInt32($1) }
    }
    self.scale = scale + start
  }

  private static func quotient(_ integer: [UInt32], by divisor: UInt64) -> [UInt32] {
    var rest: UInt64 = 0
    var result = integer
    for index in integer.indices.reversed() {
      let part = rest << 32 | UInt64(integer[index])
      result[index] = UInt32(part / divisor)
      rest = part % divisor
    }
    return result
  }

  private static func product(_ integer: [UInt32], by factor: UInt64) -> [UInt32] {
    var carry: UInt64 = 0
    var result: [UInt32] = []
    for limb in integer {
      carry += UInt64(limb) * factor
      result.append(UInt32(truncatingIfNeeded: carry))
      carry >>= 32
    }
    return carry == 0 ? result : result + [UInt32(carry)]
  }
}

extension ScalarGraph {
  /// 1 if any bit is set, else 0.
  mutating func sticky(_ word: ScalarID) -> ScalarID {
    cast(compare(.notEqual, word, integer(0, .u64)), to: .u64)
  }

  /// The product of an integer below 2^53 and one of four 32-bit limbs, as three 64-bit words, the lowest first.
  mutating func product(_ factor: ScalarID, _ limbs: [ScalarID]) -> [ScalarID] {
    let (mask, half) = (integer(0xffff_ffff, .u64), integer(32, .u64))
    let parts = [binary(.and, factor, mask), binary(.shiftRight, factor, half)]
    var columns = [ScalarID](repeating: integer(0, .u64), count: 6)
    var carry = integer(0, .u64)
    // Sums of halves of products stay far below 64 bits.
    var sums = [[ScalarID]](repeating: [], count: 7)
    for (place, limb) in limbs.enumerated() {
      for (offset, part) in parts.enumerated() {
        let whole = times(limb, part)
        sums[place + offset].append(binary(.and, whole, mask))
        sums[place + offset + 1].append(binary(.shiftRight, whole, half))
      }
    }
    for column in columns.indices {
      let sum = sums[column].reduce(carry) { plus($0, $1) }
      columns[column] = binary(.and, sum, mask)
      carry = binary(.shiftRight, sum, half)
    }
    return [0, 2, 4].map { binary(.or, columns[$0], binary(.shiftLeft, columns[$0 + 1], half)) }
  }
}
