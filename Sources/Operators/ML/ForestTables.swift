import Support
import TensorIR

/// One tree, laid out for a walk without branches: both children of a node are neighbours, the one for a comparison
/// that holds before the other, and a leaf is its own child.
private struct LaidOutTree {
  /// A node by its position; a jump is a branch whose comparison never holds, for a node with several parents.
  var cells: [Forest.Node] = []
  /// The steps after which a walk from cell 0 has ended.
  let depth: Int

  init(_ forest: Forest, root: Int) throws(ModelError) {
    var pending = [root]
    var places = [root: 0]
    cells = [forest.nodes[root]]
    var next = 0
    while next < cells.count {
      defer { next += 1 }
      guard case .branch(var branch) = cells[next], pending[next] >= 0 else { continue }
      let children = [branch.yes, branch.no]
      (branch.yes, branch.no) = (cells.count, cells.count + 1)
      cells[next] = .branch(branch)
      for child in children {
        if let place = places[child], let other = forest.nodes[child].branch {
          var jump = other
          (jump.threshold, jump.missingIsTrue, jump.yes, jump.no) = (.nan, false, place, place)
          cells.append(.branch(jump))
          pending.append(-1)
        } else {
          places[child] = cells.count
          cells.append(forest.nodes[child])
          pending.append(child)
        }
      }
    }
    depth = try Forest.depths(cells, [0])[0] ?? 0
  }
}

/// The constants that a walk through trees reads.
///
/// A node has the key of its threshold, the place of its children, and in the lowest bits the column of the data's keys
/// that it compares. Keys are unsigned integers in the order of the numbers, with NaN as the greatest. For nodes where NaN
/// goes with the small numbers there are further columns: their keys and thresholds are greater by 1, which wraps NaN
/// around.
///
/// Where all this has room in 64 bits, a node is one word with the threshold at the top, and keys have zeros below: words
/// then compare as their thresholds do, and a step is two loads. Else it is two words, the threshold and the rest.
struct ForestTables {
  /// A group of trees that are walked by the same number of steps.
  struct Segment {
    /// The position of the first cell of each tree, `[lanes, trees]`.
    var roots: ConstantTensor
    var steps: Int
  }

  let words: ConstantTensor
  let isOneWord: Bool
  /// The features of a row, which each column of the keys has in order.
  let features: Int
  let hasMissing: Bool
  let columnBits: Int
  let segments: [Segment]
  /// By cell, the weight of a leaf, where every tree counts for one target; else the leaf's row of `rows`.
  let leaves: ConstantTensor
  /// The leaves' weights by target, where trees count for several targets.
  let rows: ConstantTensor?

  /// `absent` stands for targets that a leaf has no weight for.
  init(_ source: Forest, _ element: ElementType, _ combiner: Combiner, absent: Double) throws(ModelError) {
    let forest = try source.withOneComparison(element)
    var trees: [LaidOutTree] = []
    for root in forest.roots { trees.append(try LaidOutTree(forest, root: root)) }
    let targets = trees.map { Set($0.cells.flatMap { $0.weights.map(\.target) }) }
    let lanes = ForestTables.lanes(targets, count: forest.targets)
    if let lanes, lanes.contains(where: { $0.count < lanes[0].count }) || lanes[0].isEmpty {
      trees.append(try LaidOutTree(Forest(nodes: [.leaf([])], roots: [0], targets: 1), root: 0))
    }
    var starts: [Int] = []
    var cells: [Forest.Node] = []
    for tree in trees {
      starts.append(cells.count)
      cells += tree.cells
    }
    hasMissing = cells.contains { $0.branch?.missingIsTrue ?? false }
    features = max(1, forest.featureCount)
    columnBits = Int.bits((hasMissing ? 2 : 1) * features - 1)
    isOneWord = element == .f32 && columnBits + Int.bits(cells.count) <= 32
    var words: [Int] = []
    for (start, tree) in zip(starts, trees) {
      for (position, cell) in tree.cells.enumerated() {
        let missing = cell.branch?.missingIsTrue ?? false ? 1 : 0
        // No key is above a leaf's.
        let limit = cell.branch.map { Int(bitPattern: $0.threshold.limit(element)) + missing } ?? element.greatestKey
        let column = (cell.branch?.feature ?? 0) + missing * features
        let rest = (start + (cell.branch.map { $0.no - 1 } ?? position)) << columnBits | column
        words += isOneWord ? [limit << 32 | rest] : [limit, rest]
      }
    }
    self.words = ConstantTensor(.u64, dims: isOneWord ? [cells.count] : [cells.count, 2], integers: words)
    let known = trees.map(\.depth)
    segments = ForestTables.segments(lanes ?? [Array(forest.roots.indices)], known, spare: trees.count - 1)
      .map { group, steps in
        let roots = group.flatMap { $0.map { starts[$0] } }
        return Segment(roots: ConstantTensor(.i32, dims: [group.count, group[0].count], integers: roots), steps: steps)
      }
    func weights(_ cell: Forest.Node) -> [Double] {
      var row = [Double](repeating: absent, count: forest.targets)
      for weight in cell.weights { row[weight.target] = combiner.combined(row[weight.target], weight.value) }
      return row
    }
    if lanes != nil {
      let values = cells.map { cell in cell.weights.first.map { weights(cell)[$0.target] } ?? absent }
      leaves = ConstantTensor(element, dims: [cells.count], doubles: values)
      rows = nil
    } else {
      var numbers: [Int] = []
      var table: [Double] = []
      for cell in cells {
        numbers.append(table.count / forest.targets)
        if cell.branch == nil { table += weights(cell) }
      }
      leaves = ConstantTensor(.i32, dims: [cells.count], integers: numbers)
      rows = ConstantTensor(element, dims: [table.count / forest.targets, forest.targets], doubles: table)
    }
  }

