import LoopIR
import Support
import TensorIR

/// Lowers a map to a loop nest for each piece of its domain, but for those that the operands numbered `within` are computed in.
func lowerMap(
  _ map: Map, operands: [View], result: View, layout: Layout, target: Target, facts: Set<DimFact>, within: Set<Int> = [],
  builder: inout KernelBuilder
) -> [Statement] {
  let types = operands.map { TensorType($0.element, $0.shape) }
  let (merged, axis) = mergedAlternatives(map, layout, types)
  let step = axis.map { result.strides[$0] } ?? 0
  let pieces = split(merged, operands: types, facts: facts)
  return pieces.filter { !$0.reads(anyOf: within) }.flatMap { piece in
    var part = result
    part.offset = zip(piece.lower, result.strides).reduce(Dim(0)) { $0 + $1.0 * $1.1 }
    return lowerWhole(
      piece.map, operands: operands, result: part, step: step, layout: layout, target: target, builder: &builder)
  }
}

/// The map without a short axis whose positions have formulas of their own, with a result for each of them: what they
/// share is computed once, and loops walk a longer axis. The axis is nil if there is none.
private func mergedAlternatives(_ map: Map, _ layout: Layout, _ operands: [TensorType]) -> (Map, axis: Int?) {
  guard let axis = alternatives(map, layout, operands), let extent = map.shape[axis].constant else { return (map, nil) }
  var merged = map
  merged.shape[axis] = 1
  merged.body = ScalarGraph()
  for position in 0..<extent {
    var lower = [Dim](repeating: 0, count: map.shape.count)
    lower[axis] = Dim(position)
    let one = restricted(map.body, lower, merged.shape, operands)
    merged.body.results += merged.body.insert(one) { _, _, _ in nil }
  }
  return (merged, axis)
}

/// Whether positions along a short axis of a map have formulas of their own, which are computed together.
func hasAlternatives(_ map: Map, _ layout: Layout, _ operands: [TensorType]) -> Bool {
  alternatives(map, layout, operands) != nil
}

private func alternatives(_ map: Map, _ layout: Layout, _ operands: [TensorType]) -> Int? {
  map.shape.indices.first { axis in
    guard let extent = map.shape[axis].constant, (2...4).contains(extent) else { return false }
    if layout.order.last == axis { return map.readsBeyond(axis, operands) }
    return map.body.reachable.contains { id in
      guard case .compare(.equal, let a, let b) = map.body[id] else { return false }
      return map.body[a] == .axis(axis) && map.body.integerValue(b) != nil
    }
  }
}

extension Map {
  /// Whether a position along an axis, but not all of them, may be out of an operand's bounds.
  fileprivate func readsBeyond(_ axis: Int, _ operands: [TensorType]) -> Bool {
    body.reachable.contains { id in
      guard case .read(let operand, let indices, .some) = body[id] else { return false }
      return zip(indices, operands[operand].shape).contains { index, extent in
        body[index] == .axis(axis) && !shape[axis].isAtMost(extent)
      }
    }
  }
}

