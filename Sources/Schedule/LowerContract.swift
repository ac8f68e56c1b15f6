import LoopIR
import Support
import TensorIR

/// Lowers a contraction to register tiles.
///
/// The vector axis is the innermost axis of the result. One factor, the *panel* side, is read as vectors along it; the
/// other, the *row* side, is broadcast, or read as vectors too where the vector axis is a batch axis (depthwise convolution).
/// A constant panel side is packed at compile time; one that is computed from narrower constants stays as narrow
/// (`NarrowPanels`). Factors of narrow numbers are read in groups of 32 bits.
struct ContractLowering {
  /// One factor: its view, its stride along every axis, and its offset at position 0.
  struct Factor {
    var operand: Int
    var view: View
    var strides: [Dim]
    var offset: Dim
    var constant: ConstantTensor?
    var formula: ConstantFormula?

    var isConstant: Bool { constant != nil || formula != nil }
  }

  let contract: Contract
  let epilogue: ScalarGraph
  private(set) var operands: [View]
  private(set) var result: View
  let target: Target
  /// Whether packed panels are not in the cache when a call begins.
  let comesFromMemory: Bool
  let rank: Int
  let extents: [Dim]
  private(set) var rowSide: Factor
  private(set) var panelSide: Factor
  let vectorAxis: Int
  /// Whether the vector axis is a batch axis, which both factors have.
  let isBatched: Bool
  let outStrides: [Dim]
  /// Groups of few columns that share vectors; their axis is part of the vector axis.
  let small: SmallGroups?
  /// Axes around the panels: batch axes, and axes of the panel side that are not the vector axis.
  let panelLoops: [Int]
  let rowLoops: LoopNest
  let sumLoops: LoopNest
  let lanes: Int
  let setting: TileSetting
  /// What is estimated to be best, unless `choose` finds that another was measured.
  var tile = RegisterTile(rows: 1, vectors: 1)
  /// Whether the next panel is prefetched while the rows of one are computed.
  var prefetches: Bool
  /// The rows that panels pass at present, if they do not pass all.
  var group: RowGroup?
  /// How factors are read in groups, and what multiplies these; nil for factors that are read number by number.
  let groups: GroupFactors?
  /// The panel side, if it stays narrow.
  private(set) var narrow: NarrowPanels?

  /// Nil if the contraction does not have the form that tiles need; it is then lowered as a reduction.
  init?(
    _ contract: Contract, operands: [View], constants: [ConstantTensor?], formulas: [ConstantFormula?] = [nil, nil],
    result: View, layout: Layout, target: Target, comesFromMemory: Bool = false
  ) {
    if let grouped = GroupContraction(contract, operands: operands, constants: constants, formulas: formulas),
      let unit = target.unit(groupSize: grouped.size, count: grouped.contract.reduced.product.constant)
    {
      self.init(
        grouped.contract, operands: grouped.operands, constants: [nil, grouped.weights], formulas: [nil, nil],
        result: result, layout: layout, target: target, comesFromMemory: comesFromMemory,
        groups: GroupFactors(unit: unit, parts: grouped.parts, partStride: grouped.partStride))
    } else if ContractLowering.isTiled(contract, operands) {
      self.init(
        contract, operands: operands, constants: constants, formulas: formulas, result: result, layout: layout,
        target: target, comesFromMemory: comesFromMemory, groups: nil)
    } else {
      return nil
    }
  }

