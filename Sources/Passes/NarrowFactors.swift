import Support
import TensorIR

/// What all formulas of a graph have to save, in bytes: caches hold less anyway.
let leastSavingOfFormulas = 1 << 20

/// Keeps constant factors of contractions that are computed element by element from narrower constants, such as weights
/// quantized in blocks, as one map over those constants, which lowering computes where the factor is read. Maps that
/// pick few elements of such a constant compute these.
///
/// Constants in the map are read at axes and at axes divided by numbers; what is read in other ways, such as numbers
/// packed into bytes, becomes a constant of its own.
func narrowFactors(_ graph: Graph, leastSaving: Int = leastSavingOfFormulas) -> Graph {
  var formulas = FactorFormulas(graph)
  let nodes = graph.nodes.map { node in
    for (position, value) in node.operands.prefix(2).enumerated() {
      if isPlainFactor(position, of: node, in: graph) { formulas.keep(value) }
    }
    return formulas.computingPicked(node)
  }
  guard formulas.savedBytes >= leastSaving else { return graph }
  var result = graph
  result.nodes = []
  var kept: [ValueID: ValueID] = [:]
  for node in nodes {
    var changed = node
    for (position, value) in node.operands.prefix(2).enumerated() {
      guard isPlainFactor(position, of: node, in: graph), let formula = formulas.kept[value] else { continue }
      let known = kept[value] ?? result.add(formula, origin: formulas.origin(of: value, else: node.origin))
      kept[value] = known
      changed.operands[position] = known
    }
    result.nodes.append(changed)
  }
  return result
}

/// The values that `narrowFactors` keeps as maps: large ones over narrower constants, which only contractions read.
func narrowValues(_ graph: Graph, leastSaving: Int) -> Set<ValueID> {
  let formulas = graph.factorFormulas { isPlainFactor($0, of: $1, in: graph) }.filter(\.value.isNarrow)
  return formulas.values.reduce(0) { $0 + $1.savedBytes } >= leastSaving ? Set(formulas.keys) : []
}

/// Whether an operand of a node is the factor of a contraction whose axes are axes of the contraction, and the other
/// factor has no windows.
private func isPlainFactor(_ position: Int, of node: Node, in graph: Graph) -> Bool {
  guard position < 2, case .contract(let contract) = node.primitive, contract.accumulator == .f32,
    graph.type(of: node.operands[position]).element == .f32
  else { return false }
  let rank = contract.shape.count
  let (own, other) = position == 0 ? (contract.lhs, contract.rhs) : (contract.rhs, contract.lhs)
  let axes = own.compactMap(\.singleAxis)
  guard axes.count == own.count, Set(axes).count == axes.count, axes.contains(where: { $0 < rank }),
    axes.contains(where: { $0 >= rank })
  else { return false }
  let extents = contract.shape + contract.reduced
  return other.allSatisfy { index in
    let walked = index.coefficients.keys.filter { extents[$0] != 1 }
    return walked.count < 2 || walked.allSatisfy { $0 < rank }
  }
}

extension ConstantFormula {
  /// Factors of fewer bytes are as well folded.
  private static let leastBytes = 1 << 16

  /// Whether keeping the formula saves enough.
  fileprivate var isNarrow: Bool {
    guard let count = map.shape.product.constant, map.body.type(of: map.body.results[0]) == .f32 else { return false }
    return count * 4 >= Self.leastBytes && bits * 5 <= count * 32 * 3
  }

  /// Bytes of the elements less those of the constants.
  fileprivate var savedBytes: Int { (map.shape.product.constant ?? 0) * 4 - bits / 8 }
}

extension Graph {
  fileprivate mutating func add(_ formula: ConstantFormula, origin: String) -> ValueID {
    let operands = formula.operands.map { add(.constant($0), [], origin: origin) }
    return add(.map(formula.map), operands, origin: origin)
  }
}

/// Finds how values are computed from constants.
private struct FactorFormulas {
  /// Formulas are not grown beyond this many nodes.
  private static let bodyLimit = 200

