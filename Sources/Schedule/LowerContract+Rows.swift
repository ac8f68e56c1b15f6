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

  /// The rows that a panel multiplies before the next panel does.
  enum PanelRows {
    /// Those of the axes from a place in their order on.
    case all(from: Int)
    /// Those of one register tile.
    case tile(rows: Int, axis: Int?)
  }

  /// Rows that all panels pass before the next ones come: positions of one axis, with all of those behind it in the order.
  struct RowGroup {
    /// The axis' place in the order.
    var place: Int
    var axis: Int
    var size: Int
    /// The first position of the present group.
    var start: Expr
  }

  /// What small data and weights may take of the cache that keeps `Target.cacheBytes`.
  private var nearBytes: Int { target.cacheBytes / 8 }

  /// The number of row axes around the loop over panels.
  ///
  /// Panels that stay near pass over few rows at a time if all rows do not, so that data and results go through memory
  /// once.
  var axesAroundPanels: Int {
    let size = contract.accumulator.bytes
    guard panelSide.constant != nil, let columns = extents[vectorAxis].constant, columns > tile.vectors * lanes,
      let depth = sumCount.constant, depth * columns * size <= target.cacheBytes / 2
    else { return 0 }
    func bytes(from first: Int) -> Int {
      rowLoops.order.dropFirst(first).reduce(columns * size) { $0 * usualExtent($1) } + dataBytes(from: first)
    }
    if bytes(from: 0) <= target.cacheBytes { return 0 }
    return rowLoops.order.indices.first { bytes(from: $0) <= nearBytes } ?? rowLoops.order.count
  }

  func usualExtent(_ axis: Int) -> Int { rowLoops.extents[axis].constant ?? TileSetting.usualExtent }

  /// Bytes between the first and the last number that the rows of the axes from a place in their order on read.
  private func dataBytes(from first: Int) -> Int {
    let rows = rowLoops.order.dropFirst(first).map { (axis: $0, extent: usualExtent($0)) }
    let walked = rows + (sums + (isBatched ? [vectorAxis] : [])).map { ($0, extents[$0].constant ?? 1) }
    let size = contract.accumulator.bytes
    return walked.reduce(size) { $0 + ($1.extent - 1) * (rowSide.strides[$1.axis].constant ?? 0) * size }
  }

  /// Groups of rows whose data stay in the cache while all panels pass; nil where all rows do, or where reading weights once
  /// for every group takes more than reading the data once for every panel.
  private var rowGroup: RowGroup? {
    let limit = target.cacheBytes / 2
    guard panelSide.constant != nil, setting.sharesLoads, let columns = extents[vectorAxis].constant,
      let depth = sumCount.constant, dataBytes(from: 0) > target.cacheBytes,
      let place = rowLoops.order.indices.first(where: { dataBytes(from: $0 + 1) <= limit / 2 }),
      let extent = rowLoops.extents[rowLoops.order[place]].constant
    else { return nil }
    let axis = rowLoops.order[place]
    let stride = max(1, (rowSide.strides[axis].constant ?? 0) * contract.accumulator.bytes)
    let unit = place == rowLoops.order.count - 1 ? tile.rows : 1
    let most = max(1, limit / stride)
    let groups = (extent + most - 1) / most
    let size = ((extent + groups - 1) / groups + unit - 1) / unit * unit
    let width = tile.vectors * lanes
    let weightBytes = Double(groups) * Double(depth * columns * contract.accumulator.bytes)
    let readBytes = Double((columns + width - 1) / width) * Double(dataBytes(from: place))
    guard groups > 1, size < extent, weightBytes * 2 < readBytes else { return nil }
    return RowGroup(place: place, axis: axis, size: size, start: .index(0))
  }

  /// The results of one set of weights.
  func allResults(
    _ columns: Int, _ axes: [Expr], _ panels: PanelSource, _ scope: inout KernelScope
  ) -> [Statement] {
    let around = axesAroundPanels
    if around == 0, let group = rowGroup { return groupedResults(columns, group, axes, panels, &scope) }
    if around == 0 { return fixedPanels(columns, axes, panels, .parallel, &scope) }
    if around == rowLoops.order.count {
      return rows(axes, &scope) { rows, axis, axes, scope in
        fixedPanels(columns, axes, panels, .parallel, rows: .tile(rows: rows, axis: axis), &scope)
      }
    }
    var axes = axes
    let variables = variables(rowLoops.order[..<around], &axes, &scope)
    let results = fixedPanels(columns, axes, panels, .parallel, rows: .all(from: around), &scope)
    return LoopNest.wrap(results, variables, kind: .parallel)
  }

  /// The same, group by group.
  private func groupedResults(
    _ columns: Int, _ group: RowGroup, _ axes: [Expr], _ panels: PanelSource, _ scope: inout KernelScope
  ) -> [Statement] {
    var axes = axes
    let variables = variables(rowLoops.order[..<group.place], &axes, &scope)
    let start = scope.builder.index()
    var lowering = self
    lowering.group = group
    lowering.group?.start = .variable(start)
    let results = lowering.fixedPanels(columns, axes, panels, .parallel, rows: .all(from: group.place), &scope)
    let extent = rowLoops.extents[group.axis].expr
    let groups = Loop(start, from: .index(0), to: extent, by: group.size, kind: .parallel, body: results)
    return LoopNest.wrap([.loop(groups)], variables, kind: .parallel)
  }

  /// Variables of loops over rows, which take their places among the axes.
  private func variables(
    _ order: ArraySlice<Int>, _ axes: inout [Expr], _ scope: inout KernelScope
  ) -> [(variable: Variable, extent: Dim)] {
    order.map { axis in
      let variable = scope.builder.index()
      axes[axis] = .variable(variable)
      return (variable, rowLoops.extents[axis])
    }
  }

  /// The results of one panel for some rows.
  func results(_ panel: Panel, _ rows: PanelRows, _ axes: [Expr], _ scope: inout KernelScope) -> [Statement] {
    switch rows {
    case .all(let first):
      self.rows(from: first, axes, &scope) { rows, axis, axes, scope in
        microKernel(panel, rows: rows, tiled: axis, axes, &scope)
      }
    case .tile(let rows, let axis): microKernel(panel, rows: rows, tiled: axis, axes, &scope)
    }
  }

  /// The code for the rows of one tile: their number, the axis that they are along, and where they begin.
  typealias TileBody = (_ rows: Int, _ tiled: Int?, _ axes: [Expr], _ scope: inout KernelScope) -> [Statement]

  /// Loops over the rows of the axes from a place in their order on, in tiles.
  func rows(
    from first: Int = 0, _ axes: [Expr], _ scope: inout KernelScope, _ body: TileBody
  ) -> [Statement] {
    var axes = axes
    let variables = variables(rowLoops.order.dropFirst(first).dropLast(), &axes, &scope)
    guard let tiled = rowLoops.order.last, first < rowLoops.order.count else { return body(1, nil, axes, &scope) }
    let extent = rowLoops.extents[tiled]
    let whole = extent.floorDivided(by: Dim(tile.rows)) * tile.rows
    let ofGroup = group.flatMap { $0.axis == tiled ? $0 : nil }
    let end = ofGroup.map { $0.start + .index($0.size) }
    var statements: [Statement] = []
    if whole != 0 {
      let variable = scope.builder.index()
      axes[tiled] = .variable(variable)
      let tile = body(tile.rows, tiled, axes, &scope)
      let upper = end.map { .binary(.min, $0, whole.expr) } ?? whole.expr
      statements.append(
        .loop(
          Loop(
            variable, from: ofGroup?.start ?? .index(0), to: upper, by: self.tile.rows, kind: .parallel, body: tile)))
    }
    if let rest = (extent - whole).constant {
      if rest > 0 {
        axes[tiled] = whole.expr
        let last = body(rest, tiled, axes, &scope)
        let isLast = end.map { Expr.compare(.less, whole.expr, $0) }
        statements += isLast.map { [.conditional($0, then: last, otherwise: [])] } ?? last
      }
    } else {
      statements += openRest(tiled, from: whole, rest: extent - whole, axes, &scope, body)
    }
    guard let group, ofGroup == nil, let grouped = variables.first else {
      return LoopNest.wrap(statements, variables, kind: .parallel)
    }
    let inner = LoopNest.wrap(statements, Array(variables.dropFirst()), kind: .parallel)
    let upper = Expr.binary(.min, group.start + .index(group.size), grouped.extent.expr)
    return [.loop(Loop(grouped.variable, from: group.start, to: upper, kind: .parallel, body: inner))]
  }

  /// Most rows of which there is a tile for every number: half of what the highest tile leaves.
  private static let exactRows = 7

  /// The rows behind whole tiles, whose number only a call knows: one tile with all of them, or two with half of them each.
  private func openRest(
    _ tiled: Int, from whole: Dim, rest: Dim, _ axes: [Expr], _ scope: inout KernelScope, _ body: TileBody
  ) -> [Statement] {
    var axes = axes
    let most = min(tile.rows - 1, Self.exactRows)
    let (start, count) = (scope.builder.index(), scope.builder.index())
    axes[tiled] = .variable(start)
    func tiles(_ range: ClosedRange<Int>) -> [Statement] {
      if range.count == 1 { return body(range.lowerBound, tiled, axes, &scope) }
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