/// Lowers a map to one loop nest in the order of its result's layout, with vectors along the innermost axis.
///
/// Several results of its body are stored `step` elements apart.
private func lowerWhole(
  _ map: Map, operands: [View], result: View, step: Dim, layout: Layout, target: Target, builder: inout KernelBuilder
) -> [Statement] {
  let body = map.body.legalized(encodingResults: true, convertsHalves: target.convertsHalves)
  let reads = affineStrides(body, operands, rank: map.shape.count)
  let nest = LoopNest(extents: map.shape, order: layout.order, strides: reads.map { $0 + [result.strides] })
  var axes = [Expr](repeating: .index(0), count: map.shape.count)
  var variables: [(variable: Variable, extent: Dim)] = []
  let crossed = reads.flatMap { crossedAxis(nest, $0) }
  let repeated = crossed == nil ? reads.flatMap { repeatedAxis(nest, $0) } : nil
  let inBlocks = [crossed, repeated?.outer, repeated?.last]
  for axis in nest.order.dropLast() where !inBlocks.contains(axis) {
    let variable = builder.index()
    variables.append((variable, nest.extents[axis]))
    axes[axis] = .variable(variable)
  }

  func store(
    _ axes: [Expr], _ vectorAxis: Int?, _ lanes: Int, _ count: Expr?, _ builder: inout KernelBuilder
  ) -> [Statement] {
    var emitter = ScalarEmitter(
      body, operands: operands, extents: nest.extents, axes: axes, vectorAxis: vectorAxis, lanes: lanes, count: count)
    let index = zip(axes, result.strides).reduce(result.offset.expr) { $0 + $1.0 * $1.1.expr }
    let stores = body.results.indices.map { number in
      let value = emitter.result(number, in: &builder)
      return Statement.store(result.buffer, index: index + (step * number).expr, value: value, count: count)
    }
    return emitter.statements + stores
  }

  guard let inner = nest.order.last else { return store(axes, nil, 1, nil, &builder) }
  let extent = nest.extents[inner]
  if hasLongChains(body) {
    let statements = sweep(extent, overlap, kind: .parallel, &builder) { first, count, builder in
      let positions = (0..<count).map { offset in
        var here = axes
        here[inner] = first + .index(offset)
        return here
      }
      var emitters = positions.map { ScalarEmitter(body, operands: operands, extents: nest.extents, axes: $0) }
      var statements = ScalarEmitter.readInTurn(&emitters, in: &builder)
      for (index, here) in positions.enumerated() {
        let place = zip(here, result.strides).reduce(result.offset.expr) { $0 + $1.0 * $1.1.expr }
        for number in body.results.indices {
          let value = emitters[index].result(number, in: &builder)
          let store = Statement.store(result.buffer, index: place + (step * number).expr, value: value, count: nil)
          statements += emitters[index].takeStatements() + [store]
        }
      }
      return statements
    }
    return LoopNest.wrap(statements, variables)
  }
  let isDense = result.strides[inner] == 1
  let lanes = isDense ? suitableLanes(body, extent: extent, target: target) : 1
  func sweepInner(
    _ axes: [Expr], _ builder: inout KernelBuilder, _ body: ([Expr], Int, Expr?, inout KernelBuilder) -> [Statement]
  ) -> [Statement] {
    sweep(extent, lanes, &builder) { position, lanes, count, builder in
      var here = axes
      here[inner] = position
      return body(here, lanes, count, &builder)
    }
  }
  guard let divided = crossed ?? repeated?.last else {
    let statements = sweepInner(axes, &builder) { store($0, inner, $1, $2, &$3) }
    return LoopNest.wrap(statements, variables, kind: .parallel)
  }
  let block = builder.index()
  let end = Expr.binary(.min, .variable(block) + .index(crossing), nest.extents[divided].expr)
  func inBlock(
    _ axes: [Expr], _ builder: inout KernelBuilder, _ body: ([Expr], inout KernelBuilder) -> [Statement]
  ) -> [Statement] {
    let position = builder.index()
    var here = axes
    here[divided] = .variable(position)
    let body = body(here, &builder)
    return [.loop(Loop(position, from: .variable(block), to: end, kind: .parallel, body: body))]
  }
  let statements: [Statement]
  if let repeated {
    let outer = builder.index()
    axes[repeated.outer] = .variable(outer)
    let body = inBlock(axes, &builder) { axes, builder in
      sweepInner(axes, &builder) { store($0, inner, $1, $2, &$3) }
    }
    statements = LoopNest.wrap(body, [(outer, nest.extents[repeated.outer])], kind: .parallel)
  } else {
    statements = sweepInner(axes, &builder) { axes, lanes, count, builder in
      inBlock(axes, &builder) { store($0, inner, lanes, count, &$1) }
    }
  }
  let blocks = Statement.loop(
    Loop(block, from: .index(0), to: nest.extents[divided].expr, by: crossing, kind: .parallel, body: statements))
  return LoopNest.wrap([blocks], variables, kind: .parallel)
}

