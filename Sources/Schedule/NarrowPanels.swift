import LoopIR
import Support
import TensorIR

/// A constant factor that stays narrow: constants that are read at every element or once for a block of terms, and how
/// elements are computed from them.
struct NarrowPanels {
  /// One constant of the formula.
  struct Leaf {
    var constant: ConstantTensor
    /// The part of the element's offset that follows from each position of the summed axes.
    var terms: [Int]
    /// The index of every dimension: the dimension of the factor and what it is divided by, or a number.
    fileprivate var index: [(dimension: Int?, divisor: Int, stride: Int)]

    var element: ElementType { constant.type.element }
    /// Bits that an element takes in a word.
    var bits: Int { element.bits }
    var perWord: Int { 32 / bits }
    /// The least value of an integer type, which words count from.
    var least: Int { element.isSignedInteger ? -(1 << (bits - 1)) : 0 }

    /// The exponent of the number in whose bits an integer at a place of a unit counts ones.
    func exponent(ofPlace place: Int) -> Int { 23 - place * bits }
  }

  /// Read at every element, in words of 32 bits that each hold terms of one column.
  let elements: [Leaf]
  /// Read once for a block of terms.
  let blocks: [Leaf]
  /// The extent of the innermost summed axis, and positions of those around it.
  let inner: Int
  let outer: Int
  /// Terms of the innermost axis for which `blocks` have one value.
  let block: Int
  /// Terms that code takes in one go, which lie within a block.
  let step: Int
  /// Terms that the fewest words hold.
  let group: Int
  /// From the blocks' elements, in their storage types, what all elements of a block have in common.
  let blockGraph: ScalarGraph
  /// Whether integers become floats by their place in the bits of one; else they are converted.
  let countsInBits: Bool
  /// The element: from two accumulators for each of `elements`, what the word holds as `f32`, plus two to
  /// `exponent(ofPlace:)` if it counts in bits, and the bits or the number as `i32`, then those that `blockGraph` gives;
  /// a result for every place in a unit of words. It is without the factor `scale`.
  let elementGraph: ScalarGraph
  /// The result of `blockGraph` by which every element is to be multiplied, or the sum of a block's products; nil if there is none.
  let scale: Int?

  /// Elements of a word that are taken out of it at the places where they are; units are shifted.
  var unit: Int { elementGraph.results.count }
  private static let exactUnit = 2

  private let dimensions: [AffineIndex]
  /// Whether a dimension of the factor follows axes that are not summed.
  private let isKept: [Bool]

  /// Terms that code may take in one go.
  static let longestStep = 192
  /// Blocks of fewer terms gain nothing.
  private static let leastBlock = 4

