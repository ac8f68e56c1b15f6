import TensorIR

/// Sums products of many rows with constant weights in parts where there are many terms, each part added to what the
/// ones before have given: the weights and data of one part stay in the second level of the cache while all rows and
/// columns pass.
func splitTerms(_ graph: Graph) -> Graph { splitTerms(graph, mostTerms: 2048) }

/// With the terms that one part may have, and at least half of them.
func splitTerms(_ graph: Graph, mostTerms: Int) -> Graph {
  var result = graph
  let producers = graph.producers()
  result.nodes = []
  for node in graph.nodes {
    if let sum = LongSum(node, graph, producers, mostTerms: mostTerms) {
      sum.appendParts(to: &result)
    } else {
      result.nodes.append(node)
    }
  }
  return result
}

/// A contraction with more terms than are summed at once.
private struct LongSum {
  private let node: Node
  private let contract: Contract
  /// The summed axis that is divided, and into how many parts.
  private let axis: Int
  private let parts: Int

  /// Rows and columns of the weights from which on partial sums cost little. More rows pass in groups instead, whose
  /// data stay near.
  private static let leastRows = 16
  private static let mostRows = 512
  private static let leastColumns = 64

  /// Nil for contractions of another form, and small ones.
  init?(_ node: Node, _ graph: Graph, _ producers: [Int?], mostTerms: Int) {
    guard case .contract(let contract) = node.primitive, contract.accumulator == .f32,
      node.operands.prefix(2).allSatisfy({ graph.type(of: $0).element == .f32 }),
      let constant = (0..<2).first(where: { graph.constant(node.operands[$0], producers) != nil }),
      let extents = contract.reduced.constants, case let terms = Self.product(contract.reduced, open: 0),
      terms > mostTerms, terms < 1 << 32
    else { return nil }
    let weightAxes = Set((constant == 0 ? contract.lhs : contract.rhs).flatMap(\.coefficients.keys))
    let columns = contract.shape.indices.filter { weightAxes.contains($0) }.map { contract.shape[$0] }
    let rows = contract.shape.indices.filter { !weightAxes.contains($0) }.map { contract.shape[$0] }
    guard Self.product(rows, open: Self.mostRows) >= Self.leastRows, Self.product(rows, open: 1) <= Self.mostRows,
      Self.product(columns, open: 1) >= Self.leastColumns,
      let axis = extents.indices.max(by: { extents[$0] < extents[$1] }),
      let parts = (2...terms * 2 / mostTerms).first(where: { extents[axis] % $0 == 0 && terms / $0 <= mostTerms })
    else { return nil }
    (self.node, self.contract, self.axis, self.parts) = (node, contract, axis, parts)
  }

  /// The product of extents, with a number for open ones; the largest integer where it is larger.
  private static func product(_ extents: [Dim], open: Int) -> Int {
    extents.reduce(1) { product, extent in
      let (next, overflow) = product.multipliedReportingOverflow(by: extent.constant ?? open)
      return overflow ? .max : next
    }
  }

  func appendParts(to graph: inout Graph) {
    let factors = Array(node.operands.prefix(2))
    var plain = ScalarGraph()
    plain.results = [plain.accumulator(0, .f32)]
    var before = graph.add(part(0, plain), factors, origin: node.origin)
    for number in 1..<parts - 1 {
      before = graph.add(part(number, adding(2, to: plain)), factors + [before], origin: node.origin)
    }
    let last = part(parts - 1, adding(node.operands.count, to: contract.epilogue))
    graph.nodes.append(Node(last, operands: node.operands + [before], results: node.results, origin: node.origin))
  }

  /// The sum of one part of the terms.
  private func part(_ number: Int, _ epilogue: ScalarGraph) -> Primitive {
    var part = contract
    let extent = (contract.reduced[axis].constant ?? 0) / parts
    part.restrict(axis, to: number * extent..<(number + 1) * extent)
    part.epilogue = epilogue
    return .contract(part)
  }

  /// An epilogue of a sum to which an operand's element at the same place is added first.
  private func adding(_ operand: Int, to epilogue: ScalarGraph) -> ScalarGraph {
    var result = ScalarGraph()
    let before = result.read(operand, contract.shape.indices.map { result.axis($0) }, type: .f32)
    let sum = result.plus(before, result.accumulator(0, .f32))
    result.results = result.insert(epilogue, accumulators: [sum])
    return result
  }
}