  /// A map over constants that other nodes of the graph define.
  private struct Source {
    var shape: [Dim]
    var body: ScalarGraph
    var operands: [ValueID]
  }

  private(set) var kept: [ValueID: ConstantFormula] = [:]
  /// Bytes that formulas save, whether they are kept or picked from.
  private(set) var savedBytes = 0
  private var picked: Set<ValueID> = []
  private let graph: Graph
  private let producers: [Int?]
  private var sources: [ValueID: Source?] = [:]

  init(_ graph: Graph) {
    self.graph = graph
    producers = graph.producers()
  }

  func origin(of value: ValueID, else other: String) -> String {
    producers[value.index].map { graph.nodes[$0].origin } ?? other
  }

  /// Keeps a value as a formula if that saves memory.
  mutating func keep(_ value: ValueID) {
    guard kept[value] == nil, graph.constant(value, producers) == nil, let source = source(of: value) else { return }
    let operands = source.operands.compactMap { graph.constant($0, producers) }
    guard operands.count == source.operands.count, source.shape.constants != nil,
      let formula = CanonicalFormula(source.shape, source.body, operands)?.formula, formula.isNarrow
    else { return }
    kept[value] = formula
    savedBytes += formula.savedBytes
  }

  /// A map that picks elements of formulas by computed indices, over the formulas' constants.
  mutating func computingPicked(_ node: Node) -> Node {
    guard case .map(var map) = node.primitive else { return node }
    var changed = node
    for (operand, value) in node.operands.enumerated() where map.body.picks(operand) {
      guard graph.constant(value, producers) == nil, let source = source(of: value) else { continue }
      let constants = source.operands.compactMap { graph.constant($0, producers) }
      let formula = ConstantFormula(map: Map(shape: source.shape, body: source.body), operands: constants)
      guard formula.isNarrow, map.body.nodes.count + source.body.nodes.count <= Self.bodyLimit,
        map.shape.product.constant.map({ $0 * 2 <= source.shape.product.constant ?? 0 }) ?? true
      else { continue }
      if picked.insert(value).inserted { savedBytes += formula.savedBytes }
      let numbering = source.operands.indices.map { changed.operands.count + $0 }
      var body = ScalarGraph()
      body.results = body.insert(map.body) { body, read, copied in
        guard case .read(operand, let indices, _) = read else { return nil }
        return body.insert(source.body, operands: numbering, axes: indices.map(copied))[0]
      }
      changed.operands += source.operands
      map.body = body
    }
    (changed.operands, map.body) = GraphBuilder.compact(map.body, changed.operands)
    changed.primitive = .map(map)
    return changed
  }

  private mutating func source(of value: ValueID) -> Source? {
    if let known = sources[value] { return known }
    let source = producers[value.index].flatMap { composed(graph.nodes[$0], value) }
    sources[value] = source
    return source
  }

  private mutating func composed(_ node: Node, _ value: ValueID) -> Source? {
    let shape = graph.shape(of: value)
    var body = ScalarGraph()
    switch node.primitive {
    case .constant(let constant):
      guard Evaluator.isEvaluated(constant.type.element) else { return nil }
      body.results = [body.read(0, shape.indices.map { body.axis($0) }, type: constant.type.element)]
      return Source(shape: shape, body: body, operands: [value])
    case .reshape:
      guard let inner = source(of: node.operands[0]), let movement = Movement(node, graph) else { return nil }
      let axes = movement.indices.map { body.position($0, shape) }
      body.results = body.insert(inner.body, axes: axes)
      return Source(shape: shape, body: body, operands: inner.operands)
    case .map(let map):
      let inner = node.operands.map { source(of: $0) }
      var operands: [ValueID] = []
      let numbering = inner.map { source in
        (source?.operands ?? []).map { operand in
          operands.firstIndex(of: operand) ?? { operands.append(operand); return operands.count - 1 }()
        }
      }
      guard !inner.contains(where: { $0 == nil }), map.body.readsWithin else { return nil }
      body.results = body.insert(map.body) { body, node, copied in
        guard case .read(let operand, let indices, _) = node, let source = inner[operand] else { return nil }
        return body.insert(source.body, operands: numbering[operand], axes: indices.map(copied))[0]
      }
      return body.nodes.count > Self.bodyLimit ? nil : Source(shape: shape, body: body, operands: operands)
    case .reduce, .contract, .scan, .branch, .scatter, .sort, .compact, .external, .measure, .assume: return nil
    }
  }
}

