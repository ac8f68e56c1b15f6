import LoopIR
import Support
import TensorIR

/// Lowers a reduction: vectors along the innermost axis of the results where reads are dense along it, else along a reduced axis.
struct ReduceLowering {
  let reduce: Reduce
  let body: ScalarGraph
  let epilogue: ScalarGraph
  let operands: [View]
  let results: [View]
  let target: Target
  /// Extents of all iteration axes after merging.
  var extents: [Dim]
  var outer: [Int]
  var inner: [Int]
  let element: ElementType

  init(_ reduce: Reduce, operands: [View], results: [View], layout: Layout, target: Target) {
    self.reduce = reduce
    body = reduce.body.legalized(encodingResults: false, convertsHalves: target.convertsHalves)
    epilogue = reduce.epilogue.legalized(encodingResults: true, convertsHalves: target.convertsHalves)
    self.operands = operands
    self.results = results
    self.target = target
    element = body.type(of: body.results[0])
    let rank = reduce.shape.count
    let all = reduce.shape + reduce.reduced
    let strides = affineStrides(body, operands, rank: all.count)
    let bySpan = ReduceLowering.reducedOrder(rank..<all.count, all, reduce.combiner.hasPosition ? nil : strides)
    let padded = results[0].strides + [Dim](repeating: 0, count: reduce.reduced.count)
    let isSimple = affineStrides(epilogue, operands, rank: rank) != nil
    let epilogueReads = (affineStrides(epilogue, operands, rank: rank) ?? []).map { $0 + [Dim](repeating: 0, count: reduce.reduced.count) }
    let outerNest = LoopNest(
      extents: all, order: layout.order, strides: isSimple ? strides.map { $0 + [padded] + epilogueReads } : nil)
    let innerNest = LoopNest(
      extents: outerNest.extents, order: bySpan, strides: reduce.combiner.hasPosition ? nil : strides)
    extents = innerNest.extents
    outer = outerNest.order
    inner = innerNest.order
  }

  /// Reduced axes by falling stride of the first read, so that the innermost loop walks memory densely.
  private static func reducedOrder(_ axes: Range<Int>, _ extents: [Dim], _ strides: [[Dim]]?) -> [Int] {
    guard let first = strides?.first else { return Array(axes) }
    return axes.sorted { (first[$0].constant ?? .max, -$0) > (first[$1].constant ?? .max, -$1) }
  }

  func lower(_ builder: inout KernelBuilder) -> [Statement] {
    var axes = [Expr](repeating: .index(0), count: extents.count)
    var variables: [(variable: Variable, extent: Dim)] = []
    let vectorOuter = outerVectorAxis()
    for axis in outer where axis != vectorOuter {
      let variable = builder.index()
      variables.append((variable, extents[axis]))
      axes[axis] = .variable(variable)
    }
    let statements: [Statement]
    if let axis = vectorOuter {
      let lanes = suitableLanes(body, extent: extents[axis], target: target)
      let vectors = vectorsAtOnce(axis, lanes)
      statements = sweep(extents[axis], lanes * vectors, &builder) { position, all, count, builder in
        var here = axes
        here[axis] = position
        return acrossOutputs(here, axis, all / vectors, vectors, count, &builder)
      }
    } else if let axis = inner.last, !reduce.combiner.hasPosition, isDense(along: axis) {
      statements = alongReduced(axes, axis, suitableLanes(body, extent: extents[axis], target: target), &builder)
    } else {
      statements = acrossOutputs(axes, nil, 1, 1, nil, &builder)
    }
    return LoopNest.wrap(statements, variables, kind: .parallel)
  }

  /// Whether vectors along an axis read what lies side by side, but for a gather for so many of such reads.
  private func isDense(along axis: Int, readsForGather: Int = .max) -> Bool {
    if roundsEveryTerm { return false }
    let strides = readStrides(body, operands, along: axis)
    let dense = strides.count { $0 == 1 }
    return dense > 0 && strides.count - dense <= dense / readsForGather
      && suitableLanes(body, extent: extents[axis], target: target) > 1
  }

  private func outerVectorAxis() -> Int? {
    guard let axis = outer.last, !reduce.combiner.hasPosition, results.allSatisfy({ $0.strides[axis] == 1 }),
      isDense(along: axis, readsForGather: 4)
    else { return nil }
    return axis
  }