  private init?(
    _ contract: Contract, operands: [View], constants: [ConstantTensor?], formulas: [ConstantFormula?], result: View,
    layout: Layout, target: Target, comesFromMemory: Bool, groups: GroupFactors?
  ) {
    let (outer, inner) = (contract.shape, contract.reduced)
    var extents = outer + inner
    guard !extents.contains(0) else { return nil }
    let outStrides = result.strides
    guard var lhs = ContractLowering.factor(0, operands[0], contract.lhs, extents, constants[0]),
      var rhs = ContractLowering.factor(1, operands[1], contract.rhs, extents, constants[1]),
      let vectorAxis = outer.indices.first(where: { outStrides[$0] == 1 && extents[$0] != 1 })
    else { return nil }
    (lhs.formula, rhs.formula) = (formulas[0], formulas[1])
    let onLeft = lhs.strides[vectorAxis] != 0
    let onRight = rhs.strides[vectorAxis] != 0
    guard onLeft || onRight else { return nil }
    let swaps = onLeft && (!onRight || lhs.isConstant)
    var (rowSide, panelSide) = swaps ? (rhs, lhs) : (lhs, rhs)
    epilogue = contract.epilogue.legalized(encodingResults: true, convertsHalves: target.convertsHalves)
    let epilogueReads = affineStrides(epilogue, operands, rank: outer.count)
    small = groups != nil ? nil : SmallGroups(
      rowSide, panelSide, extents: extents, rank: outer.count, vectorAxis: vectorAxis, epilogueReads: epilogueReads,
      outStrides: outStrides, lanes: target.lanes(contract.accumulator.bytes))
    small?.join(vectorAxis, &extents, &rowSide, &panelSide)
    let others = layout.order.filter { $0 != vectorAxis && extents[$0] != 1 }
    let panelLoops = others.filter { panelSide.strides[$0] != 0 }
    // Panels are packed at compile time only where they are of a known size.
    if extents.fixed(panelLoops + [vectorAxis] + Array(outer.count..<extents.count)) == nil { panelSide.constant = nil }
    let isBatched = onLeft && onRight
    let lanes = ContractLowering.lanes(contract.accumulator, extents[vectorAxis], target)
    if isBatched && lanes > 1 && rowSide.strides[vectorAxis] != 1 { return nil }
    if isBatched && lanes > 1 && panelSide.constant == nil && panelSide.strides[vectorAxis] != 1 { return nil }

    self.contract = contract
    self.groups = groups?.fitting(lanes)
    self.operands = operands
    self.result = result
    self.target = target
    self.comesFromMemory = comesFromMemory
    prefetches = comesFromMemory
    rank = outer.count
    self.extents = extents
    self.rowSide = rowSide
    self.panelSide = panelSide
    self.vectorAxis = vectorAxis
    self.isBatched = isBatched
    self.outStrides = outStrides
    self.lanes = lanes
    self.panelLoops = panelLoops
    let padding = [Dim](repeating: 0, count: inner.count)
    let columns = extents[vectorAxis].constant ?? TileSetting.usualExtent
    let terms = extents[outer.count...].reduce(Dim(1), *)
    setting = TileSetting(
      vectors: (columns + lanes - 1) / lanes, registers: target.vectorRegisters,
      sharesLoads: !isBatched && small == nil, panelBytes: (terms.constant ?? 0) * lanes * contract.accumulator.bytes)
    rowLoops = ContractLowering.rowNest(
      extents: extents, order: others.filter { panelSide.strides[$0] == 0 },
      strides: epilogueReads.map { reads in [rowSide.strides, outStrides + padding] + reads.map { $0 + padding } },
      rowStrides: rowSide.strides, setting)
    let innermost = small?.sum
    let summed = ContractLowering.summedAxes(rowSide, outer.count..<extents.count).filter { $0 != innermost }
    let sumAccesses = [rowSide.strides] + (panelSide.isConstant ? [] : [panelSide.strides])
    sumLoops = LoopNest(extents: extents, order: summed, strides: sumAccesses)
    if groups != nil && (self.groups == nil || isBatched || panelSide.operand != 1 || !hasGroupsOfColumns) { return nil }
    if rowSide.formula != nil { return nil }
    if let formula = panelSide.formula {
      guard let narrow = narrowPanels(formula) else { return nil }
      self.narrow = narrow
    }
    tile = tiles[0]
    if packsForFewRows { return nil }
  }

  /// Whether groups of the panel side's columns are packed, or lie side by side in memory, up to the last tile's end.
  private var hasGroupsOfColumns: Bool {
    if panelSide.constant != nil { return true }
    guard panelSide.strides[vectorAxis] == 1, panelSide.strides[rank...].allSatisfy({ $0.constant != nil }),
      let dimension = contract.rhs.firstIndex(where: { $0.coefficients[vectorAxis] != nil })
    else { return false }
    let columns = extents[vectorAxis].parts(of: Dim(GroupFactors.columns)) * GroupFactors.columns
    return columns.isAtMost(panelSide.view.shape[dimension])
  }

  /// Rows for which packing a panel costs more than adding up the lanes of sums along terms.
  private static let fewRows = 8

