import Support
import TensorIR

/// How rows of a node's result depend on rows of one operand: row `r` reads `extent` rows from
/// `step * (r / rowsOfStep) + low` on.
struct RowReads {
  /// The dimension of the operand that its rows are along.
  var dimension: Int
  var step = 1
  var low = 0
  var extent = 1
  /// How many neighbouring rows read the same rows of the operand.
  var rowsOfStep = 1

  /// Whether every row reads the row of the same number and no other.
  var isIdentity: Bool { step == 1 && low == 0 && extent == 1 && rowsOfStep == 1 }
  /// Whether rows of the operand that one block reads are read by the next one too.
  var overlaps: Bool { extent > step }

  /// The rows that a range of rows reads, beyond the operand's bounds too.
  func rows(for range: Range<Int>) -> Range<Int> {
    let low = step * (range.lowerBound / rowsOfStep) + low
    return low..<low + step * ((range.upperBound - 1) / rowsOfStep - range.lowerBound / rowsOfStep) + extent
  }
}

/// What a node reads for the rows of its result along an axis.
struct NodeRows {
  /// Of the operand that is computed block by block too.
  private(set) var chained: RowReads?
  /// Of other operands that have rows: by how many rows they move on from one row to the next, along which dimension.
  private(set) var others: [Int: RowReads] = [:]
  private var withoutRows: Set<Int> = []
  /// The operands that are read at other rows too than that of the same number.
  private var shiftedReads: Set<Int> = []

  /// Whether rows read rows of the same numbers of one of the other operands, and nothing else.
  func isIdentity(_ operand: Int) -> Bool { others[operand] != nil && !shiftedReads.contains(operand) }

  /// Nil for nodes that cannot be computed for some rows at a time, as if those were all.
  init?(_ node: Node, along axis: Int, chained slot: Int?, in graph: Graph) {
    var (reads, space): ([OperandRead], [Dim])
    switch node.primitive {
    case .map(let map):
      (reads, space) = (map.body.operandReads, map.shape)
      if let slot, let steps = RowSteps(map, along: axis, product: slot) {
        chained = RowReads(dimension: steps.dimension, rowsOfStep: steps.size)
        reads.removeAll { $0.operand == slot }
      } else if !usesOnlyInReads(axis, map.body) {
        return nil
      }
    case .reduce(let reduce):
      guard node.results.count == 1, usesOnlyInReads(axis, reduce.body), usesOnlyInReads(axis, reduce.epilogue) else {
        return nil
      }
      (reads, space) = (reduce.body.operandReads + reduce.epilogue.operandReads, reduce.shape + reduce.reduced)
    case .contract(let contract):
      guard usesOnlyInReads(axis, contract.epilogue) else { return nil }
      (reads, space) = (contract.factorReads + contract.epilogue.operandReads, contract.shape + contract.reduced)
    case .constant, .reshape, .scan, .branch, .scatter, .sort, .compact, .external, .measure, .assume: return nil
    }
    for read in reads {
      let shape = graph.shape(of: node.operands[read.operand])
      guard read.operand == slot ? addChained(read, axis, space) : add(read, axis, space, shape) else { return nil }
    }
    if slot != nil, chained == nil { return nil }
  }

  /// False if rows are not read by a fixed step from fixed places on.
  private mutating func addChained(_ read: OperandRead, _ axis: Int, _ space: [Dim]) -> Bool {
    guard let rows = read.rows(along: axis), rows.dimension >= 0, var form = AffineIndex(read.indices[rows.dimension])
    else { return false }
    form.coefficients[axis] = nil
    let (low, high) = form.bounds(space)
    guard let low = low.constant, let high = high.constant, low <= high else { return false }
    guard let known = chained else {
      chained = RowReads(dimension: rows.dimension, step: rows.step, low: low, extent: high - low + 1)
      return true
    }
    guard known.dimension == rows.dimension, known.step == rows.step, known.rowsOfStep == 1 else { return false }
    chained?.low = min(known.low, low)
    chained?.extent = max(known.low + known.extent, high + 1) - min(known.low, low)
    return true
  }

