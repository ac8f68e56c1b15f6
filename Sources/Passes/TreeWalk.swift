import Support
import TensorIR

/// A scalar graph's walk through trees, a fixed number of steps by a table of nodes that `ForestTables` describes.
struct TreeWalk {
  /// The keys of thresholds, columns and children, `[cells]` or `[cells, 2]`.
  let words: ConstantTensor
  let columnBits: Int
  /// The operand with the keys of rows; its first index is the row.
  let keys: Int
  /// The operand with the position of each tree's first cell, `[lanes, trees]`.
  let roots: Int
  /// The axes along which the graph reads that; nil for position 0.
  let place: [Int?]
  let steps: Int

  /// The walk that ends with a node of a graph, whose operands are constants where they are given.
  init?(endingAt end: ScalarID, of graph: ScalarGraph, _ constants: [ConstantTensor?]) {
    guard let last = Step(end, graph) else { return nil }
    var count = 0
    var cell = end
    while let step = Step(cell, graph), step.words == last.words, step.keys == last.keys,
      step.columnBits == last.columnBits
    {
      cell = step.before
      count += 1
    }
    guard case .cast(.i64, let root) = graph[cell], case .read(let roots, let place, nil) = graph[root],
      constants[roots] != nil, let words = constants[last.words], words.type.element == .u64
    else { return nil }
    (self.words, columnBits, keys) = (words, last.columnBits, last.keys)
    (self.roots, steps) = (roots, count)
    var axes: [Int?] = []
    for index in place {
      switch graph[index] {
      case .axis(let axis) where axis > 0: axes.append(axis)
      case .literal(.integer(0), _): axes.append(nil)
      case .axis, .literal, .dim, .read, .accumulator, .unary, .binary, .compare, .select, .multiplyAdd, .cast, .bitcast:
        return nil
      }
    }
    self.place = axes
  }

  /// One step: to one of the neighbouring children of a cell.
  private struct Step {
    let words: Int
    let keys: Int
    let columnBits: Int
    let before: ScalarID

    init?(_ cell: ScalarID, _ graph: ScalarGraph) {
      guard case .cast(.i64, let next) = graph[cell], case .select(let fails, _, let children) = graph[next],
        case .compare(.less, let limit, let key) = graph[fails],
        case .read(let words, let position, nil) = graph[limit], let before = position.first,
        case .read(let keys, let indices, nil) = graph[key], indices.count == 2, case .axis(0) = graph[indices[0]]
      else { return nil }
      (self.words, self.keys, self.before) = (words, keys, before)
      if case .binary(.shiftRight, _, let bits) = graph[children], let bits = graph.integerValue(bits) {
        columnBits = bits
      } else {
        columnBits = 0
      }
    }
  }

  /// Whether a cell is one word with the threshold's key at the top.
  var isOneWord: Bool { words.dims.count == 1 }
}

/// A cell of a table of nodes.
enum TreeCell {
  case leaf
  /// Goes to `yes` where the key of a column is at most the limit, else to `no`.
  case branch(column: Int, limit: UInt, yes: Int, no: Int)
  /// Goes on in any case.
  case jump(Int)

  init(_ position: Int, of words: [Int], _ walk: TreeWalk) {
    let limit: UInt
    let rest: Int
    if walk.isOneWord {
      let word = UInt(bitPattern: words[position])
      (limit, rest) = (word >> 32, Int(word & 0xffff_ffff))
    } else {
      (limit, rest) = (UInt(bitPattern: words[2 * position]), words[2 * position + 1])
    }
    let children = rest >> walk.columnBits
    if children == position {
      self = .leaf
    } else if limit == 0 {
      // No key of a number is below this limit.
      self = .jump(children + 1)
    } else {
      self = .branch(column: rest & (1 << walk.columnBits - 1), limit: limit, yes: children, no: children + 1)
    }
  }
}