  /// Whether panels would be packed by every call for few rows, though terms lie side by side in both factors.
  private var packsForFewRows: Bool {
    let rows = rowLoops.order.reduce(Dim(1)) { $0 * rowLoops.extents[$1] }
    guard gathersPanels, !isBatched, rows.isAtMost(Dim(Self.fewRows)), let inner = sumLoops.order.last
    else { return false }
    return rowSide.strides[inner] == 1 && panelSide.strides[inner] == 1 && Dim(lanes).isAtMost(sumLoops.extents[inner])
  }

  /// How a factor that is a formula is read; nil where it cannot stay narrow.
  private func narrowPanels(_ formula: ConstantFormula) -> NarrowPanels? {
    guard contract.accumulator == .f32, !isBatched, extents.fixed(panelLoops + [vectorAxis] + sums) != nil,
      let inner = sumLoops.order.last.flatMap({ sumLoops.extents[$0].constant })
    else { return nil }
    let indices = panelSide.operand == 0 ? contract.lhs : contract.rhs
    return NarrowPanels(
      formula, indices: indices, extents: extents, rank: rank,
      sums: ContractLowering.summedAxes(rowSide, rank..<extents.count), inner: inner, countsInBits: lanes > 1,
      convertsHalves: target.convertsHalves)
  }

  /// The tiles that may be used, in rising order of estimated time.
  var tiles: [RegisterTile] {
    if groups?.unit == .tiles { return [RegisterTile.tiles(rowLoops, columns: setting.vectors)] }
    let rows = rowLoops.order.last.map { rowLoops.extents[$0].constant ?? TileSetting.usualExtent } ?? 1
    let ranked = setting.ranked(rows: rows)
    return narrow.map { narrowTiles($0, ranked) } ?? ranked
  }

  private static func isTiled(_ contract: Contract, _ operands: [View]) -> Bool {
    switch contract.accumulator {
    case .f32, .f64:
      return operands.prefix(2).allSatisfy { $0.element == contract.accumulator }
    case .i32, .i64:
      return operands.prefix(2).allSatisfy { $0.element.isInteger && $0.element.bits >= 8 }
    case .bool, .i8, .i16, .u8, .u16, .u32, .u64, .f16, .bf16, .i2, .i4, .u2, .u4, .f4e2m1, .f8e4m3fn, .f8e4m3fnuz,
      .f8e5m2, .f8e5m2fnuz, .f8e8m0, .c64, .c128, .string:
      return false
    }
  }

  private static func factor(_ operand: Int, _ view: View, _ indices: [AffineIndex], _ extents: [Dim], _ constant: ConstantTensor?)
    -> Factor?
  {
    var strides = [Dim](repeating: 0, count: extents.count)
    var offset = Dim(0)
    for (dimension, index) in indices.enumerated() {
      guard index.isWithin(view.shape[dimension], over: extents) else { return nil }
      offset = offset + index.offset * view.strides[dimension]
      for (axis, coefficient) in index.coefficients {
        strides[axis] = strides[axis] + view.strides[dimension] * coefficient
      }
    }
    // Packing at compile time needs numbers.
    if constant != nil, strides.constants == nil || offset.constant == nil { return nil }
    return Factor(operand: operand, view: view, strides: strides, offset: offset, constant: constant)
  }

  private static func lanes(_ element: ElementType, _ extent: Dim, _ target: Target) -> Int {
    var lanes = target.lanes(element.bytes)
    guard let extent = extent.constant else { return lanes < 4 && element.bytes < 8 ? 1 : lanes }
    while lanes > 4 && lanes / 2 >= extent { lanes /= 2 }
    return lanes < 4 && lanes > 1 ? (element.bytes == 8 ? lanes : 1) : lanes
  }

  var sums: [Int] { Array(rank..<extents.count) }
  var sumCount: Dim { sums.reduce(Dim(1)) { $0 * extents[$1] } }

  // MARK: Code

  /// Binds the operands that the code reads and the result to parameters, and gives the statements.
  mutating func lower(_ values: [ValueID], _ resultValue: ValueID, in scope: inout KernelScope) -> [Statement] {
    for (position, value) in values.enumerated() where position > 1 || !isPacked(position) {
      let isGrouped = groups != nil && position < 2
      operands[position] = isGrouped ? scope.groups(value, operands[position], .read) : scope.view(value, .read)
    }
    rowSide.view = operands[rowSide.operand]
    panelSide.view = operands[panelSide.operand]
    result = scope.view(resultValue, .write)
    return statements(&scope)
  }

