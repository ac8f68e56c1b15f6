import EmitHeader
import Support

/// How tightly a piece of C binds, loosest first.
enum Binding: Int, Comparable {
  case loose, logical, comparison, sum, product, prefix, atom

  static func < (a: Binding, b: Binding) -> Bool { a.rawValue < b.rawValue }
}

/// An expression in C.
struct CText {
  var text: String
  var binding: Binding

  init(_ text: String, _ binding: Binding = .atom) {
    self.text = text
    self.binding = binding
  }

  /// The text, in parentheses if it binds less tightly than its place needs.
  func at(_ needed: Binding) -> String { binding >= needed ? text : "(\(text))" }

  /// The text after a cast.
  func cast(to type: String) -> CText { CText("(\(type))\(at(.prefix))", .prefix) }

  static func infix(_ a: CText, _ sign: String, _ b: CText, _ binding: Binding, right: Binding) -> CText {
    CText("\(a.at(binding)) \(sign) \(b.at(right))", binding)
  }
}

extension ElementType {
  /// The C type of a value in computations.
  var cValueType: String { self == .bool ? "bool" : cType }

  /// The unsigned type of the same width.
  var cUnsignedType: String { "uint\(bits)_t" }

  /// The unsigned type in which arithmetic wraps around without being promoted.
  var cWrappingType: String { bits == 64 ? "uint64_t" : "uint32_t" }

  /// Whether C computes in `int` where the type is narrower.
  var isPromoted: Bool { isInteger && bits < 32 }

  /// A literal of an integer type, given by its value or its bits.
  func cLiteral(_ value: Int) -> CText {
    switch self {
    case .bool: return CText(value == 0 ? "false" : "true")
    case .u32: return CText("\(UInt32(truncatingIfNeeded: value))u")
    case .u64: return CText("UINT64_C(\(UInt64(bitPattern: Int64(value))))")
    case .i32 where value == Int(Int32.min): return CText("INT32_MIN")
    case .i64 where value == Int.min: return CText("INT64_MIN")
    case .i64 where Int32(exactly: value) == nil: return CText("INT64_C(\(value))")
    case _: break
    }
    let plain = CText("\(value)", value < 0 ? .prefix : .atom)
    return isPromoted ? plain.cast(to: cType) : plain
  }

  /// A literal of `f32` or `f64`.
  func cLiteral(_ value: Double) -> CText {
    let number = self == .f32 ? Double(Float(value)) : value
    let sign = number.sign == .minus && !number.isNaN ? "-" : ""
    let magnitude: String
    if number.isNaN {
      magnitude = "NAN"
    } else if number.isInfinite {
      magnitude = "INFINITY"
    } else {
      magnitude = self == .f32 ? "\(Float(value).magnitude)f" : "\(value.magnitude)"
    }
    let text = CText(sign + magnitude, sign.isEmpty ? .atom : .prefix)
    return self == .f64 && !number.isFinite ? text.cast(to: "double") : text
  }
}
