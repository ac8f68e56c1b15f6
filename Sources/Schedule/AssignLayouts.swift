import Support
import TensorIR

/// A graph with a memory order for each of its values.
public struct LaidOutGraph {
  public var graph: Graph
  /// By value.
  public var layouts: [Layout]
  /// Factors that are read in groups along the last axis, which is innermost.
  var groupedFactors: Set<ValueID>
  /// How values lie within their copies with borders.
  var halos: [ValueID: Halo] = [:]
  /// The strides of values that lie within memory of a surrounding graph.
  var placed: [ValueID: [Dim]] = [:]
  /// What a call checks about extents before it relies on it.
  let facts: Set<DimFact>

  /// Elements between neighbours along each axis of a value.
  func strides(_ value: ValueID) -> [Dim] {
    placed[value] ?? halos[value]?.strides ?? layouts[value.index].strides(graph.shape(of: value))
  }
}

/// Chooses the layout of every value, in one sweep from inputs to outputs.
///
/// A contraction with a constant factor puts the axes of that factor innermost (channels last), because vectors run along them;
/// a map takes the order of its largest operand, and a reshape what its operand's order allows. Factors that are read in
/// groups, what reductions look up, graph inputs, outputs, constants and formulas over constants are row-major; where
/// another order meets them, or meets a reshape that would break it, an identity map converts.
public func assignLayouts(_ graph: Graph) -> LaidOutGraph {
  var assignment = LayoutAssignment(graph)
  assignment.run()
  return assignment.finished()
}

/// Before the origin of the node whose result a node brings into another order.
public let layoutPrefix = "layout of "

private struct LayoutAssignment {
  let source: Graph
  let producers: [Int?]
  var result: Graph
  var layouts: [Layout?]
  let groupedFactors: Set<ValueID>
  /// Values that reductions look up along their last axis.
  private let lookedUp: Set<ValueID>

  init(_ graph: Graph) {
    source = graph
    lookedUp = graph.lookedUp
    groupedFactors = Set(graph.nodes.flatMap { $0.groupedFactors(in: graph) })
    producers = graph.producers()
    result = graph
    result.nodes = []
    layouts = [Layout?](repeating: nil, count: graph.values.count)
    for input in graph.inputs { layouts[input.index] = .rowMajor(graph.shape(of: input).count) }
  }

  mutating func run() {
    for node in source.nodes { place(node) }
    result.outputs = source.outputs.map { rowMajor($0) }
  }

  func finished() -> LaidOutGraph {
    LaidOutGraph(
      graph: result, layouts: result.values.indices.map { layouts[$0] ?? .rowMajor(result.values[$0].type.rank) },
      groupedFactors: groupedFactors, facts: source.facts)
  }

  private func layout(_ value: ValueID) -> Layout {
    layouts[value.index] ?? .rowMajor(result.shape(of: value).count)
  }

  private mutating func place(_ node: Node) {
    var node = node
    switch node.primitive {
    case .constant, .assume: break
    case .map where staysRowMajor(node.results[0]): break
    case .map(let map):
      layouts[node.results[0].index] = followOperands(map.body, node.operands, map.shape, 0..<map.shape.count)
    case .reduce(let reduce):
      let all = reduce.shape + reduce.reduced
      let layout = followOperands(reduce.body, node.operands, all, 0..<reduce.shape.count)
      for value in node.results { layouts[value.index] = layout }
    case .contract(let contract):
      layouts[node.results[0].index] = contractLayout(contract, node)
    case .reshape(let shape):
      let operand = node.operands[0]
      if let layout = reshapedLayout(layout(operand), result.shape(of: operand), shape) {
        layouts[node.results[0].index] = layout
      } else {
        node.operands = [rowMajor(operand)]
      }
    case .scan, .branch, .scatter, .sort, .compact, .external, .measure:
      node.operands = node.operands.map { rowMajor($0) }
    }
    result.nodes.append(node)
  }

  private func staysRowMajor(_ value: ValueID) -> Bool {
    groupedFactors.contains(value) || lookedUp.contains(value) || isConstant(value)
  }

  /// The value in row-major order: itself, or a converted copy.
  private mutating func rowMajor(_ value: ValueID) -> ValueID {
    let type = result.type(of: value)
    if layout(value).isRowMajor(type.shape) { return value }
    var body = ScalarGraph()
    let indices = (0..<type.rank).map { body.axis($0) }
    body.results = [body.read(0, indices, type: type.element)]
    result.values.append(Value(type: type))
    layouts.append(.rowMajor(type.rank))
    let copy = ValueID(result.values.count - 1)
    let origin = layoutPrefix + (producers[value.index].map { source.nodes[$0].origin } ?? "an input")
    result.nodes.append(
      Node(.map(Map(shape: type.shape, body: body)), operands: [value], results: [copy], origin: origin))
    return copy
  }

