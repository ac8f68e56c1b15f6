import LoopIR
import TensorIR

/// The rows of one panel: loops around register tiles.
extension ContractLowering {
  // MARK: Order

  /// Row axes with the one that tiles are along at the end.
  ///
  /// Tiles are best along many rows whose number is known. So open extents merge with known ones only where these are
  /// too small to fill tiles alone. Of several open extents the one along which rows lie closest together is most likely
  /// to have many: batches are outermost.
  static func rowNest(
    extents: [Dim], order: [Int], strides: [[Dim]]?, rowStrides: [Dim], _ setting: TileSetting
  ) -> LoopNest {
    func isFull(_ nest: LoopNest, _ axis: Int) -> Bool {
      nest.extents[axis].constant.map { setting.efficiency(rows: $0) > 0.9 } ?? false
    }
    var nest = LoopNest(extents: extents, order: order, strides: strides)
    let apart = LoopNest(extents: extents, order: order, strides: strides) {
      ($0.constant == nil) == ($1.constant == nil)
    }
    if apart.order.contains(where: { isFull(apart, $0) }) { nest = apart }
    guard let last = nest.order.last, !isFull(nest, last) else { return nest }
    func rank(_ axis: Int) -> Double { nest.extents[axis].constant.map(setting.efficiency) ?? 0.9 }
    func stride(_ axis: Int) -> Int { rowStrides[axis].constant ?? .max }
    let best = nest.order.indices.max { a, b in
      let (first, second) = (nest.order[a], nest.order[b])
      return (rank(first), stride(second), a) < (rank(second), stride(first), b)
    }
    if let best { nest.order.append(nest.order.remove(at: best)) }
    return nest
  }

  // MARK: Code

  func rows(_ panel: Panel, _ axes: [Expr], _ scope: inout KernelScope) -> [Statement] {
    var axes = axes
    var variables: [(variable: Variable, extent: Dim)] = []
    for axis in rowLoops.order.dropLast() {
      let variable = scope.builder.index()
      variables.append((variable, rowLoops.extents[axis]))
      axes[axis] = .variable(variable)
    }
    guard let tiled = rowLoops.order.last else {
      return LoopNest.wrap(microKernel(panel, rows: 1, tiled: nil, axes, &scope), variables, kind: .parallel)
    }
    let extent = rowLoops.extents[tiled]
    let whole = extent.floorDivided(by: Dim(tile.rows)) * tile.rows
    var statements: [Statement] = []
    if whole != 0 {
      let variable = scope.builder.index()
      axes[tiled] = .variable(variable)
      let body = microKernel(panel, rows: tile.rows, tiled: tiled, axes, &scope)
      statements.append(
        .loop(Loop(variable, from: .index(0), to: whole.expr, by: tile.rows, kind: .parallel, body: body)))
    }
    if let rest = (extent - whole).constant {
      if rest > 0 {
        axes[tiled] = whole.expr
        statements += microKernel(panel, rows: rest, tiled: tiled, axes, &scope)
      }
    } else {
      statements += openRest(panel, tiled, from: whole, rest: extent - whole, axes, &scope)
    }
    return LoopNest.wrap(statements, variables, kind: .parallel)
  }

  /// Most rows of which there is a tile for every number: half of what the highest tile leaves.
  private static let exactRows = 7

  /// The rows behind whole tiles, whose number only a call knows: one tile with all of them, or two with half of them each.
  private func openRest(
    _ panel: Panel, _ tiled: Int, from whole: Dim, rest: Dim, _ axes: [Expr], _ scope: inout KernelScope
  ) -> [Statement] {
    var axes = axes
    let most = min(tile.rows - 1, Self.exactRows)
    let (start, count) = (scope.builder.index(), scope.builder.index())
    axes[tiled] = .variable(start)
    func tiles(_ range: ClosedRange<Int>) -> [Statement] {
      if range.count == 1 { return microKernel(panel, rows: range.lowerBound, tiled: tiled, axes, &scope) }
      let middle = (range.lowerBound + range.upperBound) / 2
      return [
        .conditional(
          .compare(.lessOrEqual, .variable(count), .index(middle)), then: tiles(range.lowerBound...middle),
          otherwise: tiles(middle + 1...range.upperBound))
      ]
    }
    let exact = tiles(1...most)
    if most == tile.rows - 1 {
      let some = [.bind(start, whole.expr), .bind(count, rest.expr)] + exact
      return [.conditional(.compare(.less, .index(0), rest.expr), then: some, otherwise: [])]
    }
    let (number, half) = (scope.builder.index(), scope.builder.index())
    let isHalved = Expr.compare(.less, .index(most), rest.expr)
    let larger = Expr.select(isHalved, (rest + 1).floorDivided(by: 2).expr, rest.expr)
    let place = Expr.variable(number) * .variable(half)
    let part = Expr.binary(.min, .variable(half), .binary(.subtract, rest.expr, place))
    return [
      .bind(half, larger),
      .loop(
        Loop(
          number, from: .index(0), to: .select(isHalved, .index(2), .binary(.min, rest.expr, .index(1))), kind: .parallel,
          body: [.bind(start, whole.expr + place), .bind(count, part)] + exact)),
    ]
  }
}
