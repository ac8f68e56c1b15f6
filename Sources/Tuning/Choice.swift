/// One of several ways to compute the same, up to rounding.
public enum Choice: Hashable, Sendable, CustomStringConvertible {
  /// Rows × vectors of accumulators in registers, and whether panels are prefetched.
  case tile(rows: Int, vectors: Int, prefetch: Bool)
  /// Whether windows are computed by Winograd's algorithm.
  case winograd(Bool)
  /// The bytes that a block of rows may take; 0 computes all rows at once.
  case blocks(Int)

  /// What there is to choose.
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    case tile, winograd, blocks

    /// Whether the choice decides which kernels there are, and not only their code.
    public var changesKernels: Bool {
      switch self {
      case .tile: false
      case .winograd, .blocks: true
      }
    }
  }

  /// Reads what `description` gives; nil for anything else, and for numbers beyond what code is generated for.
  init?(_ kind: Kind, _ text: Substring) {
    switch kind {
    case .tile:
      let words = text.split(separator: " ", omittingEmptySubsequences: false)
      let sizes = words[0].split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
      guard sizes.count == 2, let rows = sizes[0], let vectors = sizes[1], (1...32).contains(rows),
        (1...16).contains(vectors), words.count == 1 || words[1...] == ["prefetch"]
      else { return nil }
      self = .tile(rows: rows, vectors: vectors, prefetch: words.count == 2)
    case .winograd:
      guard text == "yes" || text == "no" else { return nil }
      self = .winograd(text == "yes")
    case .blocks:
      guard let bytes = Int(text), (0...1 << 40).contains(bytes) else { return nil }
      self = .blocks(bytes)
    }
  }

  public var description: String {
    switch self {
    case .tile(let rows, let vectors, let prefetch): "\(rows)x\(vectors)" + (prefetch ? " prefetch" : "")
    case .winograd(let isUsed): isUsed ? "yes" : "no"
    case .blocks(let bytes): "\(bytes)"
    }
  }
}

/// What is chosen, and for which computation: a text of extents, strides and types in which equal computations agree.
///
/// A choice on which results depend in their last bits does not depend on the number of threads.
public struct ChoiceKey: Hashable, Comparable, Sendable, CustomStringConvertible {
  public var kind: Choice.Kind
  public var computation: String

  public init(_ kind: Choice.Kind, _ computation: String) { (self.kind, self.computation) = (kind, computation) }

  public var description: String { "\(kind.rawValue) \(computation)" }

  public static func < (a: ChoiceKey, b: ChoiceKey) -> Bool { a.description < b.description }
}