  /// The lanes that the longest vectors have.
  private static let longVector = 16

  /// The order in which the largest operand that is not a constant walks the kept axes, of those with rows at computed places, if
  /// there are any: along other axes each element of a vector has a place of its own.
  private func followOperands(_ body: ScalarGraph, _ operands: [ValueID], _ extents: [Dim], _ kept: Range<Int>) -> Layout {
    var best: (weight: (Int, Int), order: [Int])?
    for id in body.reachable {
      guard case .read(let operand, let indices, _) = body[id] else { continue }
      let value = operands[operand]
      let shape = result.shape(of: value)
      let isConstant = producers[value.index].map { if case .constant = source.nodes[$0].primitive { true } else { false } }
      // Open extents may be long where the sample makes them 0.
      let size = shape.product.constant ?? max(2, MemoryPlan.sample(shape.product))
      let innermost = layout(value).order.lastIndex { shape[$0] != 1 }
      let isPicked = innermost.map { picksRows(indices, along: layout(value).order[$0], extents, kept, body) } ?? false
      let weight = (isPicked ? 1 : 0, size)
      guard isConstant != true, weight > best?.weight ?? (0, 1) else { continue }
      let valueLayout = layout(value)
      let position = followedDimensions(indices, extents, in: body).mapValues { dimension in
        valueLayout.order.firstIndex(of: dimension) ?? dimension
      }
      guard position.count > 0 else { continue }
      // Axes that the operand does not have go outermost, but for long ones along which vectors of constants can be read, where
      // the operand's innermost axis is short or summed.
      let own = innermost.map { place in kept.first { position[$0] == place } } ?? kept.first
      let width = own.map { extents[$0].constant ?? .max } ?? 0
      let dense = width >= Self.longVector ? [] : denseAxes(body, operands).filter { extents[$0].constant ?? .max > width }
      func place(_ axis: Int) -> Int { position[axis] ?? (dense.contains(axis) ? .max : -1) }
      let order = kept.sorted { (place($0), $0) < (place($1), $1) }
      best = (weight, order)
    }
    return best.map { Layout(order: $0.order) } ?? .rowMajor(kept.count)
  }

  /// Whether indices depend on numbers that are read, but for one along a kept axis with enough elements for a vector.
  private func picksRows(
    _ indices: [ScalarID], along dimension: Int, _ extents: [Dim], _ kept: Range<Int>, _ body: ScalarGraph
  ) -> Bool {
    guard case .axis(let axis) = body[indices[dimension]], kept.contains(axis),
      extents[axis].constant ?? .max >= Self.longVector
    else { return false }
    return indices.contains { body.dependsOnData($0) }
  }

  /// The axes that constants have innermost.
  private func denseAxes(_ body: ScalarGraph, _ operands: [ValueID]) -> Set<Int> {
    var axes: Set<Int> = []
    for id in body.reachable {
      guard case .read(let operand, let indices, _) = body[id], isConstant(operands[operand]), let last = indices.last,
        case .axis(let axis) = body[last]
      else { continue }
      axes.insert(axis)
    }
    return axes
  }

  private func contractLayout(_ contract: Contract, _ node: Node) -> Layout {
    let rank = contract.shape.count
    let indices: [AffineIndex]
    if isConstant(node.operands[1]) {
      indices = contract.rhs
    } else if isConstant(node.operands[0]) {
      indices = contract.lhs
    } else {
      return .rowMajor(rank)
    }
    var inner = Set<Int>()
    for index in indices { inner.formUnion(index.coefficients.keys) }
    let outer = (0..<rank).filter { !inner.contains($0) }
    return Layout(order: outer + (0..<rank).filter { inner.contains($0) })
  }

  private func isConstant(_ value: ValueID) -> Bool { source.isConstant(value, producers) }
}

extension Node {
  /// The factors that a contraction, or the body of a scan, reads in groups.
  fileprivate func groupedFactors(in graph: Graph) -> [ValueID] {
    switch primitive {
    case .contract(let contract):
      let factors = Array(operands.prefix(2))
      return contract.groupSize(factors.map { graph.type(of: $0).element }) == nil ? [] : factors
    case .scan(let scan):
      let factors = Set(scan.body.nodes.flatMap { $0.groupedFactors(in: scan.body) })
      // The body's first input is the number of the step.
      return zip(operands, scan.body.inputs.dropFirst()).filter { factors.contains($1) }.map { $0.0 }
    case .constant, .map, .reduce, .reshape, .branch, .scatter, .sort, .compact, .external, .measure, .assume: return []
    }
  }
}

