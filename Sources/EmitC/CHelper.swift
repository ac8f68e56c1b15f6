/// A small function that generated C brings along when it is used.
struct CHelper: Hashable {
  var name: String
  var text: String

  static func minimum(_ type: String, _ suffix: String) -> CHelper { choice("min", "<", type, suffix) }

  static func maximum(_ type: String, _ suffix: String) -> CHelper { choice("max", ">", type, suffix) }

  private static func choice(_ name: String, _ sign: String, _ type: String, _ suffix: String) -> CHelper {
    CHelper(
      name: "\(name)_\(suffix)",
      text: "static inline \(type) \(name)_\(suffix)(\(type) a, \(type) b) { return a \(sign) b ? a : b; }")
  }

  static func bitcast(_ from: String, _ to: String, name: String) -> CHelper {
    CHelper(
      name: name,
      text: """
        static inline \(to) \(name)(\(from) x) {
          \(to) y;
          memcpy(&y, &x, sizeof y);
          return y;
        }
        """)
  }

  static func multiplyAdd(_ type: String, _ suffix: String) -> CHelper {
    let letter = type == "float" ? "F" : ""
    return CHelper(
      name: "multiply_add_\(suffix)",
      text: """
        static inline \(type) multiply_add_\(suffix)(\(type) a, \(type) b, \(type) c) {
        #if defined(__clang__)
        #pragma STDC FP_CONTRACT ON
        #elif defined(__FP_FAST_FMA\(letter))
          return __builtin_fma\(letter.lowercased())(a, b, c);
        #endif
          return a * b + c;
        }
        """)
  }

  /// Rounds by an instruction, or by adding and subtracting the power of two above which all floats are whole.
  static func rounding(_ name: String, _ type: String, _ suffix: String) -> CHelper {
    let letter = type == "float" ? "f" : ""
    let large = type == "float" ? "8388608.0f" : "4503599627370496.0"
    let zero = "0.0\(letter)"
    let one = "1.0\(letter)"
    let correction =
      switch name {
      case "floor": "  if (y > x) y -= \(one);\n"
      case "ceil": "  if (y < x) y += \(one);\n"
      case "trunc": "  if (x < \(zero) ? y < x : y > x) y += x < \(zero) ? \(one) : -\(one);\n"
      case _: ""
      }
    return CHelper(
      name: "\(name)_\(suffix)",
      text: """
        static inline \(type) \(name)_\(suffix)(\(type) x) {
        #if defined(__GNUC__) && (defined(__SSE4_1__) || defined(__aarch64__))
          return __builtin_\(name)\(letter)(x);
        #else
          const \(type) large = \(large);
          \(type) y = x;
          if (x > -large && x < large) {
            const \(type) sum = x < \(zero) ? x - large : x + large;
            y = x < \(zero) ? sum + large : sum - large;
          }
        \(correction)  return copysign\(letter)(y, x);
        #endif
        }
        """)
  }

  static let floorDivide = CHelper(
    name: "floor_divide",
    text: """
      static inline int64_t floor_divide(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }
      """)

  static let floorRemainder = CHelper(
    name: "floor_remainder",
    text: """
      static inline int64_t floor_remainder(int64_t a, int64_t b) {
        const int64_t r = a % b;
        return r < 0 ? r + b : r;
      }
      """)

  static let shiftRight = CHelper(
    name: "shift_right",
    text: """
      static inline int64_t shift_right(int64_t x, int n) { return x < 0 ? ~(~x >> n) : x >> n; }
      """)

  static let absolute = CHelper(
    name: "absolute",
    text: """
      static inline int64_t absolute(int64_t x) { return x < 0 ? (int64_t)(0u - (uint64_t)x) : x; }
      """)

  static let popcount = CHelper(
    name: "count_bits",
    text: """
      static inline int count_bits(uint64_t x) {
        int n = 0;
        for (; x != 0; x &= x - 1) ++n;
        return n;
      }
      """)

  static let leadingZeros = CHelper(
    name: "leading_zeros",
    text: """
      static inline int leading_zeros(uint64_t x, int width) {
        int n = width;
        for (; x != 0; x >>= 1) --n;
        return n;
      }
      """)

  static let trailingZeros = CHelper(
    name: "trailing_zeros",
    text: """
      static inline int trailing_zeros(uint64_t x, int width) {
        int n = 0;
        if (x == 0) return width;
        for (; (x & 1) == 0; x >>= 1) ++n;
        return n;
      }
      """)
}