  private func isPacked(_ operand: Int) -> Bool { panelSide.operand == operand && panelSide.isConstant }

  private func statements(_ scope: inout KernelScope) -> [Statement] {
    let panels = panelSource(&scope)
    var axes = [Expr](repeating: .index(0), count: rank)
    var variables: [(variable: Variable, extent: Dim)] = []
    for axis in panelLoops {
      let variable = scope.builder.index()
      variables.append((variable, extents[axis]))
      axes[axis] = .variable(variable)
    }
    if let groups, groups.unit == .tiles {
      let walk = TileWalk(rowLoops, tile)
      scope.storesAgain = walk.overlaps
      let results = tiledResults(panels, groups, walk, axes, &scope)
      return [configuration(walk)] + LoopNest.wrap(results, variables, kind: .parallel) + [.tile(.release)]
    }
    let statements = extents[vectorAxis].constant.map { allResults($0, axes, panels, &scope) }
      ?? symbolicPanels(axes, panels, &scope)
    return LoopNest.wrap(statements, variables, kind: .parallel)
  }

  /// The panels of a known number of columns, each for some rows.
  func fixedPanels(
    _ extent: Int, _ axes: [Expr], _ panels: PanelSource, _ kind: LoopKind, rows: PanelRows = .all(from: 0),
    _ scope: inout KernelScope
  ) -> [Statement] {
    let vectorCount = (extent + lanes - 1) / lanes
    let (full, rest) = vectorCount.quotientAndRemainder(dividingBy: tile.vectors)
    let hasTail = extent % lanes != 0
    var statements: [Statement] = []
    let wholePanels = rest == 0 && hasTail ? full - 1 : full
    if wholePanels > 0 {
      let variable = scope.builder.index()
      let start = Expr.variable(variable) * .index(tile.vectors * lanes)
      let body = panel(start, tile.vectors, nil, rows, axes, panels, &scope)
      statements.append(.loop(Loop(variable, from: .index(0), to: .index(wholePanels), kind: kind, body: body)))
    }
    if wholePanels * tile.vectors < vectorCount {
      let vectors = vectorCount - wholePanels * tile.vectors
      let tail = hasTail ? Expr.index(extent % lanes) : nil
      statements += panel(.index(wholePanels * tile.vectors * lanes), vectors, tail, rows, axes, panels, &scope)
    }
    return statements
  }

  /// Whole panels, then the rest vector by vector.
  private func symbolicPanels(_ axes: [Expr], _ panels: PanelSource, _ scope: inout KernelScope) -> [Statement] {
    let extent = extents[vectorAxis]
    let width = tile.vectors * lanes
    let whole = extent.floorDivided(by: Dim(width)) * width
    let (start, single) = (scope.builder.index(), scope.builder.index())
    let body = panel(.variable(start), tile.vectors, nil, .all(from: 0), axes, panels, &scope)
    let tail = lanes > 1 ? Expr.binary(.min, .index(lanes), .binary(.subtract, extent.expr, .variable(single))) : nil
    let rest = panel(.variable(single), 1, tail, .all(from: 0), axes, panels, &scope)
    return [
      .loop(Loop(start, from: .index(0), to: whole.expr, by: width, kind: .parallel, body: body)),
      .loop(Loop(single, from: whole.expr, to: extent.expr, by: lanes, kind: .parallel, body: rest)),
    ]
  }

  /// Where the vectors of the panel side come from.
  enum PanelSource {
    /// Packed panels in constant data.
    case packed(Buffer)
    /// The same for a matrix unit, with the rows that a panel multiplies.
    case tiled(TileGroup)
    /// Dense along the vector axis: read in place.
    case direct
    /// Packed by every panel into working memory first.
    case scratch(Scratch)
    /// Packed narrow constants, whose elements are computed where they are multiplied or into working memory first.
    case narrow(NarrowSource)
  }

  private func panelSource(_ scope: inout KernelScope) -> PanelSource {
    if let constant = panelSide.constant, let extents = extents.fixed(panelLoops + [vectorAxis] + sums) {
      return .packed(scope.constant(pack(constant, extents)))
    }
    if let narrow { return .narrow(narrowSource(narrow, &scope)) }
    guard gathersPanels || copiesPanels else { return .direct }
    return .scratch(scope.dividedScratch(contract.accumulator, count: sumCount * (tile.vectors * lanes)))
  }

