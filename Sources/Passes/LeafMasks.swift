import TensorIR

/// A tree as comparisons in any order, each of which strikes out the leaves on its near side where it fails: the first
/// leaf that is left is the one that a walk ends at.
///
/// C. Lucchese et al., "QuickScorer: a Fast Algorithm to Rank Documents with Additive Ensembles of Regression Trees",
/// 2015.
struct LeafMasks {
  struct Comparison {
    let column: Int
    let limit: UInt
    /// The leaves below `yes`, by number.
    var leaves: Range<Int>
  }

  /// A comparison, and the bits of a word that it strikes out.
  typealias Mask = (comparison: Comparison, struck: Int)

  /// The bits of a word.
  static let wordBits = 32

  private(set) var comparisons: [Comparison] = []
  /// The cells of the leaves, those below `yes` first.
  private(set) var leaves: [Int] = []

  /// Nil for a tree with more comparisons than are asked for.
  init?(root: Int, of words: [Int], _ walk: TreeWalk, mostComparisons: Int) {
    guard visit(root, words, walk, mostComparisons) else { return nil }
  }

  private mutating func visit(_ cell: Int, _ words: [Int], _ walk: TreeWalk, _ most: Int) -> Bool {
    switch TreeCell(cell, of: words, walk) {
    case .leaf:
      leaves.append(cell)
      return true
    case .jump(let next): return visit(next, words, walk, most)
    case .branch(let column, let limit, let yes, let no):
      let (number, first) = (comparisons.count, leaves.count)
      guard number < most else { return false }
      comparisons.append(Comparison(column: column, limit: limit, leaves: first..<first))
      guard visit(yes, words, walk, most) else { return false }
      comparisons[number].leaves = first..<leaves.count
      return visit(no, words, walk, most)
    }
  }

  /// The words that the leaves need.
  var words: Int { (leaves.count + Self.wordBits - 1) / Self.wordBits }

  /// The leaves of every word; only the last words may have none.
  func shares(_ words: Int) -> [Range<Int>] {
    let most = (leaves.count + words - 1) / words
    return (0..<words).map { min(leaves.count, most * $0)..<min(leaves.count, most * ($0 + 1)) }
  }

  /// The comparisons that strike out leaves of a share. Bits without a leaf go with the last one.
  func masks(of share: Range<Int>) -> [Mask] {
    comparisons.compactMap { comparison in
      let struck = comparison.leaves.clamped(to: share)
      if struck.isEmpty { return nil }
      let end = struck.upperBound == share.upperBound ? Self.wordBits : struck.upperBound - share.lowerBound
      return (comparison, (struck.lowerBound - share.lowerBound..<end).reduce(0) { $0 | 1 << $1 })
    }
  }
}