  /// False if rows are not read by a fixed step, or may be beyond the bounds.
  private mutating func add(_ read: OperandRead, _ axis: Int, _ space: [Dim], _ shape: [Dim]) -> Bool {
    guard let rows = read.rows(along: axis) else { return false }
    guard rows.dimension >= 0 else {
      withoutRows.insert(read.operand)
      return others[read.operand] == nil
    }
    if read.mayBeOutside {
      guard let index = AffineIndex(read.indices[rows.dimension]), index.isWithin(shape[rows.dimension], over: space)
      else { return false }
    }
    let isExact = AffineIndex(read.indices[rows.dimension]) == .axis(axis)
    if !isExact { shiftedReads.insert(read.operand) }
    let known = others.updateValue(RowReads(dimension: rows.dimension, step: rows.step), forKey: read.operand)
    return !withoutRows.contains(read.operand) && known.map { ($0.dimension, $0.step) == rows } ?? true
  }
}

/// One read of an operand.
private struct OperandRead {
  var operand: Int
  var indices: [LinearForm]
  /// What the parts of the indices that are not linear belong to.
  var graph: ScalarGraph?
  var mayBeOutside: Bool

  /// The dimension along which positions on an axis move, -1 if there is none, and by how much; nil unless they do so
  /// evenly, forwards and along one dimension.
  func rows(along axis: Int) -> (dimension: Int, step: Int)? {
    var result = (dimension: -1, step: 0)
    for (dimension, index) in indices.enumerated() {
      if let graph, varies(index.others.keys, along: axis, graph) { return nil }
      guard let coefficient = index.axes[axis] else { continue }
      guard result.dimension < 0, let step = coefficient.constant, step > 0 else { return nil }
      result = (dimension, step)
    }
    return result
  }
}

extension ScalarGraph {
  fileprivate var operandReads: [OperandRead] {
    reachable.compactMap { id in
      guard case .read(let operand, let indices, let outside) = self[id] else { return nil }
      return OperandRead(
        operand: operand, indices: indices.map { LinearForm($0, in: self) }, graph: self, mayBeOutside: outside != nil)
    }
  }
}

extension Contract {
  fileprivate var factorReads: [OperandRead] {
    [lhs, rhs].enumerated().map { operand, indices in
      OperandRead(operand: operand, indices: indices.map { LinearForm($0) }, graph: nil, mayBeOutside: true)
    }
  }
}

/// How a map reads a product: at `row / size` along one dimension, where `row` is an axis of the map.
///
/// Nothing but `row % size` depends on rows otherwise, so that other rows of the same division give the same code.
private struct RowSteps {
  let axis: Int
  let size: Int
  let dimension: Int

  init?(_ map: Map, along axis: Int, product: Int) {
    let body = map.body
    let divisions = body.reachable.flatMap { id -> [(size: Int, dimension: Int)] in
      guard case .read(product, let indices, nil) = body[id] else { return [] }
      return indices.enumerated().compactMap { dimension, index in
        guard case .binary(.floorDivide, let a, let b) = body[index], body[a] == .axis(axis),
          case .literal(.integer(let size), _) = body[b], size > 1
        else { return nil }
        return (size, dimension)
      }
    }
    guard let chosen = divisions.first else { return nil }
    self.axis = axis
    (size, dimension) = chosen
    if !isShifted(body, product: product) { return nil }
  }

  /// Whether other rows, and the positions of the product that belong to them, give the same code.
  private func isShifted(_ body: ScalarGraph, product: Int) -> Bool {
    body.reachable.allSatisfy { id in
      switch body[id] {
      case .read(let operand, let indices, let outside):
        if let outside, isRow(outside, body) || isDivision(outside, body) { return false }
        guard operand == product else { return !indices.contains { isDivision($0, body) } }
        return indices.enumerated().allSatisfy { place, index in
          !isRow(index, body) && isDivision(index, body) == (place == dimension)
        }
      case .binary(.floorDivide, let a, let b), .binary(.floorRemainder, let a, let b):
        if isRow(b, body) || isDivision(a, body) || isDivision(b, body) { return false }
        return !isRow(a, body) || body[b] == .literal(.integer(size), .i64)
      case .literal, .dim, .axis, .accumulator, .unary, .binary, .compare, .select, .multiplyAdd, .cast, .bitcast:
        return !ScalarGraph.operands(of: body[id]).contains { isRow($0, body) || isDivision($0, body) }
      }
    }
  }

  private func isRow(_ id: ScalarID, _ body: ScalarGraph) -> Bool { body[id] == .axis(axis) }

  private func isDivision(_ id: ScalarID, _ body: ScalarGraph) -> Bool {
    if case .binary(.floorDivide, let a, _) = body[id] { isRow(a, body) } else { false }
  }
}