  /// Statements for one panel of `vectors` vectors from a position on; `tail` is the number of valid lanes of its last vector.
  private func panel(
    _ start: Expr, _ vectors: Int, _ tail: Expr?, _ rows: PanelRows, _ axes: [Expr], _ source: PanelSource,
    _ scope: inout KernelScope
  ) -> [Statement] {
    var axes = axes
    axes[vectorAxis] = start
    var statements: [Statement] = []
    var base: Expr
    switch source {
    case .packed: base = packedBase(axes, depth: sumCount)
    case .tiled(let group) where panelSide.isConstant:
      base = packedBase(axes, depth: sumCount * packing(of: group.factors).elements)
    case .direct, .tiled:
      base = panelLoops.reduce(panelSide.offset.expr) { $0 + axes[$1] * panelSide.strides[$1].expr }
      base = base + start * panelSide.strides[vectorAxis].expr
    case .scratch(let scratch):
      base = scratch.start
      statements += packAtRunTime(scratch, vectors, tail, axes, &scope)
    case .narrow(let source): return narrowPanel(source, vectors, tail, axes, &scope)
    }
    let named = scope.builder.index()
    statements.append(.bind(named, base))
    let panel = Panel(source: source, base: .variable(named), vectors: vectors, tail: tail)
    if case .tiled(let group) = source { return statements + tiledPanel(panel, group, axes, &scope) }
    return statements + results(panel, rows, axes, &scope)
  }

  /// Where a panel begins in constants of which each column has `depth` elements.
  func packedBase(_ axes: [Expr], depth: Dim) -> Expr {
    var base = axes[vectorAxis] * depth.expr
    var setStride = extents[vectorAxis].parts(of: Dim(lanes)) * lanes * depth
    for axis in panelLoops.reversed() {
      base = base + axes[axis] * setStride.expr
      setStride = setStride * extents[axis]
    }
    return base
  }

  struct Panel {
    var source: PanelSource
    var base: Expr
    var vectors: Int
    var tail: Expr?
  }

  func microKernel(_ panel: Panel, rows: Int, tiled: Int?, _ axes: [Expr], _ scope: inout KernelScope)
    -> [Statement]
  {
    let element = contract.accumulator
    let type = ValueType(element, lanes: lanes)
    var statements: [Statement] = []
    let rowBase = scope.builder.index()
    let rowAxes = (0..<rank).filter { rowSide.strides[$0] != 0 }
    statements.append(
      .bind(rowBase, rowAxes.reduce(firstInput(axes)) { $0 + axes[$1] * rowSide.strides[$1].expr }))
    let accumulators = (0..<rows * panel.vectors).map { _ in scope.builder.variable(type) }
    for accumulator in accumulators {
      statements.append(.declare(accumulator, cleared))
    }
    if case .narrow(let source) = panel.source {
      statements += narrowSums(source, panel.vectors, rows, tiled, rowBase, accumulators, &scope)
    } else {
      let prefetch = prefetch(panel, rows: rows, axes, &scope)
      if let prefetch { statements.append(prefetch.1) }
      statements += sumLoop(panel, rows, tiled, rowBase, accumulators, prefetch?.0, &scope)
    }
    for row in 0..<rows {
      for vector in 0..<panel.vectors {
        var here = axes
        if let tiled { here[tiled] = axes[tiled] + .index(row) }
        here[vectorAxis] = axes[vectorAxis] + .index(vector * lanes)
        let count = vector == panel.vectors - 1 ? panel.tail : nil
        statements += store(accumulators[row * panel.vectors + vector], here, count, &scope)
      }
    }
    return statements
  }

  /// Where the row side's numbers for the columns at a position begin, but for rows.
  private func firstInput(_ axes: [Expr]) -> Expr {
    small.map { rowSide.offset.expr + $0.input(of: axes[vectorAxis]) } ?? rowSide.offset.expr
  }

