import Support
import TensorIR

/// Norms of sliding windows.
struct LpPool: Operator {
  let name = OperatorName("LpPool", versions: 1, 2, 11, 18, 22)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    try b.requireFloat(x)
    let window = try Window(node, input: try spatialExtents(x, in: b))
    let power = try normPower(node)
    return b.pool(
      x, window, .sum, outside: 0, epilogue: { [$0.normRoot($1[0], power)] }, prepare: { $0.normTerm($1, power) })
  }
}

/// Norms over all spatial positions.
struct GlobalLpPool: Operator {
  let name = OperatorName("GlobalLpPool", versions: 1, 2, 22)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    try b.requireFloat(x)
    let axes = Array(2..<2 + (try spatialExtents(x, in: b)).count)
    let power = try normPower(node)
    return [
      b.reduceAxes(
        x, axes, keepsAxes: true, .sum, prepare: { $0.normTerm($1, power) },
        finish: { graph, sum, _ in graph.normRoot(sum, power) })
    ]
  }
}

private func normPower(_ node: OperatorNode) throws(ModelError) -> Double {
  let power = try node.version < 2 ? node.float("p", default: 2) : Double(node.int("p", default: 2))
  guard power > 0 else { throw .invalid("attribute 'p' must be positive") }
  return power
}

extension ScalarGraph {
  fileprivate mutating func normTerm(_ x: ScalarID, _ power: Double) -> ScalarID {
    if power == 2 { return times(x, x) }
    let size = unary(.abs, x)
    return power == 1 ? size : binary(.power, size, number(power, type(of: x)))
  }

  fileprivate mutating func normRoot(_ sum: ScalarID, _ power: Double) -> ScalarID {
    if power == 2 { return unary(.sqrt, sum) }
    return power == 1 ? sum : binary(.power, sum, number(1 / power, type(of: sum)))
  }
}