extension ScalarGraph {
  /// Whether all reads of an operand are within bounds, at indices of which some is read itself.
  fileprivate func picks(_ operand: Int) -> Bool {
    let reads = reachable.compactMap { id -> Bool? in
      guard case .read(operand, let indices, let outside) = self[id] else { return nil }
      return outside == nil && indices.contains { dependsOnData($0) }
    }
    return !reads.isEmpty && reads.allSatisfy { $0 }
  }

  /// Whether no read is out of bounds, and no extent symbolic.
  fileprivate var readsWithin: Bool {
    reachable.allSatisfy { id in
      switch self[id] {
      case .read(_, _, let outside): outside == nil
      case .dim: false
      case .literal, .axis, .accumulator, .unary, .binary, .compare, .select, .multiplyAdd, .cast, .bitcast: true
      }
    }
  }

  /// The index into the source of a movement, over the axes of its result.
  fileprivate mutating func position(_ index: Movement.Index, _ shape: [Dim]) -> ScalarID {
    switch index {
    case .affine(let index): return affineIndex(index)
    case .digit(let axis, let stride, let extent):
      let quotient = binary(.floorDivide, self.axis(axis), integer(stride))
      return extent * stride == shape[axis] ? quotient : binary(.floorRemainder, quotient, dim(extent))
    }
  }
}

/// A formula whose constants are read at axes, or at axes divided by numbers.
private struct CanonicalFormula {
  private(set) var formula: ConstantFormula

  private let source: ScalarGraph
  private let shape: [Int]
  private let constants: [ConstantTensor]
  private var body = ScalarGraph()
  private var copies: [ScalarID: ScalarID] = [:]
  private var operands: [ConstantTensor] = []

  /// Nil if a part cannot be computed, or is not of the form.
  init?(_ shape: [Dim], _ source: ScalarGraph, _ constants: [ConstantTensor]) {
    guard let extents = shape.constants else { return nil }
    formula = ConstantFormula(map: Map(shape: shape, body: source), operands: constants)
    self.source = source
    self.shape = extents
    self.constants = constants
    guard let result = copy(source.results[0]) else { return nil }
    body.results = [result]
    formula = ConstantFormula(map: Map(shape: shape, body: body.pruned()), operands: operands)
  }

  private mutating func copy(_ id: ScalarID) -> ScalarID? {
    if let known = copies[id] { return known }
    guard let copy = element(id) ?? computed(id) else { return nil }
    copies[id] = copy
    return copy
  }

  /// A node other than reads, over copies of its operands.
  private mutating func computed(_ id: ScalarID) -> ScalarID? {
    switch source[id] {
    case .literal(let literal, let type): return body.add(.literal(literal, type), type: type)
    case .unary(let op, let a): return copy(a).map { body.unary(op, $0) }
    case .binary(let op, let a, let b):
      guard let x = copy(a), let y = copy(b) else { return nil }
      return body.binary(op, x, y)
    case .multiplyAdd(let a, let b, let c):
      guard let x = copy(a), let y = copy(b), let z = copy(c) else { return nil }
      return body.multiplyAdd(x, y, z)
    case .compare(let op, let a, let b):
      guard let x = copy(a), let y = copy(b) else { return nil }
      return body.compare(op, x, y)
    case .select(let c, let a, let b):
      guard let x = copy(c), let y = copy(a), let z = copy(b) else { return nil }
      return body.select(x, y, z)
    case .cast(let type, let a): return copy(a).map { body.cast($0, to: type) }
    case .bitcast(let type, let a): return copy(a).map { body.bitcast($0, to: type) }
    case .dim, .axis, .read, .accumulator: return nil
    }
  }

