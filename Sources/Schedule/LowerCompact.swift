import LoopIR
import Support
import TensorIR

/// Lowers a compaction: one pass over the positions that appends those that are chosen.
func lowerCompact(_ compact: Compact, _ node: Node, _ scope: inout KernelScope) -> [Statement] {
  let condition = compact.condition.legalized(encodingResults: false)
  let operands = node.operands.map { scope.view($0, .read) }
  let positions = scope.view(node.results[0], .write)
  let count = scope.view(node.results[1], .write)
  var axes: [Expr] = []
  var variables: [(variable: Variable, extent: Dim)] = []
  var position = Expr.index(0)
  for extent in compact.shape {
    let variable = scope.builder.index()
    variables.append((variable, extent))
    axes.append(.variable(variable))
    position = position * extent.expr + .variable(variable)
  }
  var emitter = ScalarEmitter(condition, operands: operands, extents: compact.shape, axes: axes)
  let isChosen = emitter.result(0, in: &scope.builder)
  let next = scope.builder.index()
  let append: [Statement] = [
    .store(positions.buffer, index: .variable(next), value: position, count: nil),
    .assign(next, .variable(next) + .index(1)),
  ]
  let body = emitter.statements + [.conditional(isChosen, then: append, otherwise: [])]
  return [.declare(next, .index(0))] + LoopNest.wrap(body, variables)
    + [.store(count.buffer, index: .index(0), value: .variable(next), count: nil)]
}