extension Graph {
  /// The values that reductions look up along the last axis, with those that they are reshaped from.
  fileprivate var lookedUp: Set<ValueID> {
    var found = Set(nodes.flatMap(\.lookedUp))
    for node in nodes.reversed() where node.results.contains(where: found.contains) {
      if case .reshape = node.primitive { found.insert(node.operands[0]) }
    }
    return found
  }
}

extension Node {
  /// The operands of a reduction of which it reads rows along a kept axis, where a table says which.
  fileprivate var lookedUp: [ValueID] {
    guard case .reduce(let reduce) = primitive else { return [] }
    return reduce.body.reachable.compactMap { id in
      guard case .read(let operand, let indices, nil) = reduce.body[id], let last = indices.last,
        case .axis(let axis) = reduce.body[last], axis < reduce.shape.count,
        indices.dropLast().contains(where: { reduce.body.isTable($0) })
      else { return nil }
      return operands[operand]
    }
  }
}

extension ScalarGraph {
  /// Whether a number is read from somewhere.
  fileprivate func isTable(_ id: ScalarID) -> Bool {
    switch self[id] {
    case .read: true
    case .cast(_, let number): isTable(number)
    case .literal, .dim, .axis, .accumulator, .unary, .binary, .compare, .select, .multiplyAdd, .bitcast: false
    }
  }
}

/// The dimension that each axis follows, of those that indices walk.
///
/// An axis that parts of several dimensions depend on, as with interleaved phases, follows the one where most of its values
/// are told apart. Where a table alone says what is read along a dimension, as in resizing, its axes follow that, unless
/// they follow another one.
private func followedDimensions(_ indices: [ScalarID], _ extents: [Dim], in graph: ScalarGraph) -> [Int: Int] {
  let direct = indices.map { valueCounts($0, extents, in: graph) }
  let byTable = zip(indices, direct).map { index, counts -> [Int: Int] in
    guard counts.isEmpty, case .read(_, let places, _) = graph[index] else { return [:] }
    return places.reduce(into: [:]) { $0.merge(valueCounts($1, extents, in: graph), uniquingKeysWith: max) }
  }
  func followed(_ counts: [[Int: Int]]) -> [Int: Int] {
    Set(counts.flatMap(\.keys)).reduce(into: [:]) { dimensions, axis in
      guard let most = counts.compactMap({ $0[axis] }).max(), most > 0 else { return }
      dimensions[axis] = counts.firstIndex { $0[axis] == most }
    }
  }
  return followed(direct).merging(followed(byTable)) { own, _ in own }
}

/// How many values of each axis an index tells apart, at most; reads aside.
private func valueCounts(_ index: ScalarID, _ extents: [Dim], in graph: ScalarGraph) -> [Int: Int] {
  var counts: [ScalarID: [Int: Int]] = [:]
  func counted(_ id: ScalarID) -> [Int: Int] {
    if let known = counts[id] { return known }
    var found: [Int: Int] = [:]
    switch graph[id] {
    case .axis(let axis): found[axis] = extents[axis].constant ?? .max
    case .literal, .dim, .read, .accumulator: break
    case .unary, .binary, .compare, .select, .multiplyAdd, .cast, .bitcast:
      for operand in ScalarGraph.operands(of: graph[id]) { found.merge(counted(operand), uniquingKeysWith: max) }
    }
    if case .binary(let op, _, let b) = graph[id], let divisor = graph.integerValue(b), divisor > 0 {
      if op == .floorDivide || op == .divide { found = found.mapValues { ($0 - 1) / divisor + 1 } }
      if op == .floorRemainder || op == .remainder { found = found.mapValues { min($0, divisor) } }
    }
    counts[id] = found
    return found
  }
  return counted(index)
}

/// The layout under which a reshaped value has the same memory as its operand; nil where there is none.
func reshapedLayout(_ layout: Layout, _ from: [Dim], _ to: [Dim]) -> Layout? {
  guard let groups = reshapeGroups(from, to) else { return layout.isRowMajor(from) ? .rowMajor(to.count) : nil }
  let long = layout.order.filter { from[$0] != 1 }
  var order: [Int] = []
  var position = 0
  while position < long.count {
    guard let group = groups.first(where: { $0.from.first == long[position] }) else { return nil }
    guard Array(long[position...].prefix(group.from.count)) == group.from else { return nil }
    order += group.to
    position += group.from.count
  }
  let units = to.indices.filter { to[$0] == 1 }
  return Layout(order: units + order)
}
