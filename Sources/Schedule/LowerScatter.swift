import LoopIR
import Support
import TensorIR

/// Lowers a scatter: a copy of operand 0, then the updates one by one in row-major order.
func lowerScatter(_ scatter: Scatter, _ node: Node, _ scope: inout KernelScope) -> [Statement] {
  let target = scatter.target.legalized(encodingResults: true)
  let operands = node.operands.map { scope.view($0, .read) }
  let result = scope.view(node.results[0], .write)
  let copy = Statement.copy(
    to: result.buffer, index: .index(0), from: operands[0].buffer, fromIndex: .index(0), count: result.shape.product.expr)
  var axes: [Expr] = []
  var variables: [(variable: Variable, extent: Dim)] = []
  for extent in scatter.updates {
    let variable = scope.builder.index()
    variables.append((variable, extent))
    axes.append(.variable(variable))
  }
  var emitter = ScalarEmitter(target, operands: operands, extents: scatter.updates, axes: axes)
  var checks: [Statement] = []
  var offset = Expr.index(0)
  for axis in result.shape.indices {
    let position = scope.builder.index()
    checks.append(.bind(position, emitter.result(axis, in: &scope.builder)))
    let here = Expr.variable(position)
    let isOutside = Expr.binary(
      .or, .compare(.less, here, .index(0)), .compare(.greaterOrEqual, here, result.shape[axis].expr))
    checks.append(.conditional(isOutside, then: [.fail(status: Status.indexOutOfRange.rawValue)], otherwise: []))
    offset = offset + here * result.strides[axis].expr
  }
  let value = emitter.result(result.shape.count, in: &scope.builder)
  let place = scope.builder.index()
  let current = Expr.load(result.buffer, index: .variable(place), lanes: 1, count: nil)
  let combined: Expr
  switch scatter.combiner {
  case .assign: combined = value
  case .add: combined = .binary(value.type.element == .bool ? .or : .add, current, value)
  case .multiply: combined = .binary(.multiply, current, value)
  case .min: combined = .binary(.min, value, current)
  case .max: combined = .binary(.max, value, current)
  }
  let update: [Statement] =
    emitter.statements + checks + [
      .bind(place, offset), .store(result.buffer, index: .variable(place), value: combined, count: nil),
    ]
  return [copy] + LoopNest.wrap(update, variables)
}
