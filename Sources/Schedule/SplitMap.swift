import Support
import TensorIR

/// A part of a map: a box of its domain, as a map of its own.
struct MapPiece {
  var map: Map
  /// The position of the box in the whole domain.
  var lower: [Dim]
}

/// Cuts the domain of a map where conditions on single axes change, so that each piece computes its value without them.
///
/// Joined operands become copies side by side, and padding becomes borders around an interior. A map without such conditions, with
/// other conditions on symbolic extents, or with too many pieces stays whole.
func split(_ map: Map, operands: [TensorType], facts: Set<DimFact>) -> [MapPiece] {
  let whole = [MapPiece(map: map, lower: [Dim](repeating: 0, count: map.shape.count))]
  guard let extents = map.shape.constants else { return joinedPieces(map, operands, facts) ?? whole }
  guard !extents.contains(0) else { return whole }
  var cuts = [Set<Int>](repeating: [], count: extents.count)
  for id in map.body.reachable { collectCuts(id, map.body, operands, &cuts) }
  let bounds = zip(cuts, extents).map { cuts, extent in [0] + cuts.filter { $0 > 0 && $0 < extent }.sorted() + [extent] }
  let count = bounds.reduce(1) { $0 * ($1.count - 1) }
  guard count > 1, count <= pieceLimit else { return whole }
  var boxes: [[Range<Int>]] = [[]]
  for bound in bounds {
    let ranges = zip(bound, bound.dropFirst()).map { $0..<$1 }
    boxes = boxes.flatMap { box in ranges.map { box + [$0] } }
  }
  return boxes.map { box in
    let shape = box.map { Dim($0.count) }
    let lower = box.map(\.lowerBound)
    let body = restricted(map.body, lower, shape, operands)
    return MapPiece(map: Map(shape: shape, body: body), lower: lower.map { Dim($0) })
  }
}

private let pieceLimit = 64

/// A copy for each of the operands that a map joins along one axis; nil for other maps, and where operands may overlap or leave gaps.
private func joinedPieces(_ map: Map, _ operands: [TensorType], _ facts: Set<DimFact>) -> [MapPiece]? {
  guard map.body.results.count == 1 else { return nil }
  var pieces: [MapPiece] = []
  var joined: Int?
  var (end, total) = (Dim(0), Dim(0))
  func areEqual(_ a: Dim, _ b: Dim) -> Bool { a == b || facts.contains(DimFact(a, .equal, b)) }
  var next = map.body.results[0]
  while case .read(let operand, let scalars, .some(let outside)) = map.body[next] {
    let shape = operands[operand].shape
    var indices = scalars.compactMap { AffineIndex($0, in: map.body) }
    guard indices.count == scalars.count else { return nil }
    let open = indices.indices.filter { !indices[$0].isWithin(shape[$0], over: map.shape) }
    guard open.count == 1, case let place = open[0], let axis = indices[place].coefficients.keys.first,
      indices[place].coefficients == [axis: 1], axis == joined ?? axis, areEqual(-indices[place].offset, end),
      !indices.indices.contains(where: { $0 != place && indices[$0].coefficients[axis] != nil })
    else { return nil }
    var piece = MapPiece(map: Map(shape: map.shape, body: ScalarGraph()), lower: map.shape.map { _ in 0 })
    piece.lower[axis] = -indices[place].offset
    piece.map.shape[axis] = shape[place]
    indices[place].offset = 0
    let positions = indices.map { piece.map.body.affineIndex($0) }
    piece.map.body.results = [piece.map.body.read(operand, positions, type: map.body.type(of: next))]
    pieces.append(piece)
    (joined, end, total) = (axis, piece.lower[axis] + shape[place], total + shape[place])
    next = outside
  }
  guard let joined, pieces.count > 1, areEqual(map.shape[joined], end) || areEqual(map.shape[joined], total) else {
    return nil
  }
  return pieces
}

