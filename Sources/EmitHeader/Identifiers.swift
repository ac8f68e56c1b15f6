/// Makes names of a model into C identifiers that are also valid C++ and differ by more than case.
struct Identifiers {
  private var taken: Set<String>

  /// Starts with the words of C and C++, the names that generated code uses itself, and further ones.
  init(besides names: [String] = []) {
    taken = Set(Self.reserved.split(separator: " ").map { $0.uppercased() } + names.map { $0.uppercased() })
  }

  /// An identifier close to `name` that was not given before.
  mutating func make(_ name: String, fallback: String) -> String {
    var text = ""
    for scalar in name.unicodeScalars {
      let isWord = scalar == "_" || ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar)
      let isDigit = ("0"..."9").contains(scalar)
      if isWord || isDigit {
        text.unicodeScalars.append(scalar)
      } else if !text.hasSuffix("_") {
        text += "_"
      }
    }
    while text.hasPrefix("_") { text.removeFirst() }
    while text.hasSuffix("_") { text.removeLast() }
    if text.isEmpty { text = fallback }
    if let first = text.first, first.isNumber { text = fallback + text }
    var candidate = text
    var number = 2
    while !taken.insert(candidate.uppercased()).inserted {
      candidate = "\(text)_\(number)"
      number += 1
    }
    return candidate
  }

  private static let reserved = """
    arena memory parallel status inputs outputs symbols run model null true false bool asm auto break case catch char \
    class const const_cast constexpr consteval constinit continue co_await co_return co_yield char8_t char16_t \
    char32_t wchar_t decltype default delete do double dynamic_cast else enum explicit export extern float for \
    friend goto if inline int long mutable namespace new noexcept nullptr operator private protected public \
    register reinterpret_cast requires restrict return short signed sizeof static static_assert static_cast \
    struct switch template this thread_local throw try typedef typeid typename typeof union unsigned using \
    virtual void volatile while and and_eq bitand bitor compl not not_eq or or_eq xor xor_eq concept alignas \
    alignof linux unix i386 int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t size_t ptrdiff_t \
    intptr_t uintptr_t memcpy memset memmove errno stdin stdout stderr assert infinity nan int64_c uint64_c \
    int64_min int32_min
    """
}
