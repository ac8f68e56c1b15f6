import Support

/// An irreducible factor of a symbolic integer expression.
public indirect enum DimAtom: Hashable, Sendable {
  case symbol(String)
  case floorDivide(Dim, Dim)
  case remainder(Dim, Dim)
  case min(Dim, Dim)
  case max(Dim, Dim)

  /// A lower bound that holds for all values of the symbols.
  var lowerBound: Int? {
    switch self {
    case .symbol: return 0
    case .floorDivide(let x, let y):
      guard let low = x.lowerBound, y.lowerBound ?? 0 > 0 else { return nil }
      return low >= 0 ? 0 : y.constant.map { Dim(low).floorDivided(by: Dim($0)).offset } ?? low
    case .remainder(_, let y): return y.lowerBound ?? 0 > 0 ? 0 : nil
    case .min(let x, let y):
      guard let first = x.lowerBound, let second = y.lowerBound else { return nil }
      return Swift.min(first, second)
    case .max(let x, let y):
      guard let first = x.lowerBound else { return y.lowerBound }
      return Swift.max(first, y.lowerBound ?? first)
    }
  }
}

/// An integer expression over named symbols in canonical form: a constant plus a sum of products.
///
/// Equal polynomials compare equal. Symbols stand for values of at least 0.
public struct Dim: Hashable, Sendable {
  struct Term: Hashable, Sendable {
    var coefficient: Int
    /// Sorted.
    var factors: [DimAtom]

    /// The quotient of products, if it is one.
    func divided(by other: Term) -> Dim? {
      guard coefficient % other.coefficient == 0 else { return nil }
      var rest = factors
      for factor in other.factors {
        guard let position = rest.firstIndex(of: factor) else { return nil }
        rest.remove(at: position)
      }
      let quotient = coefficient / other.coefficient
      return rest.isEmpty ? Dim(quotient) : Dim.canonical(0, [Term(coefficient: quotient, factors: rest)])
    }
  }

  var offset: Int
  /// Sorted by their factors; no coefficient is 0.
  var terms: [Term]

  public init(_ value: Int) {
    offset = value
    terms = []
  }

  /// A named unknown.
  public init(symbol: String) {
    offset = 0
    terms = [Term(coefficient: 1, factors: [.symbol(symbol)])]
  }

  public init(atom: DimAtom) {
    offset = 0
    terms = [Term(coefficient: 1, factors: [atom])]
  }

  /// The value if it does not depend on symbols.
  public var constant: Int? { terms.isEmpty ? offset : nil }

  /// A lower bound that holds for all values of the symbols.
  public var lowerBound: Int? {
    var bound = Dim(offset)
    for term in terms {
      guard term.coefficient > 0 else { return nil }
      let bounds = term.factors.compactMap(\.lowerBound)
      guard bounds.count == term.factors.count else { return nil }
      if bounds.contains(where: { $0 < 0 }), bounds.count > 1 { return nil }
      bound = bound + bounds.reduce(Dim(term.coefficient)) { $0 * Dim($1) }
    }
    return bound.offset
  }

  /// Whether this extent is certain to be no larger than another.
  public func isAtMost(_ other: Dim) -> Bool {
    let difference = other - self
    return difference.lowerBound ?? -1 >= 0 || difference.isCertainlyPositive(depth: 0)
  }

  /// Whether replacing one atom by a bound of it leaves something that is not negative: a maximum by either operand, a minimum that is
  /// subtracted too, and a subtracted `k * floordiv(x, k)` by x.
  private func isCertainlyPositive(depth: Int) -> Bool {
    // Long sums are never certain in practice, and trying takes long.
    guard depth < 3, terms.count <= 6 else { return false }
    for (position, term) in terms.enumerated() where term.factors.count == 1 {
      var rest = self
      rest.terms.remove(at: position)
      var bounds: [Dim] = []
      switch term.factors[0] {
      case .max(let a, let b) where term.coefficient > 0: bounds = [a, b]
      case .min(let a, let b) where term.coefficient < 0: bounds = [a, b]
      case .floorDivide(let x, let y) where term.coefficient < 0:
        if let divisor = y.constant, divisor > 0, term.coefficient % divisor == 0 {
          rest = rest + x * (term.coefficient / divisor)
          bounds = [0]
        }
      case .symbol, .max, .min, .floorDivide, .remainder: break
      }
      for bound in bounds {
        let changed = rest + bound * term.coefficient
        if changed.lowerBound ?? -1 >= 0 || changed.isCertainlyPositive(depth: depth + 1) { return true }
      }
    }
    return false
  }

  /// What the names of measured symbols end with, and those of the model's dimensions do not.
  public static let measuredMark = "'"

  /// Whether the value depends on symbols that a call measures.
  public var isMeasured: Bool { terms.isEmpty ? false : symbols.contains { $0.hasSuffix(Dim.measuredMark) } }

