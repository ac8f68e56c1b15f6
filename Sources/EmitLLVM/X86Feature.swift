import Support

/// Where CPUID tells of a feature of x86-64 processors.
struct X86Feature: Hashable {
  /// A register that CPUID sets; in order of encoding.
  enum Register: UInt32, CaseIterable { case eax, ebx, ecx, edx }

  /// A register of one leaf and subleaf.
  struct Word: Hashable {
    var leaf: Int
    var subleaf = 0
    var register: Register
  }

  /// Registers of the processor that the system must save for the feature to be usable, as bits of XCR0.
  enum State: Int {
    case none = 0
    /// SSE and AVX.
    case ymm = 0x6
    /// The same with the mask registers and both parts of the 512-bit registers.
    case zmm = 0xe6
    /// The same with the tile registers and their shapes.
    case tiles = 0x600e6
  }

  var word: Word
  var bit: Int
  var state: State

  private init(word: Word, bit: Int, state: State) {
    self.word = word
    self.bit = bit
    self.state = state
  }

  /// The feature that LLVM calls `name`; nil if it is none that is known here.
  init?(_ name: Substring) {
    for entry in Self.table {
      guard let bit = entry.names[name] else { continue }
      self.init(word: entry.word, bit: bit, state: entry.state)
      return
    }
    return nil
  }

  /// The features that a list such as `+avx2,-fma` leaves switched on.
  static func all(in list: String) throws(ModelError) -> Set<X86Feature> {
    var features: Set<X86Feature> = []
    for item in list.split(separator: ",") {
      guard let feature = X86Feature(item.dropFirst()) else {
        if item.hasPrefix("-") { continue }
        throw .unsupported(
          "code for several processors cannot find out whether a processor has '\(item.dropFirst())'",
          hint: "give one --cpu with it")
      }
      if item.hasPrefix("-") { features.remove(feature) } else { features.insert(feature) }
    }
    return features
  }

  /// Intel's manual, volume 2A, CPUID; AMD's volume 3, appendix E, for leaf 0x8000_0001.
  private static let table: [(word: Word, state: State, names: [Substring: Int])] = [
    (
      Word(leaf: 1, register: .ecx), .none,
      [
        "sse3": 0, "pclmul": 1, "ssse3": 9, "cx16": 13, "sse4.1": 19, "sse4.2": 20, "movbe": 22, "popcnt": 23,
        "aes": 25, "xsave": 26,
      ]
    ),
    (Word(leaf: 1, register: .ecx), .ymm, ["fma": 12, "avx": 28, "f16c": 29]),
    (Word(leaf: 7, register: .ebx), .none, ["bmi": 3, "bmi2": 8, "adx": 19, "sha": 29]),
    (Word(leaf: 7, register: .ebx), .ymm, ["avx2": 5]),
    (
      Word(leaf: 7, register: .ebx), .zmm,
      ["avx512f": 16, "avx512dq": 17, "avx512ifma": 21, "avx512cd": 28, "avx512bw": 30, "avx512vl": 31]
    ),
    (Word(leaf: 7, register: .ecx), .none, ["gfni": 8]),
    (Word(leaf: 7, register: .ecx), .ymm, ["vaes": 9, "vpclmulqdq": 10]),
    (
      Word(leaf: 7, register: .ecx), .zmm,
      ["avx512vbmi": 1, "avx512vbmi2": 6, "avx512vnni": 11, "avx512bitalg": 12, "avx512vpopcntdq": 14]
    ),
    (Word(leaf: 7, register: .edx), .zmm, ["avx512fp16": 23]),
    (Word(leaf: 7, register: .edx), .tiles, ["amx-bf16": 22, "amx-tile": 24, "amx-int8": 25]),
    (Word(leaf: 7, subleaf: 1, register: .eax), .ymm, ["avxvnni": 4]),
    (Word(leaf: 7, subleaf: 1, register: .eax), .zmm, ["avx512bf16": 5]),
    (Word(leaf: 0x8000_0001, register: .ecx), .none, ["sahf": 0, "lzcnt": 5]),
  ]
}