  /// Nil if the formula is not of the form.
  ///
  /// `indices` are those of the factor in the contraction, whose summed axes begin at `rank`; `sums` is their order, and
  /// `inner` the extent of the innermost one when neighbours are merged.
  init?(
    _ formula: ConstantFormula, indices: [AffineIndex], extents: [Dim], rank: Int, sums: [Int], inner: Int,
    countsInBits: Bool, convertsHalves: Bool
  ) {
    self.countsInBits = countsInBits
    let kept = indices.map { $0.coefficients.keys.allSatisfy { $0 < rank } }
    guard zip(indices, kept).allSatisfy({ $1 || $0.coefficients.keys.allSatisfy { $0 >= rank } }),
      let offsets = indices.map(\.offset).constants, let counts = sums.map({ extents[$0] }).constants
    else { return nil }
    dimensions = indices
    isKept = kept
    self.inner = inner
    // The value of every dimension along the terms.
    var values = zip(offsets, kept).map { $1 ? [0] : [$0] }
    for (axis, count) in zip(sums, counts) {
      for (dimension, index) in indices.enumerated() where !kept[dimension] {
        let coefficient = index.coefficients[axis] ?? 0
        values[dimension] = values[dimension].flatMap { base in (0..<count).map { base + $0 * coefficient } }
      }
    }
    let terms = counts.reduce(1, *)
    outer = terms / inner
    let body = formula.map.body
    var leaves: [ScalarNode: Int] = [:]
    var found: [(leaf: Leaf, length: Int)] = []
    for id in body.reachable {
      switch body[id] {
      case .read(let operand, let indices, nil):
        let constant = formula.operands[operand]
        guard let leaf = NarrowPanels.leaf(constant, indices, body, kept, values, terms) else { return nil }
        leaves[body[id]] = found.count
        found.append((leaf, NarrowPanels.constantLength(leaf.terms, inner)))
      case .read, .dim, .accumulator: return nil
      case .literal, .axis, .unary, .binary, .compare, .select, .multiplyAdd, .cast, .bitcast: continue
      }
    }
    let isElement = found.map { $0.length < min(NarrowPanels.leastBlock, inner) }
    elements = zip(found, isElement).filter(\.1).map(\.0.leaf)
    blocks = zip(found, isElement).filter { !$0.1 }.map(\.0.leaf)
    group = elements.map(\.perWord).max() ?? 1
    let lengths = zip(found, isElement).filter { !$1 && $0.length < inner }.map(\.0.length)
    let block = lengths.isEmpty ? inner : lengths.reduce(0, NarrowPanels.gcd)
    self.block = block
    guard !elements.isEmpty, block >= NarrowPanels.leastBlock,
      elements.allSatisfy({ [2, 4, 8, 16].contains($0.bits) && $0.element != .bool }),
      blocks.allSatisfy({ $0.element != .bool })
    else { return nil }
    guard let step = NarrowPanels.step(block, group, inner) else { return nil }
    self.step = step
    guard let graphs = NarrowPanels.graphs(body, leaves, elements, isElement, countsInBits, convertsHalves)
    else { return nil }
    blockGraph = graphs.blocks
    (elementGraph, scale) = graphs.elements.withoutScale(from: elements.count * 2)
  }

  // MARK: Form

  private static func leaf(
    _ constant: ConstantTensor, _ indices: [ScalarID], _ body: ScalarGraph, _ kept: [Bool], _ values: [[Int]],
    _ terms: Int
  ) -> Leaf? {
    var leaf = Leaf(constant: constant, terms: [Int](repeating: 0, count: terms), index: [])
    for (id, stride) in zip(indices, constant.strides) {
      switch body[id] {
      case .literal(.integer(let value), _): leaf.index.append((nil, 1, value * stride))
      case .axis(let dimension): leaf.index.append((dimension, 1, stride))
      case .binary(.floorDivide, let a, let b):
        guard case .axis(let dimension) = body[a], let divisor = body.integerValue(b), divisor > 0 else { return nil }
        leaf.index.append((dimension, divisor, stride))
      case .literal, .dim, .read, .accumulator, .unary, .binary, .compare, .select, .multiplyAdd, .cast, .bitcast:
        return nil
      }
    }
    for (dimension, divisor, stride) in leaf.index {
      guard let dimension, !kept[dimension] else { continue }
      for term in 0..<terms { leaf.terms[term] += values[dimension][term] / divisor * stride }
    }
    return leaf
  }

  /// The greatest length such that offsets are equal in every run of that length along the innermost axis.
  private static func constantLength(_ offsets: [Int], _ inner: Int) -> Int {
    var length = 0
    for term in offsets.indices where term % inner != 0 && offsets[term] != offsets[term - 1] {
      length = gcd(length, term % inner)
      if length == 1 { break }
    }
    return length == 0 ? inner : length
  }

  private static func gcd(_ a: Int, _ b: Int) -> Int { b == 0 ? a : gcd(b, a % b) }

  /// How many terms code takes in one go: within a block, whole words but at the end.
  private static func step(_ block: Int, _ group: Int, _ inner: Int) -> Int? {
    if block <= longestStep { return block }
    if block < inner {
      return stride(from: longestStep, through: longestStep / 4, by: -1).first { block % $0 == 0 && $0 % group == 0 }
    }
    let groups = Dim((inner + group - 1) / group)
    return ContractLowering.chunk(of: groups, atMost: longestStep / group) * group
  }

