import Support
import TensorIR

/// Converts the factors of contractions of half floats to `f32` before the contraction, each element once instead of at each use.
func widenFactors(_ graph: Graph) -> Graph {
  var result = graph
  var widened: [ValueID: [ElementType: ValueID]] = [:]
  result.nodes = []
  for node in graph.nodes {
    guard case .contract(var contract) = node.primitive, contract.accumulator.isFloat else {
      result.nodes.append(node)
      continue
    }
    var changed = node
    let sum = contract.sumType
    for (operand, value) in node.operands.prefix(2).enumerated() where graph.type(of: value).element != sum {
      let wide = widened[value]?[sum] ?? result.converted(value, to: sum, origin: node.origin)
      widened[value, default: [:]][sum] = wide
      changed.operands[operand] = wide
    }
    contract.epilogue = contract.epilogue.withAccumulator(sum)
    contract.accumulator = sum
    changed.primitive = .contract(contract)
    result.nodes.append(changed)
  }
  return result
}

extension Graph {
  fileprivate mutating func converted(_ value: ValueID, to element: ElementType, origin: String) -> ValueID {
    let type = type(of: value)
    var body = ScalarGraph()
    body.results = [body.cast(body.read(0, type.shape.indices.map { body.axis($0) }, type: type.element), to: element)]
    return add(.map(Map(shape: type.shape, body: body)), [value], origin: origin)
  }
}