  /// A read, or the part of one that few bits hold, as an element of a constant.
  private mutating func element(_ id: ScalarID) -> ScalarID? {
    let type = source.type(of: id)
    switch source[id] {
    case .read(let operand, let indices, _):
      if let positions = canonical(indices) { return read(constants[operand], positions, type) }
      return evaluated(id, as: type)
    case .binary(.and, _, let mask):
      guard let bits = source.integerValue(mask).flatMap({ [3: 2, 15: 4, 255: 8][$0] }) else { return nil }
      let narrow: ElementType = bits == 2 ? .u2 : bits == 4 ? .u4 : .u8
      return evaluated(id, as: narrow).map { body.cast($0, to: type) }
    case .literal, .dim, .axis, .accumulator, .unary, .binary, .compare, .select, .multiplyAdd, .cast, .bitcast:
      return nil
    }
  }

  private mutating func read(_ constant: ConstantTensor, _ positions: [Position], _ type: ElementType) -> ScalarID {
    let number = operands.firstIndex(of: constant) ?? operands.count
    if number == operands.count { operands.append(constant) }
    return body.read(number, positions.map { $0.node(in: &body) }, type: type)
  }

  /// An index: an axis divided by a number, or a number.
  private struct Position {
    var axis: Int?
    /// The divisor, or the number.
    var number: Int

    func node(in graph: inout ScalarGraph) -> ScalarID {
      guard let axis else { return graph.integer(number) }
      return graph.binary(.floorDivide, graph.axis(axis), graph.integer(number))
    }
  }

  private func canonical(_ indices: [ScalarID]) -> [Position]? {
    let positions = indices.compactMap { id -> Position? in
      if let number = source.integerValue(id) { return Position(axis: nil, number: number) }
      return quotient(id).map { Position(axis: $0.axis, number: $0.divisor) }
    }
    return positions.count == indices.count ? positions : nil
  }

  private func quotient(_ id: ScalarID) -> (axis: Int, divisor: Int)? {
    switch source[id] {
    case .axis(let axis): return (axis, 1)
    case .binary(.floorDivide, let a, let b):
      guard case .axis(let axis) = source[a], let divisor = source.integerValue(b), divisor > 0 else { return nil }
      return (axis, divisor)
    case .literal, .dim, .read, .accumulator, .unary, .binary, .compare, .select, .multiplyAdd, .cast, .bitcast:
      return nil
    }
  }

  /// A part of the formula as a constant over the axes, or quotients of axes, that it depends on.
  private mutating func evaluated(_ id: ScalarID, as type: ElementType) -> ScalarID? {
    var divisors: [Int: Set<Int>] = [:]
    depend(id, &divisors)
    let positions = divisors.keys.sorted().map { axis in
      Position(axis: axis, number: divisors[axis]?.count == 1 ? divisors[axis]?.first ?? 1 : 1)
    }
    var part = source
    part.results = [id]
    var graph = ScalarGraph()
    let value = graph.insert(part) { graph, node, _ in
      for (place, position) in positions.enumerated() {
        switch node {
        case .axis(position.axis): return graph.axis(place)
        case .binary(.floorDivide, let a, let b) where position.number > 1:
          if case .axis(position.axis) = part[a], part.integerValue(b) == position.number { return graph.axis(place) }
        default: continue
        }
      }
      return nil
    }[0]
    graph.results = [graph.cast(value, to: type)]
    let dims = positions.map { position in
      Dim(position.axis.map { (shape[$0] + position.number - 1) / position.number } ?? 1)
    }
    let (used, renumbered) = GraphBuilder.compact(graph, constants.indices.map { ValueID($0) })
    let formula = ConstantFormula(
      map: Map(shape: dims, body: renumbered), operands: used.map { constants[$0.index] })
    return formula.values().map { read($0, positions, type) }
  }

  /// Adds the numbers that each axis is divided by where a node depends on it; 1 where it is not.
  private func depend(_ id: ScalarID, _ divisors: inout [Int: Set<Int>]) {
    if let (axis, divisor) = quotient(id) {
      divisors[axis, default: []].insert(divisor)
    } else {
      for operand in ScalarGraph.operands(of: source[id]) { depend(operand, &divisors) }
    }
  }
}
