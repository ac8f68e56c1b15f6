import Support
import TensorIR

/// Elements limited to a range.
struct Clip: Operator {
  let name = OperatorName("Clip", versions: 1, 6, 11, 12, 13)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let element = b.type(of: x).element
    var low: ValueID?
    var high: ValueID?
    if node.version < 11 {
      low = try node.float("min").map { b.scalar($0, element) }
      high = try node.float("max").map { b.scalar($0, element) }
    } else {
      low = node.optionalInput(1)
      high = node.optionalInput(2)
      for bound in [low, high] {
        guard let bound else { continue }
        try b.requireSameType([x, bound])
        guard b.shape(of: bound).constants?.reduce(1, *) == 1 else { throw .invalid("the bounds must be scalars") }
      }
    }
    let bounds = [low, high].compactMap { $0 }.map { b.reshape($0, []) }
    return [
      try b.elementwise([x] + bounds) { graph, values in
        // The value comes second, so that NaN passes through.
        var result = values[0]
        if low != nil { result = graph.binary(.max, values[1], result) }
        if high != nil { result = graph.binary(.min, values[values.count - 1], result) }
        return result
      }
    ]
  }
}