  /// The names of all symbols in the expression.
  public var symbols: Set<String> {
    var found: Set<String> = []
    for term in terms { for factor in term.factors { factor.collectSymbols(into: &found) } }
    return found
  }

  private static func canonical(_ offset: Int, _ terms: [Term]) -> Dim {
    var sums: [[DimAtom]: Int] = [:]
    for term in terms { sums[term.factors] = saturatingSum(sums[term.factors, default: 0], term.coefficient) }
    var result = Dim(offset)
    result.terms = sums.filter { $0.value != 0 }.map { Term(coefficient: $0.value, factors: $0.key) }
      .sorted { $0.factors.lexicographicallyPrecedes($1.factors) }
    return result
  }

  public static func + (a: Dim, b: Dim) -> Dim {
    if a.terms.isEmpty && b.terms.isEmpty { return Dim(saturatingSum(a.offset, b.offset)) }
    return canonical(saturatingSum(a.offset, b.offset), a.terms + b.terms)
  }

  public static func * (a: Dim, b: Dim) -> Dim {
    if a.terms.isEmpty && b.terms.isEmpty { return Dim(saturatingProduct(a.offset, b.offset)) }
    var products: [Term] = []
    for x in a.terms where b.offset != 0 {
      products.append(Term(coefficient: saturatingProduct(x.coefficient, b.offset), factors: x.factors))
    }
    for y in b.terms where a.offset != 0 {
      products.append(Term(coefficient: saturatingProduct(y.coefficient, a.offset), factors: y.factors))
    }
    for x in a.terms {
      for y in b.terms {
        let factors = (x.factors + y.factors).sorted()
        products.append(Term(coefficient: saturatingProduct(x.coefficient, y.coefficient), factors: factors))
      }
    }
    return canonical(saturatingProduct(a.offset, b.offset), products)
  }

  public static prefix func - (a: Dim) -> Dim { a * Dim(-1) }
  public static func - (a: Dim, b: Dim) -> Dim { a + -b }
  public static func + (a: Dim, b: Int) -> Dim { a + Dim(b) }
  public static func - (a: Dim, b: Int) -> Dim { a - Dim(b) }
  public static func * (a: Dim, b: Int) -> Dim { a * Dim(b) }

  /// The quotient rounded toward minus infinity; the divisor is positive.
  public func floorDivided(by b: Dim) -> Dim {
    if b.constant == 1 { return self }
    if self == b { return Dim(1) }
    if let x = constant, let y = b.constant, y > 0 { return Dim(Dim.floorQuotient(x, y)) }
    if let y = b.constant, y > 0 {
      let divisible = terms.filter { $0.coefficient % y == 0 }
      var whole = Dim(Dim.floorQuotient(offset, y))
      whole.terms = divisible.map { Term(coefficient: $0.coefficient / y, factors: $0.factors) }
      var rest = Dim(offset - Dim.floorQuotient(offset, y) * y)
      rest.terms = terms.filter { $0.coefficient % y != 0 }
      if rest.terms.isEmpty { return whole }
      return whole + Dim(atom: .floorDivide(rest, b))
    }
    if let quotient = dividedExactly(by: b) { return quotient }
    return Dim(atom: .floorDivide(self, b))
  }

  /// The quotient rounded toward infinity: how many parts of a size, which is positive, cover an extent.
  public func parts(of size: Dim) -> Dim { (self + (size - 1)).floorDivided(by: size) }

  /// The remainder of `floorDivided`, at least 0.
  public func remainder(by b: Dim) -> Dim {
    if let x = constant, let y = b.constant, y > 0 { return Dim(x - Dim.floorQuotient(x, y) * y) }
    let quotient = floorDivided(by: b)
    if (quotient * b) == self { return Dim(0) }
    return Dim(atom: .remainder(self, b))
  }

  public static func minimum(_ a: Dim, _ b: Dim) -> Dim {
    if a.isAtMost(b) || b.constant == .max { return a }
    return b.isAtMost(a) || a.constant == .max ? b : Dim(atom: .min(a, b))
  }

  public static func maximum(_ a: Dim, _ b: Dim) -> Dim {
    if b.isAtMost(a) { return a }
    return a.isAtMost(b) ? b : Dim(atom: .max(a, b))
  }

  /// The quotient of polynomials if nothing remains, by long division.
  private func dividedExactly(by divisor: Dim) -> Dim? {
    guard let lead = divisor.terms.first else { return nil }
    var rest = self
    var sum = Dim(0)
    for _ in 0..<16 {
      if rest == Dim(0) { return sum }
      guard let step = rest.terms.lazy.compactMap({ $0.divided(by: lead) }).first else { return nil }
      sum = sum + step
      rest = rest - step * divisor
    }
    return nil
  }

