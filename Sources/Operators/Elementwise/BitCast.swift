import Support
import TensorIR

/// The same bits as another type of the same width.
struct BitCast: Operator {
  let name = OperatorName("BitCast", versions: 26)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    guard let target = try node.elementType("to") else { throw .invalid("attribute 'to' is missing") }
    let source = b.type(of: x).element
    guard source.bits == target.bits, target != .string else {
      throw .invalid("\(source.rawValue) and \(target.rawValue) have different widths")
    }
    if source == target { return [x] }
    return [
      try b.elementwise([x]) { graph, values in
        if source == .bool || target == .bool { return graph.cast(values[0], to: target) }
        return graph.add(.bitcast(target, values[0]), type: target)
      }
    ]
  }
}