  // MARK: One accumulator per output, lanes across outputs

  /// Scalar operations of a body up to which several vectors fit the registers.
  private static let smallBody = 8

  /// Vectors side by side, so that their chains of additions or comparisons overlap and memory is read in longer runs.
  private func vectorsAtOnce(_ axis: Int, _ lanes: Int) -> Int {
    guard lanes > 1, let extent = extents[axis].constant else { return 1 }
    let isSmall = reduce.body.operationCount <= Self.smallBody
    let counts = isSmall ? [4, 3, 2] : readsMostlyScalars(along: axis) ? [2] : []
    return counts.first { extent % ($0 * lanes) == 0 } ?? 1
  }

  /// Whether most reads are the same for all lanes, so that vectors side by side share their work.
  private func readsMostlyScalars(along axis: Int) -> Bool {
    let reads = body.reachable.count { if case .read = body[$0] { true } else { false } }
    return reads > 2 * readStrides(body, operands, along: axis).count
  }

  private func acrossOutputs(
    _ axes: [Expr], _ vectorAxis: Int?, _ lanes: Int, _ vectors: Int, _ count: Expr?, _ builder: inout KernelBuilder
  ) -> [Statement] {
    var axes = axes
    var variables: [(variable: Variable, extent: Dim)] = []
    let overlapped = lanes == 1 && !reduce.combiner.hasPosition && hasLongChains(body) ? inner.last : nil
    for axis in inner where axis != overlapped {
      let variable = builder.index()
      variables.append((variable, extents[axis]))
      axes[axis] = .variable(variable)
    }
    let identity = Expr(literal: reduce.combiner.identity(element), element)
    let start: Expr = lanes > 1 ? .splat(identity, lanes: lanes) : identity
    let totals = (0..<vectors).map { _ in builder.variable(ValueType(element, lanes: lanes)) }
    var statements = totals.map { Statement.declare($0, start) }
    if let axis = overlapped {
      let update = overlappedUpdate(totals[0], axes, axis, &builder)
      return statements + LoopNest.wrap(update, variables) + finish(axes, nil, 1, nil, [.variable(totals[0])], &builder)
    }
    func at(_ vector: Int) -> [Expr] {
      var here = axes
      if let vectorAxis { here[vectorAxis] = axes[vectorAxis] + .index(vector * lanes) }
      return here
    }
    let partials = sumsInChunks ? totals.map { builder.variable($0.type) } : []
    var accumulators = totals.map { [Expr.variable($0)] }
    var update: [Statement] = []
    for vector in 0..<vectors {
      var emitter = ScalarEmitter(
        body, operands: operands, extents: extents, axes: at(vector), vectorAxis: vectorAxis, lanes: lanes,
        count: count)
      let value = emitter.result(0, in: &builder)
      update += emitter.statements
      if reduce.combiner.hasPosition {
        let position = builder.variable(ValueType(.i64))
        statements.append(.declare(position, .index(0)))
        accumulators[vector].append(.variable(position))
        update += positionUpdate(totals[vector], position, value, axes, &builder)
      } else {
        update += combine(into: partials.isEmpty ? totals[vector] : partials[vector], value, &builder)
      }
    }
    statements += partials.isEmpty
      ? LoopNest.wrap(update, variables) : inChunks(update, variables, sums: partials, totals: totals, &builder)
    return (0..<vectors).reduce(statements) {
      $0 + finish(at($1), vectorAxis, lanes, count, accumulators[$1], &builder)
    }
  }

  /// Terms along the innermost axis that are summed before they are added to the total: rounding errors grow with the length of a sum.
  private static let chunk = 16
  /// Terms up to which sums stay in order, as they are in other runtimes: means of quantized values are often exact halves, where the
  /// last bit decides how they are rounded.
  private static let longestSum = 128

  private var sumsInChunks: Bool {
    guard reduce.combiner == .sum, element.isFloat, !roundsEveryTerm, let last = inner.last else { return false }
    let terms = inner.reduce(Dim(1)) { $0 * extents[$1] }.constant ?? .max
    return terms > Self.longestSum && (inner.count > 1 || extents[last].constant ?? .max > 2 * Self.chunk)
  }