  /// The body in two parts: what is computed once for a block, and what for every element.
  private static func graphs(
    _ body: ScalarGraph, _ leaves: [ScalarNode: Int], _ elements: [Leaf], _ isElement: [Bool],
    _ countsInBits: Bool, _ convertsHalves: Bool
  ) -> (blocks: ScalarGraph, elements: ScalarGraph)? {
    // Those of elements come first.
    let ranks = isElement.indices.map { leaf in
      isElement[..<leaf].count { $0 == isElement[leaf] } + (isElement[leaf] ? 0 : elements.count)
    }
    let exact = ExactIntegers(body, elements) { leaves[$0].map { ranks[$0] } }
    var numbered = ScalarGraph()
    numbered.results = (0..<(exact.sums.isEmpty || !countsInBits ? 1 : exactUnit)).flatMap { place in
      numbered.insert(body) { graph, node, copied in
        if let sum = exact.sums[node], body.typeOf(node) == .f32 {
          return graph.difference(sum, elements[sum.leaf], countsInBits ? place : nil, copied)
        }
        guard case .read = node, let leaf = leaves[node] else { return nil }
        return graph.read(ranks[leaf], [], type: body.typeOf(node))
      }
    }
    return numbered.pruned().legalized(encodingResults: false, convertsHalves: convertsHalves)
      .dividedByBlocks(elements.count)
  }

  // MARK: Sizes

  /// Steps along the innermost axis, the last one of which may be shorter.
  var steps: Int { (inner + step - 1) / step }
  /// Blocks along the innermost axis.
  var blocksOfRow: Int { (inner + block - 1) / block }
  /// Groups of terms of a step.
  var groupsOfStep: Int { (step + group - 1) / group }
  /// Groups of terms along the innermost axis.
  var groupsOfRow: Int { inner / step * groupsOfStep + (inner % step + group - 1) / group }

  func wordsOfGroup(_ leaf: Leaf) -> Int { group / leaf.perWord }

  /// Words or elements of each column of a panel.
  func depth(ofElements leaf: Leaf) -> Int { outer * groupsOfRow * wordsOfGroup(leaf) }
  var depthOfBlocks: Int { outer * blocksOfRow }

  /// Words of each column that a group of terms takes.
  var wordsInUse: Int { elements.reduce(0) { $0 + wordsOfGroup($1) } }

  // MARK: Packing

  /// The elements' offset that follows from a position along the kept axes.
  private func offset(_ leaf: Leaf, _ position: [Int: Int]) -> Int {
    leaf.index.reduce(0) { sum, index in
      guard let dimension = index.dimension else { return sum + index.stride }
      guard isKept[dimension] else { return sum }
      let affine = dimensions[dimension]
      let start = affine.offset.constant ?? 0
      let value = affine.coefficients.reduce(start) { $0 + $1.value * (position[$1.key] ?? 0) }
      return sum + value / index.divisor * index.stride
    }
  }

