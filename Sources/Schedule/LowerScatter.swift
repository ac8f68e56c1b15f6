import LoopIR
import Support
import TensorIR

/// Lowers a scatter whose result has been given the elements of operand 0: the updates one by one in row-major order.
func lowerScatter(_ scatter: Scatter, _ node: Node, _ scope: inout KernelScope) -> [Statement] {
  let target = scatter.target.legalized(encodingResults: false)
  let others = node.operands.dropFirst().map { scope.view($0, .read) }
  let result = scope.view(node.results[0], .readWrite)
  let operands = [scatter.readsOriginal ? scope.view(node.operands[0], .read) : result] + others
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
  let (combining, combined) = applyTerm([current, value], in: &scope.builder) { terms in
    scatter.combiner.combined(terms[0].decoded(result.element), terms[1]).rounded(to: result.element)
      .encoded(result.element)
  }
  let update: [Statement] =
    emitter.statements + checks + [.bind(place, offset)] + combining
    + [.store(result.buffer, index: .variable(place), value: combined, count: nil)]
  return LoopNest.wrap(update, variables)
}

extension Scatter {
  /// Whether updates are computed from elements of operand 0.
  var readsOriginal: Bool {
    target.reachable.contains { if case .read(0, _, _) = target[$0] { true } else { false } }
  }
}

extension ScatterCombiner {
  /// The element after an update.
  fileprivate func combined(_ current: Term, _ value: Term) -> Term {
    switch self {
    case .assign: value
    case .add: current.type == .bool ? current | value : current + value
    case .multiply: current.type == .bool ? current & value : current * value
    case .min: value.binary(.min, current)
    case .max: value.binary(.max, current)
    }
  }
}
