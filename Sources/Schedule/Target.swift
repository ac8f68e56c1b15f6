/// Instructions that add the products of all numbers of groups of 32 bits to one sum.
public enum GroupUnit: Hashable, Sendable {
  /// One group in each lane of a vector (AVX-512 BF16 and VNNI).
  case vectors
  /// Matrices of 16 × 16 groups (Intel AMX).
  case tiles
}

/// What scheduling needs to know of a processor.
public struct Target: Hashable, Sendable {
  /// Bytes of one vector register; 0 where code stays scalar.
  public var vectorBytes: Int
  /// Vector registers that a micro-kernel may fill.
  public var vectorRegisters: Int
  /// Bytes of constants that stay near from one call to the next, in the second level of the cache.
  public var cacheBytes = 1 << 20
  /// What contractions of `bf16` factors are computed with.
  public var pairUnit: GroupUnit?
  /// What contractions of `u8` data and `i8` weights are computed with.
  public var byteUnit: GroupUnit?

  /// Whether instructions convert between `f16` and `f32`.
  public var convertsHalves = false

  public init(vectorBytes: Int, vectorRegisters: Int) {
    self.vectorBytes = vectorBytes
    self.vectorRegisters = vectorRegisters
  }

  /// Portable C: scalar expressions, a tile that common register files hold.
  public static let portable = Target(vectorBytes: 0, vectorRegisters: 16)
  public static let avx512 = Target(vectorBytes: 64, vectorRegisters: 32)
  public static let avx2 = Target(vectorBytes: 32, vectorRegisters: 16)
  public static let simd128 = Target(vectorBytes: 16, vectorRegisters: 16)
  public static let neon = Target(vectorBytes: 16, vectorRegisters: 32)

  /// Groups of bytes of one sum below which vectors, whose sums stay in registers, take less time than tiles.
  private static let fewGroups = 16

  /// What multiplies groups of so many numbers, with `count` groups in every sum.
  func unit(groupSize: Int, count: Int?) -> GroupUnit? {
    guard groupSize == 4 else { return pairUnit }
    return byteUnit == .tiles && count.map { $0 < Self.fewGroups } ?? false ? .vectors : byteUnit
  }

  /// Lanes of one register for elements of the given size; 1 where code stays scalar.
  public func lanes(_ elementBytes: Int) -> Int { max(1, vectorBytes / max(1, elementBytes)) }
}