  /// A leaf as panels: for each of `panels`, given by the positions of its columns, by group and word the columns' words.
  func words(_ leaf: Leaf, panels: [[[Int: Int]?]]) -> ConstantTensor {
    let columns = panels.reduce(0) { $0 + $1.count }
    let count = columns * depth(ofElements: leaf)
    let (bits, perWord, words) = (leaf.bits, leaf.perWord, wordsOfGroup(leaf))
    let mask = UInt32(1) << bits - 1
    // Integers are counted from their least value.
    let bias = UInt32(truncatingIfNeeded: -leaf.least)
    let size = leaf.element.storage.bytes
    let packed = Bytes(count: count * 4) { output in
      leaf.constant.bytes.withUnsafeBytesOnce { input in
        var first = 0
        for panel in panels {
          let offsets = panel.map { $0.map { offset(leaf, $0) } }
          for (term, along) in leaf.terms.enumerated() {
            let (row, place) = term.quotientAndRemainder(dividingBy: inner)
            let (step, rest) = place.quotientAndRemainder(dividingBy: self.step)
            let number = row * groupsOfRow + step * groupsOfStep + rest / group
            let within = rest % group
            let start = first + (number * words + within / perWord) * panel.count
            let shift = within % perWord * bits
            for (column, offset) in offsets.enumerated() {
              guard let offset else { continue }
              let address = (offset + along) * size
              let raw = size == 2
                ? UInt32(input.loadUnaligned(fromByteOffset: address, as: UInt16.self)) : UInt32(input[address])
              let word = output.load(fromByteOffset: (start + column) * 4, as: UInt32.self)
              let field = ((raw &+ bias) & mask) << UInt32(shift)
              output.storeBytes(of: word | field, toByteOffset: (start + column) * 4, as: UInt32.self)
            }
          }
          first += panel.count * depth(ofElements: leaf)
        }
      }
    }
    return ConstantTensor(.u32, dims: [count], bytes: packed)
  }

  /// A leaf that is read once for a block as panels: for each panel and block, the columns' elements.
  func blockElements(_ leaf: Leaf, panels: [[[Int: Int]?]]) -> ConstantTensor {
    let count = panels.reduce(0) { $0 + $1.count } * depthOfBlocks
    let size = leaf.element.storage.bytes
    let packed = Bytes(count: count * size) { output in
      leaf.constant.bytes.withUnsafeBytesOnce { input in
        var place = 0
        for panel in panels {
          let offsets = panel.map { $0.map { offset(leaf, $0) } }
          for row in 0..<outer {
            for term in stride(from: 0, to: inner, by: block) {
              for offset in offsets {
                if let offset {
                  let from = (offset + leaf.terms[row * inner + term]) * size
                  for byte in 0..<size { output[place + byte] = input[from + byte] }
                }
                place += size
              }
            }
          }
        }
      }
    }
    return ConstantTensor(leaf.element.storage, dims: [count], bytes: packed)
  }
}

/// A leaf of integers with small integers of the block added or taken away, which is exact in every type on the way.
private struct IntegerSum {
  var leaf: Int
  var taken: [ScalarID] = []
}

/// The nodes of a formula that are such sums.
private struct ExactIntegers {
  private(set) var sums: [ScalarNode: IntegerSum] = [:]

  /// `number` is that of a read's leaf, those of `elements` first.
  init(_ body: ScalarGraph, _ elements: [NarrowPanels.Leaf], _ number: (ScalarNode) -> Int?) {
    /// Integers of few bits that do not vary with the element.
    func isSmall(_ id: ScalarID) -> Bool {
      switch body[id] {
      case .literal(let literal, _):
        let value = literal.double
        return value == value.rounded() && abs(value) < 0x1p16
      case .read:
        let type = body.type(of: id)
        return (number(body[id]) ?? 0) >= elements.count && type.isInteger && type.bits <= 8
      case .cast(let type, let a): return Self.isExact(type) && isSmall(a)
      case .dim, .axis, .accumulator, .unary, .binary, .compare, .select, .multiplyAdd, .bitcast: return false
      }
    }
    for id in body.reachable {
      switch body[id] {
      case .read:
        guard let leaf = number(body[id]), leaf < elements.count, body.type(of: id).isInteger else { continue }
        if elements[leaf].bits <= 8 { sums[body[id]] = IntegerSum(leaf: leaf) }
      case .cast(let type, let a):
        if Self.isExact(type), let sum = sums[body[a]] { sums[body[id]] = sum }
      case .binary(.subtract, let a, let b):
        guard Self.isExact(body.type(of: id)), var sum = sums[body[a]], sum.taken.isEmpty, isSmall(b) else { continue }
        sum.taken.append(b)
        sums[body[id]] = sum
      case .literal, .dim, .axis, .accumulator, .unary, .binary, .compare, .select, .multiplyAdd, .bitcast: continue
      }
    }
  }