  private func sumLoop(
    _ panel: Panel, _ rows: Int, _ tiled: Int?, _ rowBase: Variable, _ accumulators: [Variable], _ prefetch: Prefetch?,
    _ scope: inout KernelScope
  ) -> [Statement] {
    var variables: [(variable: Variable, extent: Dim)] = []
    var rowOffset = Expr.variable(rowBase)
    var panelOffset = panel.base
    var packedStride = Dim(panel.vectors * lanes * (small?.inputs ?? 1))
    if let sum = small?.sum {
      let variable = scope.builder.index()
      variables.append((variable, extents[sum]))
      rowOffset = rowOffset + .variable(variable)
      panelOffset = panelOffset + .variable(variable) * .index(panel.vectors * lanes)
    }
    for axis in sumLoops.order.reversed() {
      let extent = sumLoops.extents[axis]
      if axis == writtenOut?.axis {
        packedStride = packedStride * extent
        continue
      }
      let variable = scope.builder.index()
      variables.insert((variable, extent), at: 0)
      let stride: Dim
      switch panel.source {
      case .packed, .tiled, .scratch, .narrow: stride = packedStride
      case .direct: stride = panelSide.strides[axis]
      }
      packedStride = packedStride * extent
      rowOffset = rowOffset + .variable(variable) * rowSide.strides[axis].expr
      panelOffset = panelOffset + .variable(variable) * stride.expr
    }
    let rowIndex = scope.builder.index()
    let panelIndex = scope.builder.index()
    var body: [Statement] = [.bind(rowIndex, rowOffset), .bind(panelIndex, panelOffset)]
    body += prefetch?.statements(panelIndex) ?? []
    if let small {
      body += groupProducts(small, panel, rows, tiled, row: rowIndex, panel: panelIndex, accumulators, &scope)
      return summed(body, variables, accumulators, inside: writtenOut?.count ?? 1, &scope)
    }
    var panelVectors: [Expr] = []
    for vector in 0..<panel.vectors {
      let variable = scope.builder.variable(ValueType(factorElement, lanes: lanes))
      body.append(.bind(variable, panelVector(panel, vector, .variable(panelIndex))))
      panelVectors.append(.variable(variable))
    }
    for row in 0..<rows {
      let rowStart = Expr.variable(rowIndex) + ((tiled.map { rowSide.strides[$0] } ?? 0) * row).expr
      var broadcast: Expr?
      if !isBatched {
        let variable = scope.builder.variable(ValueType(factorElement, lanes: lanes))
        let value = converted(.load(rowSide.view.buffer, index: rowStart, lanes: 1, count: nil))
        body.append(.bind(variable, lanes > 1 ? .splat(value, lanes: lanes) : value))
        broadcast = .variable(variable)
      }
      for vector in 0..<panel.vectors {
        let count = vector == panel.vectors - 1 ? panel.tail : nil
        let factor = broadcast ?? converted(
          .load(rowSide.view.buffer, index: rowStart + ((lanes > 1 ? 1 : rowSide.strides[vectorAxis]) * (vector * lanes)).expr, lanes: lanes, count: count))
        let accumulator = accumulators[row * panel.vectors + vector]
        body.append(.assign(accumulator, multiplyAdd(factor, panelVectors[vector], .variable(accumulator))))
      }
    }
    return summed(body, variables, accumulators, inside: 1, &scope)
  }

  /// Terms that one accumulator takes before it is added to a total.
  ///
  /// Rounding errors grow with the number of terms of one sum: sums of sums keep them small.
  private static let longestSum = 192

  /// The loops around the terms, in chunks where there are many of them.
  private func summed(
    _ body: [Statement], _ variables: [(variable: Variable, extent: Dim)], _ accumulators: [Variable], inside: Int,
    _ scope: inout KernelScope
  ) -> [Statement] {
    var (start, terms) = (variables.count, inside)
    while start > 0, let extent = variables[start - 1].extent.constant, terms * extent <= Self.longestSum {
      terms *= extent
      start -= 1
    }
    guard start > 0, contract.accumulator.isFloat else { return LoopNest.wrap(body, variables) }
    var inner = LoopNest.wrap(body, Array(variables[start...]))
    var outer = Array(variables[..<start])
    var chunks: Loop?
    if terms * 4 < Self.longestSum {
      let (variable, extent) = outer.removeLast()
      let size = Self.chunk(of: extent, atMost: Self.longestSum / terms)
      let chunk = scope.builder.index()
      let end = Expr.variable(chunk) + .index(size)
      let isWhole = extent.remainder(by: Dim(size)) == 0
      let upper = isWhole ? end : .binary(.min, end, extent.expr)
      inner = [.loop(Loop(variable, from: .variable(chunk), to: upper, body: inner))]
      chunks = Loop(chunk, from: .index(0), to: extent.expr, by: size, body: [])
    }
    let totals = accumulators.map { _ in scope.builder.variable(ValueType(contract.accumulator, lanes: lanes)) }
    var sums: [Statement] = accumulators.map { .assign($0, cleared) } + inner
    for (total, accumulator) in zip(totals, accumulators) {
      sums.append(.assign(total, .binary(.add, .variable(total), .variable(accumulator))))
    }
    if var chunks {
      chunks.body = sums
      sums = [.loop(chunks)]
    }
    return totals.map { .declare($0, cleared) } + LoopNest.wrap(sums, outer)
      + zip(accumulators, totals).map { .assign($0, .variable($1)) }
  }

