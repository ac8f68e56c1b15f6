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
/// conditions of which it is not certain where they change, or with too many pieces stays whole.
func split(_ map: Map, operands: [TensorType], facts: Set<DimFact>) -> [MapPiece] {
  let whole = [MapPiece(map: map, lower: [Dim](repeating: 0, count: map.shape.count))]
  if map.shape.constants == nil, let pieces = joinedPieces(map, operands, facts) { return pieces }
  guard !map.shape.contains(0) else { return whole }
  var cuts = [[Dim]](repeating: [], count: map.shape.count)
  for id in map.body.reachable { collectCuts(id, map.body, operands, map.shape, &cuts) }
  let bounds = zip(cuts, map.shape).map { cuts, extent in [0] + ordered(cuts, within: extent) + [extent] }
  let count = bounds.reduce(1) { $0 * ($1.count - 1) }
  guard count > 1, count <= pieceLimit else { return whole }
  var boxes: [[(lower: Dim, extent: Dim)]] = [[]]
  for bound in bounds {
    let ranges = zip(bound, bound.dropFirst()).map { ($0, $1 - $0) }
    boxes = boxes.flatMap { box in ranges.map { box + [$0] } }
  }
  let pieces = boxes.map { box in
    let (lower, shape) = (box.map(\.lower), box.map(\.extent))
    return MapPiece(map: Map(shape: shape, body: restricted(map.body, lower, shape, operands)), lower: lower)
  }
  // Where an index of several digits crosses a bound within one position of the first, the others are cut for that one.
  let smaller = pieces.flatMap { piece in
    split(piece.map, operands: operands, facts: facts).map {
      MapPiece(map: $0.map, lower: zip(piece.lower, $0.lower).map { $0 + $1 })
    }
  }
  return smaller.count <= pieceLimit ? smaller : pieces
}