  /// Loops around a body that adds terms to sums, which are added to totals now and then.
  private func inChunks(
    _ body: [Statement], _ variables: [(variable: Variable, extent: Dim)], sums: [Variable], totals: [Variable],
    _ builder: inout KernelBuilder
  ) -> [Statement] {
    guard let (innermost, extent) = variables.last else { return body }
    let zero = Expr.float(0, element)
    let start = builder.index()
    let isSplit = extent.constant ?? .max > 2 * Self.chunk
    let end = Expr.binary(.min, .variable(start) + .index(Self.chunk), extent.expr)
    let terms = Loop(
      innermost, from: isSplit ? .variable(start) : .index(0), to: isSplit ? end : extent.expr, body: body)
    var added = sums.map { sum in
      Statement.declare(sum, sum.type.lanes > 1 ? .splat(zero, lanes: sum.type.lanes) : zero)
    }
    added.append(.loop(terms))
    added += zip(totals, sums).map { .assign($0, .binary(.add, .variable($0), .variable($1))) }
    let chunks = Loop(start, from: .index(0), to: extent.expr, by: Self.chunk, body: added)
    return LoopNest.wrap(isSplit ? [.loop(chunks)] : added, variables.dropLast())
  }

  /// Combines the values along a reduced axis, several of which are computed at the same time.
  private func overlappedUpdate(_ accumulator: Variable, _ axes: [Expr], _ axis: Int, _ builder: inout KernelBuilder)
    -> [Statement]
  {
    sweep(extents[axis], overlap, kind: .serial, &builder) { first, count, builder in
      var emitters = (0..<count).map { offset in
        var here = axes
        here[axis] = first + .index(offset)
        return ScalarEmitter(body, operands: operands, extents: extents, axes: here)
      }
      var statements = ScalarEmitter.readInTurn(&emitters, in: &builder)
      for index in emitters.indices {
        let value = emitters[index].result(0, in: &builder)
        statements += emitters[index].takeStatements() + combine(into: accumulator, value, &builder)
      }
      return statements
    }
  }

  private func combine(into accumulator: Variable, _ value: Expr, _ builder: inout KernelBuilder) -> [Statement] {
    let current = Expr.variable(accumulator)
    switch reduce.combiner {
    case .sum:
      return accumulate(accumulator, element == .bool ? .binary(.or, current, value) : .binary(.add, current, value), &builder)
    case .product: return accumulate(accumulator, .binary(.multiply, current, value), &builder)
    case .min, .max:
      let named = builder.variable(value.type)
      let next = Expr.variable(named)
      var better = Expr.compare(reduce.combiner == .min ? .less : .greater, next, current)
      if element.isFloat { better = .binary(.or, better, .compare(.notEqual, next, next)) }
      return [.bind(named, value), .assign(accumulator, .select(better, next, current))]
    case .argMinFirst, .argMinLast, .argMaxFirst, .argMaxLast: fatalError("\(reduce.combiner) has a position")
    }
  }

  /// Sums and products of half floats are rounded after every term.
  private func accumulate(_ accumulator: Variable, _ value: Expr, _ builder: inout KernelBuilder) -> [Statement] {
    guard roundsEveryTerm else { return [.assign(accumulator, value)] }
    let type = reduce.body.type(of: reduce.body.results[0])
    let (statements, rounded) = applyTerm([value], in: &builder) { $0[0].rounded(to: type) }
    return statements + [.assign(accumulator, rounded)]
  }

  private var roundsEveryTerm: Bool {
    let type = reduce.body.type(of: reduce.body.results[0])
    return type.isFloat && type.computed != type && (reduce.combiner == .sum || reduce.combiner == .product)
  }

  private func positionUpdate(
    _ accumulator: Variable, _ position: Variable, _ value: Expr, _ axes: [Expr], _ builder: inout KernelBuilder
  ) -> [Statement] {
    let named = builder.variable(value.type)
    let next = Expr.variable(named)
    let current = Expr.variable(accumulator)
    let rank = reduce.shape.count
    let here = zip(axes[rank...], reduce.reduced).reduce(Expr.index(0)) { $0 * $1.1.expr + $1.0 }
    let better: Expr
    switch reduce.combiner {
    case .argMinFirst: better = .compare(.less, next, current)
    case .argMinLast: better = .compare(.lessOrEqual, next, current)
    case .argMaxFirst: better = .compare(.greater, next, current)
    case .argMaxLast: better = .compare(.greaterOrEqual, next, current)
    case .sum, .product, .min, .max: fatalError("\(reduce.combiner) has no position")
    }
    return [
      .bind(named, value),
      .conditional(better, then: [.assign(accumulator, next), .assign(position, here)], otherwise: []),
    ]
  }