  /// A size that divides an extent and is at least half of a limit if there is one, else two thirds of the limit.
  static func chunk(of extent: Dim, atMost limit: Int) -> Int {
    let divisor = extent.constant.flatMap { extent in (max(1, limit / 2)...max(1, limit)).last { extent % $0 == 0 } }
    return divisor ?? max(1, limit * 2 / 3)
  }

  func panelVector(_ panel: Panel, _ vector: Int, _ index: Expr) -> Expr {
    switch panel.source {
    case .narrow: fatalError("narrow panels have no vectors in memory")
    case .tiled: fatalError("a matrix unit loads tiles")
    case .packed(let buffer):
      return .load(buffer, index: index + .index(vector * lanes), lanes: lanes, count: nil)
    case .scratch(let scratch):
      return .load(scratch.buffer, index: index + .index(vector * lanes), lanes: lanes, count: nil)
    case .direct:
      let count = vector == panel.vectors - 1 ? panel.tail : nil
      let step = panelSide.strides[vectorAxis] * (vector * lanes)
      return converted(.load(panelSide.view.buffer, index: index + step.expr, lanes: lanes, count: count))
    }
  }

  /// Sums of no terms.
  var cleared: Expr {
    let zero: Expr = contract.accumulator.isFloat ? .float(0, contract.accumulator) : .integer(0, contract.accumulator)
    return lanes > 1 ? .splat(zero, lanes: lanes) : zero
  }

  /// The type that factors have when they are multiplied.
  var factorElement: ElementType { groups == nil ? contract.accumulator : .u32 }

  func converted(_ value: Expr) -> Expr {
    value.type.element == factorElement ? value : .cast(factorElement, value)
  }

  func multiplyAdd(_ a: Expr, _ b: Expr, _ c: Expr) -> Expr {
    if groups != nil { return .multiplyAddGroups(a, b, c) }
    return contract.accumulator.isFloat ? .multiplyAdd(a, b, c) : .binary(.add, .binary(.multiply, a, b), c)
  }

  func store(_ accumulator: Variable, _ axes: [Expr], _ count: Expr?, _ scope: inout KernelScope) -> [Statement] {
    let (statements, value, index) = finished(.variable(accumulator), axes, count, &scope)
    return statements + [.store(result.buffer, index: index, value: value, count: count)]
  }

  /// The epilogue's result for a sum, and where it is stored.
  func finished(
    _ sum: Expr, _ axes: [Expr], _ count: Expr?, _ scope: inout KernelScope
  ) -> (statements: [Statement], value: Expr, index: Expr) {
    var extents = rowLoops.extents[..<rank].map { $0 }
    for axis in panelLoops + [vectorAxis] { extents[axis] = self.extents[axis] }
    var emitter = ScalarEmitter(
      epilogue, operands: operands, extents: extents, axes: axes, vectorAxis: vectorAxis, lanes: lanes, count: count,
      accumulators: [sum])
    let value = emitter.result(0, in: &scope.builder)
    let index = zip(axes, outStrides).reduce(Expr.index(0)) { $0 + $1.0 * $1.1.expr }
    return (emitter.statements, value, index)
  }
}

extension Array where Element == Dim {
  /// The extents of some axes, if all of them are numbers.
  fileprivate func fixed(_ axes: [Int]) -> [Int: Int]? {
    let known = axes.compactMap { axis in self[axis].constant.map { (axis, $0) } }
    return known.count == axes.count ? Dictionary(uniqueKeysWithValues: known) : nil
  }
}