/// The positions that are certain to lie within an extent, in rising order, without those whose place among others is not certain.
private func ordered(_ cuts: [Dim], within extent: Dim) -> [Dim] {
  var ordered: [Dim] = []
  for cut in cuts where cut != 0 && cut != extent && Dim(0).isAtMost(cut) && cut.isAtMost(extent) {
    let place = ordered.firstIndex { cut.isAtMost($0) } ?? ordered.count
    guard place == 0 || ordered[place - 1].isAtMost(cut), !ordered.contains(cut) else { continue }
    ordered.insert(cut, at: place)
  }
  return ordered
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
private func collectCuts(
  _ id: ScalarID, _ graph: ScalarGraph, _ operands: [TensorType], _ extents: [Dim], _ cuts: inout [[Dim]]
) {
  switch graph[id] {
  case .compare(let op, let a, let b) where graph.type(of: a) == .i64:
    guard let difference = difference(a, b, graph) else { return }
    switch op {
    case .less, .greaterOrEqual: addCuts(difference, crossing: 0, &cuts)
    case .lessOrEqual, .greater: addCuts(difference, crossing: 1, &cuts)
    case .equal, .notEqual:
      addCuts(difference, crossing: 0, &cuts)
      addCuts(difference, crossing: 1, &cuts)
    }
  case .read(let operand, let indices, .some):
    for (index, extent) in zip(indices, operands[operand].shape) {
      guard let index = AffineIndex(index, in: graph) else { continue }
      addCuts(index, crossing: 0, &cuts)
      addCuts(index, crossing: extent, &cuts)
      if let (axis, positions) = firstDigit(index, crossing: extent, extents) { cuts[axis] += positions.map { Dim($0) } }
    }
  case .literal, .dim, .axis, .read, .accumulator, .unary, .binary, .compare, .select, .multiplyAdd, .cast, .bitcast: break
  }
}

private func difference(_ a: ScalarID, _ b: ScalarID, _ graph: ScalarGraph) -> AffineIndex? {
  var difference = LinearForm(a, in: graph)
  difference.add(LinearForm(b, in: graph), times: -1)
  return AffineIndex(difference)
}

/// Adds the first position at which `index >= threshold` differs from the position before.
private func addCuts(_ index: AffineIndex, crossing threshold: Dim, _ cuts: inout [[Dim]]) {
  guard index.coefficients.count == 1, let (axis, factor) = index.coefficients.first else { return }
  let distance = threshold - index.offset
  if let distance = distance.constant {
    guard distance.magnitude < 1 << 40 else { return }
    // Rising forms reach the threshold at the rounded-up quotient; falling ones leave it after the rounded-down one.
    let quotient = Int((Double(distance) / Double(factor)).rounded(factor > 0 ? .up : .down))
    cuts[axis].append(Dim(factor > 0 ? quotient : quotient + 1))
  } else if factor.magnitude == 1 {
    cuts[axis].append(factor > 0 ? distance : 1 - distance)
  }
}

/// The axis of the first digit of an index that is written with several, and the positions along it between which the index
/// crosses a threshold; nil for other indices.
private func firstDigit(_ index: AffineIndex, crossing threshold: Dim, _ extents: [Dim]) -> (axis: Int, positions: [Int])? {
  let digits = index.coefficients.filter { extents[$0.key] != 1 }.sorted { ($0.value, $0.key) > ($1.value, $1.key) }
  guard digits.count > 1, let first = digits.first, let last = digits.last, last.value > 0,
    let distance = (threshold - index.offset).constant, distance > 0
  else { return nil }
  let reach = digits.dropFirst().reduce(Dim(0)) { $0 + (extents[$1.key] - 1) * $1.value }
  guard reach.isAtMost(Dim(first.value - 1)) else { return nil }
  let (position, rest) = distance.quotientAndRemainder(dividingBy: first.value)
  return (first.key, rest == 0 ? [position] : [position, position + 1])
}

/// The body over a box of the domain, without the conditions that the box decides.
func restricted(_ body: ScalarGraph, _ lower: [Dim], _ shape: [Dim], _ operands: [TensorType]) -> ScalarGraph {
  var result = ScalarGraph()
  var bounds = IndexBounds(shape)
  result.results = result.insert(body) { graph, node, copied in
    switch node {
    case .axis(let axis):
      let start = graph.dim(lower[axis])
      return shape[axis] == 1 ? start : graph.plus(graph.axis(axis), start)
    case .compare(let op, let a, let b) where body.type(of: a) == .i64:
      guard let difference = difference(copied(a), copied(b), graph), let decided = decide(op, difference.bounds(shape))
      else { return nil }
      return graph.integer(decided ? 1 : 0, .bool)
    case .binary(.and, let a, let b) where body.type(of: a) == .bool:
      return absorb(copied(a), copied(b), neutral: 1, graph)
    case .binary(.or, let a, let b) where body.type(of: a) == .bool:
      return absorb(copied(a), copied(b), neutral: 0, graph)
    case .read(let operand, let indices, .some(let outside)):
      let positions = indices.map(copied)
      var isInside = true
      for (position, extent) in zip(positions, operands[operand].shape) {
        guard let (low, high) = bounds.of(position, in: graph) else {
          isInside = false
          continue
        }
        if high.isAtMost(-1) || extent.isAtMost(low) { return copied(outside) }
        if !Dim(0).isAtMost(low) || !(high + 1).isAtMost(extent) { isInside = false }
      }
      return isInside ? graph.read(operand, positions, type: body.typeOf(node)) : nil
    case .literal, .dim, .read, .accumulator, .unary, .binary, .compare, .select, .multiplyAdd, .cast, .bitcast: return nil
    }
  }
  return result.pruned()
}

/// The least and the greatest values of indices over a box, of digits of numbers too.
private struct IndexBounds {
  let shape: [Dim]
  /// Nodes may share operands, so that there are far more paths than nodes.
  private var known: [ScalarID: (low: Dim, high: Dim)?] = [:]

  init(_ shape: [Dim]) { self.shape = shape }

  /// Nil where they are not known.
  mutating func of(_ id: ScalarID, in graph: ScalarGraph) -> (low: Dim, high: Dim)? {
    if let earlier = known[id] { return earlier }
    let bounds = AffineIndex(id, in: graph).map { $0.bounds(shape) } ?? ofDigits(id, in: graph)
    known[id] = .some(bounds)
    return bounds
  }

  private mutating func ofDigits(_ id: ScalarID, in graph: ScalarGraph) -> (low: Dim, high: Dim)? {
    guard case .binary(let op, let a, let b) = graph[id], let (low, high) = of(a, in: graph) else { return nil }
    if op == .add { return of(b, in: graph).map { (low + $0.low, high + $0.high) } }
    guard let number = graph.integerValue(b), number > 0 else { return nil }
    if op == .multiply { return (low * number, high * number) }
    if op == .floorRemainder { return (0, Dim(number - 1)) }
    return op == .floorDivide ? (low.floorDivided(by: Dim(number)), high.floorDivided(by: Dim(number))) : nil
  }
}

/// The other operand where one is the neutral literal, the literal where it decides, else nil.
private func absorb(_ a: ScalarID, _ b: ScalarID, neutral: Int, _ graph: ScalarGraph) -> ScalarID? {
  if let value = graph.integerValue(a) { return value == neutral ? b : a }
  if let value = graph.integerValue(b) { return value == neutral ? a : b }
  return nil
}

/// A comparison with 0 of a number between bounds, where it is certain to be the same for all of them.
private func decide(_ op: ScalarCompare, _ bounds: (low: Dim, high: Dim)) -> Bool? {
  let (low, high) = bounds
  func choice(_ isTrue: Bool, _ isFalse: Bool) -> Bool? { isTrue ? true : isFalse ? false : nil }
  let (isNegative, isPositive) = (high.isAtMost(-1), Dim(1).isAtMost(low))
  switch op {
  case .less: return choice(isNegative, Dim(0).isAtMost(low))
  case .lessOrEqual: return choice(high.isAtMost(0), isPositive)
  case .greater: return choice(isPositive, high.isAtMost(0))
  case .greaterOrEqual: return choice(Dim(0).isAtMost(low), isNegative)
  case .equal: return choice(low == 0 && high == 0, isNegative || isPositive)
  case .notEqual: return choice(isNegative || isPositive, low == 0 && high == 0)
  }
}
