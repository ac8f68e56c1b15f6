import Support
import TensorIR

/// A contraction of two computed factors, such as those of attention, whose numbers are rounded to `bf16` and arranged
/// as a matrix unit wants them.
///
/// The rows' terms lie in blocks of what one instruction sums; of the columns, which the other factor has, pairs of terms
/// lie side by side, so that an instruction reads them from the rows of a matrix.
struct PairedContraction {
  private let node: Node
  private let contract: Contract
  private let extents: [Dim]
  private let rows: Factor
  private let columns: Factor
  /// The axis of the columns: the results' last one.
  private let column: Int
  /// The summed axis that becomes blocks of pairs, and its extent.
  private let term: Int
  private let terms: Int
  /// Pairs in a block.
  private let pairs: Int

  private struct Factor {
    var value: ValueID
    var indices: [AffineIndex]
    var shape: [Dim]

    /// The axes that the factor varies along.
    var axes: Set<Int> { Set(indices.flatMap(\.coefficients.keys)) }
  }

  /// Terms of rows and of columns, and products of every arranged number, from which on arranging pays.
  private static let leastTerms = 16
  private static let leastRows = 16
  private static let leastColumns = 16
  private static let leastUses = 32
  /// What is taken for an open extent.
  private static let usualExtent = 336
  /// Columns of one tile, in multiples of which they lie in memory.
  private static let width = 16

  /// Nil if the contraction is of another form, or too small to pay, or the unit sums no more than a pair at once, which
  /// does not make up for arranging.
  init?(_ node: Node, _ graph: Graph, _ producers: [Int?], depth: Int) {
    guard depth > 2, case .contract(let contract) = node.primitive, contract.accumulator == .f32,
      node.operands.prefix(2).allSatisfy({ graph.type(of: $0).element == .f32 && !graph.isConstant($0, producers) })
    else { return nil }
    let extents = contract.shape + contract.reduced
    let factors = zip(node.operands, [contract.lhs, contract.rhs]).map {
      Factor(value: $0, indices: $1, shape: graph.shape(of: $0))
    }
    let (left, right) = (factors[0].axes, factors[1].axes)
    guard let column = contract.shape.indices.last(where: { extents[$0] != 1 }),
      left.contains(column) != right.contains(column),
      let (term, terms) = Self.term(left.intersection(right), contract)
    else { return nil }
    (self.node, self.contract, self.extents, self.column) = (node, contract, extents, column)
    (self.term, self.terms) = (term, terms)
    (rows, columns) = left.contains(column) ? (factors[1], factors[0]) : (factors[0], factors[1])
    pairs = depth / 2
    guard let count = extents[column].constant, count >= Self.leastColumns, pays() else { return nil }
  }

  /// The longest summed axis that both factors have, of known extent.
  private static func term(_ shared: Set<Int>, _ contract: Contract) -> (axis: Int, extent: Int)? {
    contract.reduced.enumerated().compactMap { place, extent in
      extent.constant.flatMap { shared.contains(contract.shape.count + place) ? (contract.shape.count + place, $0) : nil }
    }.max { $0.1 < $1.1 }
  }

  private func pays() -> Bool {
    func product(_ extents: some Sequence<Dim>) -> Double {
      extents.reduce(1) { $0 * Double($1.constant ?? Self.usualExtent) }
    }
    let rowAxes = contract.shape.indices.filter { !columns.axes.contains($0) }
    let arranged = [rows, columns].reduce(0) { $0 + product($1.axes.map { extents[$0] }) }
    let given = [rows, columns].reduce(0) { $0 + product($1.shape) }
    return terms >= Self.leastTerms && product(rowAxes.map { extents[$0] }) >= Double(Self.leastRows)
      && product(extents) >= Double(Self.leastUses) * max(1, arranged) && arranged <= 2 * given
  }

  // MARK: Rewriting

  /// Axes behind the others: the number of a pair in its block, and that of the block.
  private var pair: Int { contract.shape.count + contract.reduced.count }
  private var block: Int { pair + 1 }
  private var blocks: Int { (terms + 2 * pairs - 1) / (2 * pairs) }

  func rewrite(in graph: inout Graph, _ arranged: inout ArrangedData) {
    let rowAxes = rows.axes.subtracting([term]).sorted()
    let columnAxes = columns.axes.subtracting([term, column]).sorted()
    let (left, lhs) = self.arranged(rows, [block] + rowAxes + [pair, term])
    let (right, rhs) = self.arranged(columns, columnAxes + [block, pair, column, term])
    var changed = contract
    changed.reduced[term - contract.shape.count] = 2
    changed.reduced += [Dim(pairs), Dim(blocks)]
    (changed.lhs, changed.rhs) = (lhs, rhs)
    let factors = [(left, rows.value), (right, columns.value)].map { map, value in
      arranged.value(map, [value], in: &graph, origin: node.origin)
    }
    graph.nodes.append(
      Node(.contract(changed), operands: factors + node.operands.dropFirst(2), results: node.results, origin: node.origin))
  }

  /// The map of a factor's numbers along some axes of the new contraction, and the indices into it.
  private func arranged(_ factor: Factor, _ axes: [Int]) -> (Map, [AffineIndex]) {
    var body = ScalarGraph()
    var positions = (0...block).map { body.axis($0) }
    for (place, axis) in axes.enumerated() { positions[axis] = body.axis(place) }
    let inBlock = body.plus(body.affine(positions[pair], scale: 2, offset: 0), positions[term])
    let position = body.plus(body.affine(positions[block], scale: 2 * pairs, offset: 0), inBlock)
    positions[term] = position
    let indices = factor.indices.map { body.affineIndex($0, axes: positions) }
    let zero = body.number(0, .f32)
    var padded = extents
    (padded[column], padded[term]) = (extent(column), Dim(blocks * 2 * pairs))
    let isWithin = zip(factor.indices, factor.shape).allSatisfy { $0.isWithin($1, over: padded) }
    var value = body.read(0, indices, outside: isWithin ? nil : zero, type: .f32)
    if blocks * 2 * pairs != terms, !endsWithTerms(factor) {
      value = body.select(body.compare(.less, position, body.integer(terms)), value, zero)
    }
    body.results = [body.cast(value, to: .bf16)]
    return (Map(shape: axes.map(extent), body: body), axes.map { .axis($0) })
  }

  /// Whether what lies behind the last term is out of the factor's bounds.
  private func endsWithTerms(_ factor: Factor) -> Bool {
    zip(factor.indices, factor.shape).contains { $0.singleAxis == term && $1 == Dim(terms) }
  }

  /// The extent of an arranged factor along an axis.
  private func extent(_ axis: Int) -> Dim {
    switch axis {
    case pair: Dim(pairs)
    case block: Dim(blocks)
    case term: 2
    case column: contract.shape[column].parts(of: Dim(Self.width)) * Self.width
    case ..<contract.shape.count: contract.shape[axis]
    default: contract.reduced[axis - contract.shape.count]
    }
  }
}