  /// Whether a type holds all such sums.
  private static func isExact(_ type: ElementType) -> Bool { [.i32, .i64, .f32, .f64].contains(type) }
}

extension ScalarGraph {
  /// The sum as `f32`: what makes the word's bits at a place a number and the block's integers are taken away at once.
  fileprivate mutating func difference(
    _ sum: IntegerSum, _ leaf: NarrowPanels.Leaf, _ place: Int?, _ copied: (ScalarID) -> ScalarID
  ) -> ScalarID {
    let base = number(Double((place.map { 1 << leaf.exponent(ofPlace: $0) } ?? 0) - leaf.least), .f32)
    let taken = sum.taken.reduce(base) { plus(cast(copied($1), to: .f32), $0) }
    return minus(accumulator(sum.leaf * 2, .f32), taken)
  }

  /// The graph without a factor that all results have in common, and that factor: an accumulator from the first of blocks on,
  /// counted from there.
  fileprivate func withoutScale(from first: Int) -> (ScalarGraph, Int?) {
    func factors(_ result: ScalarID) -> [(rest: ScalarID, scale: Int)] {
      guard case .binary(.multiply, let a, let b) = self[result] else { return [] }
      return [(a, b), (b, a)].compactMap { rest, factor in
        guard case .accumulator(let position, .f32) = self[factor], position >= first else { return nil }
        return (rest, position - first)
      }
    }
    for (_, scale) in results.first.map(factors) ?? [] {
      let rests = results.compactMap { factors($0).first { $0.scale == scale }?.rest }
      guard rests.count == results.count else { continue }
      var copy = self
      copy.results = rests
      return (copy.pruned(), scale)
    }
    return (self, nil)
  }

  /// The graph over leaves without indices in two parts, see `NarrowPanels`; the first `count` leaves vary with the
  /// element.
  fileprivate func dividedByBlocks(_ count: Int) -> (blocks: ScalarGraph, elements: ScalarGraph)? {
    var varies = [Bool](repeating: false, count: nodes.count)
    var shared: [ScalarNode: Int] = [:]
    var blocks = ScalarGraph()
    var results: [ScalarID] = []
    for id in reachable {
      let operands = ScalarGraph.operands(of: self[id])
      switch self[id] {
      case .read(let leaf, _, _): varies[id.index] = leaf < count
      case .accumulator: varies[id.index] = true
      case .axis, .dim: return nil
      case .literal, .unary, .binary, .compare, .select, .multiplyAdd, .cast, .bitcast:
        varies[id.index] = operands.contains { varies[$0.index] }
      }
      guard varies[id.index] else { continue }
      for operand in operands where !varies[operand.index] && shared[self[operand]] == nil {
        if case .literal = self[operand] { continue }
        shared[self[operand]] = results.count
        results.append(operand)
      }
    }
    guard self.results.allSatisfy({ varies[$0.index] }) else { return nil }
    var common = self
    common.results = results
    blocks.results = blocks.insert(common) { graph, node, _ in
      guard case .read(let leaf, _, _) = node else { return nil }
      return graph.accumulator(leaf - count, typeOf(node))
    }
    var elements = ScalarGraph()
    elements.results = elements.insert(self) { graph, node, _ in
      if let place = shared[node] { return graph.accumulator(count * 2 + place, typeOf(node)) }
      switch node {
      case .read(let leaf, _, _) where leaf < count:
        return graph.cast(graph.accumulator(leaf * 2 + 1, .i32), to: typeOf(node))
      case .cast(.i32, let a):
        if case .read(let leaf, _, _) = self[a], leaf < count { return graph.accumulator(leaf * 2 + 1, .i32) }
        return nil
      case .literal, .dim, .axis, .read, .accumulator, .unary, .binary, .compare, .select, .multiplyAdd, .cast,
        .bitcast:
        return nil
      }
    }
    return (blocks.pruned(), elements.pruned())
  }
}