/// The outermost axis and the last one before the innermost, if operands have the outermost one within the last: they would
/// be passed once for each of its positions, a piece of each row at a time.
private func repeatedAxis(_ nest: LoopNest, _ reads: [[Dim]]) -> (outer: Int, last: Int)? {
  let loops = nest.order.dropLast()
  guard let outer = loops.first, let last = loops.last, outer != last else { return nil }
  let both = reads.filter { $0[outer] != 0 && $0[last] != 0 }
  let isInside = both.allSatisfy { $0[outer] != $0[last] && $0[outer].isAtMost($0[last]) }
  return !both.isEmpty && isInside ? (outer, last) : nil
}

/// Positions along the crossed axis of a transposition that are computed together: as many elements as lie in one line of the cache.
private let crossing = 16

/// The axis along which operands are dense, number by number or in pairs, that the innermost axis walks in strides, if both
/// are long.
///
/// A block of such a transposition is then read line by line while it stays in the cache.
private func crossedAxis(_ nest: LoopNest, _ reads: [[Dim]]) -> Int? {
  guard let inner = nest.order.last else { return nil }
  let strided = reads.filter { $0[inner] != 0 && $0[inner] != 1 }
  let isLong = { (axis: Int) in nest.extents[axis].constant.map { $0 >= crossing } ?? true }
  guard !strided.isEmpty, isLong(inner) else { return nil }
  return nest.order.dropLast().first { axis in isLong(axis) && strided.allSatisfy { $0[axis] == 1 || $0[axis] == 2 } }
}

/// A loop over `extent` positions in groups of a size, then the rest: as a smaller group where its size is known, else one by one.
func sweep(
  _ extent: Dim, _ size: Int, kind: LoopKind, _ builder: inout KernelBuilder,
  body: (Expr, Int, inout KernelBuilder) -> [Statement]
) -> [Statement] {
  let rest = extent.remainder(by: Dim(size))
  let whole = extent - rest
  let (main, tail) = (builder.index(), builder.index())
  var statements: [Statement] = []
  if whole != 0 {
    let inner = body(.variable(main), size, &builder)
    statements.append(.loop(Loop(main, from: .index(0), to: whole.expr, by: size, kind: kind, body: inner)))
  }
  if let rest = rest.constant {
    if rest > 0 { statements += body(whole.expr, rest, &builder) }
  } else {
    let inner = body(.variable(tail), 1, &builder)
    statements.append(.loop(Loop(tail, from: whole.expr, to: extent.expr, kind: kind, body: inner)))
  }
  return statements
}

/// A parallel loop over `extent` positions by vectors, then the rest as one partial vector; scalar where `lanes` is 1.
func sweep(
  _ extent: Dim, _ lanes: Int, _ builder: inout KernelBuilder,
  body: (Expr, Int, Expr?, inout KernelBuilder) -> [Statement]
) -> [Statement] {
  if extent == 1 { return body(.index(0), 1, nil, &builder) }
  let variable = builder.index()
  if lanes == 1 {
    let inner = body(.variable(variable), 1, nil, &builder)
    return [.loop(Loop(variable, from: .index(0), to: extent.expr, kind: .parallel, body: inner))]
  }
  let rest = extent.remainder(by: Dim(lanes))
  let whole = extent - rest
  var statements: [Statement] = []
  if whole.constant == lanes {
    statements += body(.index(0), lanes, nil, &builder)
  } else if whole != 0 {
    let inner = body(.variable(variable), lanes, nil, &builder)
    statements.append(.loop(Loop(variable, from: .index(0), to: whole.expr, by: lanes, kind: .parallel, body: inner)))
  }
  if rest != 0 {
    let partial = body(whole.expr, lanes, rest.expr, &builder)
    statements += rest.constant != nil ? partial : [.conditional(.compare(.greater, rest.expr, .index(0)), then: partial, otherwise: [])]
  }
  return statements
}