/// Adds the positions along single axes at which a comparison or a bounds check changes.
private func collectCuts(_ id: ScalarID, _ graph: ScalarGraph, _ operands: [TensorType], _ cuts: inout [Set<Int>]) {
  switch graph[id] {
  case .compare(_, let a, let b) where graph.type(of: a) == .i64:
    var difference = LinearForm(a, in: graph)
    difference.add(LinearForm(b, in: graph), times: -1)
    addCuts(difference, crossing: 0, &cuts)
    addCuts(difference, crossing: 1, &cuts)
  case .read(let operand, let indices, .some):
    for (index, extent) in zip(indices, operands[operand].shape) {
      guard let extent = extent.constant else { continue }
      addCuts(LinearForm(index, in: graph), crossing: 0, &cuts)
      addCuts(LinearForm(index, in: graph), crossing: extent, &cuts)
    }
  case .literal, .dim, .axis, .read, .accumulator, .unary, .binary, .compare, .select, .multiplyAdd, .cast, .bitcast: break
  }
}

/// Adds the first position at which `form >= threshold` differs from the position before.
private func addCuts(_ form: LinearForm, crossing threshold: Int, _ cuts: inout [Set<Int>]) {
  guard form.isAffine, form.axes.count == 1, let (axis, coefficient) = form.axes.first, let factor = coefficient.constant,
    let offset = form.constant.constant, factor != 0, offset.magnitude < 1 << 40
  else { return }
  let distance = threshold - offset
  // Rising forms reach the threshold at the rounded-up quotient; falling ones leave it after the rounded-down one.
  let quotient = Int((Double(distance) / Double(factor)).rounded(factor > 0 ? .up : .down))
  cuts[axis].insert(factor > 0 ? quotient : quotient + 1)
}

/// The body over a box of the domain, without the conditions that the box decides.
func restricted(_ body: ScalarGraph, _ lower: [Int], _ shape: [Dim], _ operands: [TensorType]) -> ScalarGraph {
  var result = ScalarGraph()
  result.results = result.insert(body) { graph, node, copied in
    switch node {
    case .axis(let axis):
      let start = graph.integer(lower[axis])
      return shape[axis] == 1 ? start : graph.plus(graph.axis(axis), start)
    case .compare(let op, let a, let b) where body.type(of: a) == .i64:
      var difference = LinearForm(copied(a), in: graph)
      difference.add(LinearForm(copied(b), in: graph), times: -1)
      guard let range = difference.bounds(shape), let decided = decide(op, range) else { return nil }
      return graph.integer(decided ? 1 : 0, .bool)
    case .binary(.and, let a, let b) where body.type(of: a) == .bool:
      return absorb(copied(a), copied(b), neutral: 1, graph)
    case .binary(.or, let a, let b) where body.type(of: a) == .bool:
      return absorb(copied(a), copied(b), neutral: 0, graph)
    case .read(let operand, let indices, .some(let outside)):
      let positions = indices.map(copied)
      var isInside = true
      for (position, extent) in zip(positions, operands[operand].shape) {
        guard let extent = extent.constant, let range = LinearForm(position, in: graph).bounds(shape) else {
          isInside = false
          continue
        }
        if range.upperBound < 0 || range.lowerBound >= extent { return copied(outside) }
        if range.lowerBound < 0 || range.upperBound >= extent { isInside = false }
      }
      return isInside ? graph.read(operand, positions, type: body.typeOf(node)) : nil
    case .literal, .dim, .read, .accumulator, .unary, .binary, .compare, .select, .multiplyAdd, .cast, .bitcast: return nil
    }
  }
  return result.pruned()
}

/// The other operand where one is the neutral literal, the literal where it decides, else nil.
private func absorb(_ a: ScalarID, _ b: ScalarID, neutral: Int, _ graph: ScalarGraph) -> ScalarID? {
  if let value = graph.integerValue(a) { return value == neutral ? b : a }
  if let value = graph.integerValue(b) { return value == neutral ? a : b }
  return nil
}

/// A comparison with 0 of a number in a range, where it is the same for all of the range.
private func decide(_ op: ScalarCompare, _ range: ClosedRange<Int>) -> Bool? {
  switch op {
  case .less: range.upperBound < 0 ? true : range.lowerBound >= 0 ? false : nil
  case .lessOrEqual: range.upperBound <= 0 ? true : range.lowerBound > 0 ? false : nil
  case .greater: range.lowerBound > 0 ? true : range.upperBound <= 0 ? false : nil
  case .greaterOrEqual: range.lowerBound >= 0 ? true : range.upperBound < 0 ? false : nil
  case .equal: range == 0...0 ? true : range.contains(0) ? nil : false
  case .notEqual: range == 0...0 ? false : range.contains(0) ? nil : true
  }
}