  // MARK: Lanes along a reduced axis

  private func alongReduced(_ axes: [Expr], _ axis: Int, _ lanes: Int, _ builder: inout KernelBuilder) -> [Statement] {
    var axes = axes
    var variables: [(variable: Variable, extent: Dim)] = []
    for other in inner where other != axis {
      let variable = builder.index()
      variables.append((variable, extents[other]))
      axes[other] = .variable(variable)
    }
    let identity = Expr(literal: reduce.combiner.identity(element), element)
    let vector = builder.variable(ValueType(element, lanes: lanes))
    let scalar = builder.variable(ValueType(element))
    let rest = extents[axis].remainder(by: Dim(lanes))
    let whole = extents[axis] - rest

    func update(_ position: Expr, _ lanes: Int, _ accumulator: Variable) -> [Statement] {
      var here = axes
      here[axis] = position
      var emitter = ScalarEmitter(body, operands: operands, extents: extents, axes: here, vectorAxis: axis, lanes: lanes)
      let value = emitter.result(0, in: &builder)
      return emitter.statements + combine(into: accumulator, value, &builder)
    }
    let main = builder.index()
    let tail = builder.index()
    var innermost: [Statement] = [
      .loop(
        Loop(main, from: .index(0), to: whole.expr, by: lanes, body: update(.variable(main), lanes, vector)))
    ]
    if rest != 0 {
      let body = update(.variable(tail), 1, scalar)
      innermost.append(.loop(Loop(tail, from: whole.expr, to: extents[axis].expr, body: body)))
    }
    let statements: [Statement] = [.declare(vector, .splat(identity, lanes: lanes)), .declare(scalar, identity)]
    return statements + LoopNest.wrap(innermost, variables) + combineLanes(vector, scalar, lanes, &builder)
      + finish(axes, nil, 1, nil, [.variable(scalar)], &builder)
  }

  private func combineLanes(_ vector: Variable, _ scalar: Variable, _ lanes: Int, _ builder: inout KernelBuilder) -> [Statement] {
    let lanewise = Expr.variable(vector)
    switch reduce.combiner {
    case .sum: return combine(into: scalar, .reduceLanes(element == .bool ? .or : .sum, lanewise), &builder)
    case .product: return combine(into: scalar, .reduceLanes(.product, lanewise), &builder)
    case .min, .max:
      let extreme = Expr.reduceLanes(reduce.combiner == .min ? .min : .max, lanewise)
      guard element.isFloat else { return combine(into: scalar, extreme, &builder) }
      let isBad = Expr.reduceLanes(.or, .compare(.notEqual, lanewise, lanewise))
      return combine(into: scalar, .select(isBad, .float(.nan, element), extreme), &builder)
    case .argMinFirst, .argMinLast, .argMaxFirst, .argMaxLast: fatalError("\(reduce.combiner) has a position")
    }
  }

  private func finish(
    _ axes: [Expr], _ vectorAxis: Int?, _ lanes: Int, _ count: Expr?, _ accumulators: [Expr],
    _ builder: inout KernelBuilder
  ) -> [Statement] {
    let outer = Array(axes[..<reduce.shape.count])
    var emitter = ScalarEmitter(
      epilogue, operands: operands, extents: Array(extents[..<reduce.shape.count]), axes: outer, vectorAxis: vectorAxis,
      lanes: lanes, count: count, accumulators: accumulators)
    var stores: [Statement] = []
    for (position, view) in results.enumerated() {
      let value = emitter.result(position, in: &builder)
      let index = zip(outer, view.strides).reduce(Expr.index(0)) { $0 + $1.0 * $1.1.expr }
      stores.append(.store(view.buffer, index: index, value: value, count: count))
    }
    return emitter.statements + stores
  }
}

extension Expr {
  init(literal: Literal, _ element: ElementType) {
    switch literal {
    case .integer(let value): self = .integer(value, element)
    case .floatBits(let bits): self = .float(Double(bitPattern: bits), element)
    }
  }
}