  /// The trees that count for each target, if they count for one each and no target has far more of them than others.
  private static func lanes(_ targets: [Set<Int>], count: Int) -> [[Int]]? {
    guard targets.allSatisfy({ $0.count <= 1 }) else { return nil }
    var lanes = [[Int]](repeating: [], count: count)
    for (tree, target) in targets.enumerated() { if let target = target.first { lanes[target].append(tree) } }
    let longest = lanes.reduce(0) { max($0, $1.count) }
    return longest * count <= 2 * targets.count + 16 ? lanes : nil
  }

  /// Splits lists of trees, brought to one length with a spare tree, into groups of similar depth.
  private static func segments(_ lanes: [[Int]], _ depths: [Int], spare: Int) -> [(trees: [[Int]], steps: Int)] {
    let length = max(1, lanes.reduce(0) { max($0, $1.count) })
    let sorted = lanes.map { lane in
      (lane + [Int](repeating: spare, count: length - lane.count)).sorted { (depths[$0], $1) > (depths[$1], $0) }
    }
    let steps = (0..<length).map { place in sorted.reduce(0) { max($0, depths[$1[place]]) } }
    // A further group costs about as much as some dozens of steps.
    var bounds = [0]
    for place in 1..<length where steps[place] < steps[place - 1] {
      let saved = (steps[bounds[bounds.count - 1]] - steps[place]) * (length - place) * lanes.count
      if saved > 64 { bounds.append(place) }
    }
    return bounds.enumerated().map { index, start in
      let end = index + 1 < bounds.count ? bounds[index + 1] : length
      return (sorted.map { Array($0[start..<end]) }, steps[start])
    }
  }
}

extension Int {
  /// The bits that the numbers up to `greatest` need.
  fileprivate static func bits(_ greatest: Int) -> Int { bitWidth - Swift.max(0, greatest).leadingZeroBitCount }
}

extension ElementType {
  /// The key of NaN, as the bits of an unsigned integer.
  fileprivate var greatestKey: Int { self == .f64 ? -1 : 1 << 32 - 1 }
}

extension Double {
  /// The key of a threshold of the given type; 0, which is below all keys, for one that no number is below.
  fileprivate func limit(_ element: ElementType) -> UInt {
    if isNaN { return 0 }
    // Adding 0 makes both zeros the same.
    if element == .f64 {
      let bits = UInt((self + 0).bitPattern)
      return bits >> 63 == 0 ? bits | 1 << 63 : ~bits
    }
    let bits = (Float(self) + 0).bitPattern
    return UInt(bits >> 31 == 0 ? bits | 1 << 31 : ~bits)
  }
}

extension GraphBuilder {
  /// The keys of the rows of `x`, by which walks through trees compare: `[N, columns]`.
  mutating func treeKeys(_ x: ValueID, _ tables: ForestTables) -> ValueID {
    let (element, shape) = (type(of: x).element, shape(of: x))
    let (word, signed, top) = element == .f64 ? (ElementType.u64, ElementType.i64, Int.min) : (.u32, .i32, 1 << 31)
    var graph = ScalarGraph()
    let outside = tables.features <= shape[1].constant ?? 0 ? nil : graph.number(0, element)
    let value = graph.read(0, [graph.axis(0), graph.axis(2)], outside: outside, type: element)
    let bits = graph.bitcast(value, to: word)
    let isNegative = graph.compare(.less, graph.bitcast(value, to: signed), graph.integer(0, signed))
    let zero = graph.integer(top, word)
    var key = graph.select(isNegative, graph.unary(.not, bits), graph.binary(.or, bits, zero))
    key = graph.select(graph.compare(.equal, value, graph.number(0, element)), zero, key)
    let greatest = graph.integer(element.greatestKey, word)
    key = graph.select(graph.compare(.notEqual, value, value), greatest, key)
    if tables.hasMissing {
      let isPlain = graph.compare(.equal, graph.axis(1), graph.integer(0))
      key = graph.select(isPlain, key, graph.plus(key, graph.integer(1, word)))
    }
    key = graph.cast(key, to: .u64)
    graph.results = [tables.isOneWord ? graph.binary(.shiftLeft, key, graph.integer(32, .u64)) : key]
    let parts = tables.hasMissing ? 2 : 1
    let keys = map([shape[0], Dim(parts), Dim(tables.features)], graph, [x])
    return reshape(keys, [shape[0], Dim(parts * tables.features)])
  }
}

extension Combiner {
  /// Two weights of one leaf for one target.
  fileprivate func combined(_ a: Double, _ b: Double) -> Double {
    switch self {
    case .min: Swift.min(a, b)
    case .max: Swift.max(a, b)
    case .sum, .product, .argMinFirst, .argMinLast, .argMaxFirst, .argMaxLast: a + b
    }
  }
}