  /// Sums and products stop at the ends of the integers, where no valid extent is, instead of wrapping around.
  private static func saturatingSum(_ a: Int, _ b: Int) -> Int {
    let (sum, overflow) = a.addingReportingOverflow(b)
    return overflow ? (a < 0 ? -.max : .max) : sum
  }

  private static func saturatingProduct(_ a: Int, _ b: Int) -> Int {
    let (product, overflow) = a.multipliedReportingOverflow(by: b)
    return overflow ? ((a < 0) == (b < 0) ? .max : -.max) : product
  }

  static func floorQuotient(_ a: Int, _ b: Int) -> Int {
    let quotient = a / b
    return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient
  }

  /// The expression with symbols replaced by the given values, where there are any.
  public func substituting(_ values: [String: Dim]) -> Dim {
    if terms.isEmpty { return self }
    var sum = Dim(offset)
    for term in terms {
      var product = Dim(term.coefficient)
      for factor in term.factors { product = product * factor.substituting(values) }
      sum = sum + product
    }
    return sum
  }

  /// The terms for a printer or a lowering: the constant, then each coefficient with its factors.
  public var summands: (constant: Int, products: [(coefficient: Int, factors: [DimAtom])]) {
    (offset, terms.map { ($0.coefficient, $0.factors) })
  }

  private static func factorText(_ factors: [DimAtom]) -> String {
    factors.map(\.description).joined(separator: "*")
  }
}

extension DimAtom: Comparable {
  /// An order that only serves to make expressions canonical: symbols by name first.
  public static func < (a: DimAtom, b: DimAtom) -> Bool {
    switch (a, b) {
    case (.symbol(let x), .symbol(let y)): x < y
    case (.floorDivide(let x, let y), .floorDivide(let z, let w)), (.remainder(let x, let y), .remainder(let z, let w)),
      (.min(let x, let y), .min(let z, let w)), (.max(let x, let y), .max(let z, let w)):
      x == z ? y.precedes(w) : x.precedes(z)
    case (.symbol, _), (.floorDivide, _), (.remainder, _), (.min, _), (.max, _): a.rank < b.rank
    }
  }

  private var rank: Int {
    switch self {
    case .symbol: 0
    case .floorDivide: 1
    case .remainder: 2
    case .min: 3
    case .max: 4
    }
  }
}

extension Dim {
  fileprivate func precedes(_ other: Dim) -> Bool {
    if offset != other.offset { return offset < other.offset }
    if terms.count != other.terms.count { return terms.count < other.terms.count }
    for (x, y) in zip(terms, other.terms) where x != y {
      return x.coefficient == y.coefficient
        ? x.factors.lexicographicallyPrecedes(y.factors) : x.coefficient < y.coefficient
    }
    return false
  }
}

extension DimAtom {
  func collectSymbols(into found: inout Set<String>) {
    switch self {
    case .symbol(let name): found.insert(name)
    case .floorDivide(let a, let b), .remainder(let a, let b), .min(let a, let b), .max(let a, let b):
      found.formUnion(a.symbols)
      found.formUnion(b.symbols)
    }
  }

  func substituting(_ values: [String: Dim]) -> Dim {
    switch self {
    case .symbol(let name): values[name] ?? Dim(atom: self)
    case .floorDivide(let a, let b): a.substituting(values).floorDivided(by: b.substituting(values))
    case .remainder(let a, let b): a.substituting(values).remainder(by: b.substituting(values))
    case .min(let a, let b): .minimum(a.substituting(values), b.substituting(values))
    case .max(let a, let b): .maximum(a.substituting(values), b.substituting(values))
    }
  }
}

extension DimAtom: CustomStringConvertible {
  public var description: String {
    switch self {
    // A name like that of an axis would be one in an affine index.
    case .symbol(let name): TextReader.number(in: name, after: "d") == nil ? name.quotedIfNeeded : name.quoted
    case .floorDivide(let a, let b): "floordiv(\(a), \(b))"
    case .remainder(let a, let b): "mod(\(a), \(b))"
    case .min(let a, let b): "min(\(a), \(b))"
    case .max(let a, let b): "max(\(a), \(b))"
    }
  }
}

extension Dim: CustomStringConvertible, ExpressibleByIntegerLiteral {
  public init(integerLiteral value: Int) { self.init(value) }

  public var description: String {
    var parts: [String] = terms.map { term in
      let product = Dim.factorText(term.factors)
      return term.coefficient == 1 ? product : "\(term.coefficient)*\(product)"
    }
    if offset != 0 || parts.isEmpty { parts.append("\(offset)") }
    return parts.joined(separator: " + ")
  }
}

extension Array where Element == Dim {
  /// The number of elements of a tensor of this shape.
  public var product: Dim { reduce(Dim(1), *) }

  /// The extents as integers if none is symbolic.
  public var constants: [Int]? {
    let values = compactMap(\.constant)
    return values.count == count ? values : nil
  }
}
