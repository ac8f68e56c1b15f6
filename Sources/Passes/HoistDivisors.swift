import Support
import TensorIR

/// Divides the sums of contractions, not the terms, where a factor is divided by a reduction that has none of the
/// summed axes.
///
/// So the normalization of softmax divides the rows of attention's result, which are shorter than those of its scores.
/// Half floats stay as they are: their quotients are rounded.
func hoistDivisors(_ graph: Graph) -> Graph {
  var result = graph
  let producers = graph.producers()
  let uses = graph.useCounts()
  for position in result.nodes.indices {
    for factor in 0..<2 {
      guard let changed = hoisted(result.nodes[position], factor, graph, producers, uses) else { continue }
      result.nodes[position] = changed
    }
  }
  return eliminateDeadCode(result)
}

/// The contraction of what a factor divides; nil if the factor is no quotient, or is used elsewhere.
private func hoisted(_ node: Node, _ factor: Int, _ graph: Graph, _ producers: [Int?], _ uses: [Int]) -> Node? {
  guard case .contract(var contract) = node.primitive, contract.accumulator.isFloat, contract.accumulator.bits >= 32,
    uses[node.operands[factor].index] == 1,
    let position = producers[node.operands[factor].index], case .map(let map) = graph.nodes[position].primitive,
    case let quotient = graph.nodes[position], graph.type(of: quotient.results[0]).element == contract.accumulator,
    case .binary(.divide, let dividend, let divisor) = map.body[map.body.results[0]],
    case .read(let source, let own, nil) = map.body[dividend],
    own == map.shape.indices.map({ map.body.id(of: .axis($0)) }),
    case .read(let sum, let indices, nil) = map.body[divisor],
    let reduction = producers[quotient.operands[sum].index], case .reduce = graph.nodes[reduction].primitive
  else { return nil }
  let factorIndices = factor == 0 ? contract.lhs : contract.rhs
  guard isInBounds(factorIndices, map.shape, contract) else { return nil }
  var epilogue = ScalarGraph()
  var places: [ScalarID] = []
  for index in indices {
    switch map.body[index] {
    case .axis(let axis):
      guard let outer = factorIndices[axis].singleAxis, outer < contract.shape.count else { return nil }
      places.append(epilogue.axis(outer))
    case .literal(.integer(let value), .i64): places.append(epilogue.integer(value))
    case .literal, .dim, .read, .accumulator, .unary, .binary, .compare, .select, .multiplyAdd, .cast, .bitcast:
      return nil
    }
  }
  var changed = node
  changed.operands[factor] = quotient.operands[source]
  changed.operands.append(quotient.operands[sum])
  let number = changed.operands.count - 1
  let total = epilogue.read(number, places, type: contract.accumulator)
  let mean = epilogue.over(epilogue.accumulator(0, contract.accumulator), total)
  epilogue.results = epilogue.insert(contract.epilogue, accumulators: [mean])
  (changed.operands, contract.epilogue) = GraphBuilder.compact(epilogue, changed.operands, from: 2)
  changed.primitive = .contract(contract)
  changed.absorbOrigin(of: quotient)
  return changed
}
