import LoopIR
import TensorIR

/// The code of one block: tiles of sums one above the other, and as many side by side as the panel has vectors.
struct TileBlock {
  let lowering: ContractLowering
  let panel: ContractLowering.Panel
  let group: ContractLowering.TileGroup
  /// Where each tile of rows begins.
  let axes: [[Expr]]
  /// The block's number in its group.
  let number: Expr

  private var columns: Int { panel.vectors * GroupFactors.columns }
  /// Elements between rows of sums.
  private var stride: Int { group.sumStride ?? columns }
  private var tiles: Range<Int> { axes.indices }

  func statements(_ scope: inout KernelScope) -> [Statement] {
    let place = scope.builder.index()
    let clear = sums.map { Statement.tile(.clear($0.tile)) }
    let statements = [.bind(place, sumsPlace)] + clear + products(&scope)
    guard let chunk = group.chunk else {
      let stored = statements + store(.variable(place))
      return stored + (group.sumStride == nil ? results(.variable(place), &scope) : [])
    }
    let added = store(group.chunkSums) + addition(of: group.chunkSums, to: .variable(place), &scope)
    return statements + [
      .conditional(chunk.isFirst, then: store(.variable(place)), otherwise: added),
      .conditional(chunk.isLast, then: results(.variable(place), &scope), otherwise: []),
    ]
  }

  /// Where the block's sums are in memory; sums that wait have places of their own.
  private var sumsPlace: Expr {
    if group.sumStride != nil { return group.sums.start + axes[0][lowering.vectorAxis] }
    guard group.chunk != nil else { return group.sums.start }
    let width = lowering.tile.vectors * GroupFactors.columns
    let panelNumber = Expr.binary(.floorDivide, axes[0][lowering.vectorAxis], .index(width))
    return group.sums.start + (number * .index(group.panels) + panelNumber) * .index(lowering.blockElements)
  }

  /// Writes all sums to memory.
  private func store(_ place: Expr) -> [Statement] {
    sums.map { tile, row, column in
      let offset = row * GroupFactors.rows * stride + column * GroupFactors.columns
      return .tile(.store(tile, group.sums.buffer, index: place + .index(offset), stride: .index(stride)))
    }
  }

  /// Adds sums of one chunk to those of the chunks before: rounding errors grow with the number of terms of one sum.
  private func addition(of chunk: Expr, to place: Expr, _ scope: inout KernelScope) -> [Statement] {
    tiles.map { tile in
      let index = scope.builder.index()
      let position = Expr.variable(index) + .index(tile * GroupFactors.rows * columns)
      func load(_ place: Expr) -> Expr {
        .load(group.sums.buffer, index: place + position, lanes: lowering.lanes, count: nil)
      }
      let value = Expr.binary(.add, load(place), load(chunk))
      let body = [Statement.store(group.sums.buffer, index: place + position, value: value, count: nil)]
      let end = (group.walk.rows * columns).expr
      return .loop(Loop(index, from: .index(0), to: end, by: lowering.lanes, body: body))
    }
  }

  // MARK: Registers

  private var sums: [(tile: Int, row: Int, column: Int)] {
    tiles.flatMap { row in (0..<panel.vectors).map { (row * lowering.tile.vectors + $0, row, $0) } }
  }

  private func dataTile(_ row: Int) -> Int { lowering.tile.rows * lowering.tile.vectors + row }
  private func weightTile(_ column: Int) -> Int { lowering.tile.rows * (lowering.tile.vectors + 1) + column }

  // MARK: Sums

  /// The loops over the terms.
  private func products(_ scope: inout KernelScope) -> [Statement] {
    let side = lowering.rowSide
    var statements: [Statement] = []
    var rows: [Expr] = tiles.map { tile in
      let start = scope.builder.index()
      let offset = axes[tile].indices.reduce(side.offset.expr) { $0 + axes[tile][$1] * side.strides[$1].expr }
      statements.append(.bind(start, offset))
      return .variable(start)
    }
    var (weights, packed) = (panel.base, group.packedBase)
    var loops: [Loop] = []
    let sumAxes = lowering.sumAxes(panel.vectors, group.factors)
    for (place, axis) in sumAxes.enumerated() {
      let variable = scope.builder.index()
      rows = rows.map { $0 + .variable(variable) * axis.rowStride.expr }
      weights = weights + .variable(variable) * .index(axis.panelStride)
      packed = packed + .variable(variable) * .index(axis.packedStride)
      let chunk = place == 0 ? group.chunk : nil
      loops.append(
        Loop(variable, from: chunk?.from ?? .index(0), to: chunk?.to ?? .index(axis.extent), body: []))
    }
    let weightStart = scope.builder.index()
    var step: [Statement] = [.bind(weightStart, weights)]
    rows = rows.map { row in
      let start = scope.builder.index()
      step.append(.bind(start, row))
      return .variable(start)
    }
    if let (prefetch, share) = prefetch(sumAxes, &scope) {
      statements.append(share)
      let packedStart = scope.builder.index()
      step += [.bind(packedStart, packed)] + prefetch.statements(packedStart)
    }
    step += instructions(rows, .variable(weightStart))
    if group.chunk != nil { return statements + ContractLowering.nested(loops, around: step) }
    let inner = ContractLowering.nested(Array(loops.dropFirst()), around: step)
    let share = resultShare(loops.first.map { .variable($0.variable) }, sumAxes.first?.extent ?? 1, &scope)
    return statements + ContractLowering.nested(Array(loops.prefix(1)), around: share + inner)
  }

  /// Asks for the lines of some of the results, so that they are near when the sums are complete.
  private func resultShare(_ turn: Expr?, _ turns: Int, _ scope: inout KernelScope) -> [Statement] {
    let rows = group.walk.rows
    let count = ((rows.constant ?? GroupFactors.rows) + turns - 1) / turns
    let share = scope.builder.index()
    let first = (turn ?? .index(0)) * .index(count)
    let row = Expr.binary(.min, first + .variable(share), (rows - 1).expr)
    let lines = tiles.flatMap { tile in
      (0..<panel.vectors).flatMap { vector in
        let tail = vector == panel.vectors - 1 ? panel.tail : nil
        return lowering.prefetchResults(position(tile, row, vector), tail, varyingWith: share, &scope)
      }
    }
    return [.loop(Loop(share, from: .index(0), to: .index(count), body: lines))]
  }

  /// The axes at a row of a tile and a vector of columns.
  private func position(_ tile: Int, _ row: Expr, _ vector: Int) -> [Expr] {
    var here = axes[tile]
    if let tiled = group.walk.tiled { here[tiled] = here[tiled] + row }
    here[lowering.vectorAxis] = here[lowering.vectorAxis] + .index(vector * lowering.lanes)
    return here
  }

  /// All products of the parts of one step.
  private func instructions(_ rows: [Expr], _ panelStart: Expr) -> [Statement] {
    var statements: [Statement] = []
    var loadedData = [Int](repeating: -1, count: rows.count)
    var loadedWeights = [Int](repeating: -1, count: panel.vectors)
    for product in group.factors.products {
      // Each tile is loaded when it is first needed; those that change are walked slowly.
      let changesData = loadedData[0] != product.data
      let order = sums.sorted { a, b in
        changesData ? (a.row, a.column) < (b.row, b.column) : (a.column, a.row) < (b.column, b.row)
      }
      for (sum, row, column) in order {
        if loadedData[row] != product.data {
          loadedData[row] = product.data
          statements.append(.tile(loadData(row, rows[row] + .index(product.data * group.factors.partStride))))
        }
        if loadedWeights[column] != product.weights {
          loadedWeights[column] = product.weights
          statements.append(.tile(loadWeights(column, product.weights, panelStart)))
        }
        statements.append(
          .tile(
            .multiplyAdd(lowering.contract.accumulator, sum: sum, left: dataTile(row), right: weightTile(column))))
      }
    }
    return statements
  }

  private func loadWeights(_ column: Int, _ part: Int, _ panelStart: Expr) -> TileOperation {
    let tile = part * panel.vectors + column
    let offset = lowering.panelSide.isConstant ? tile * lowering.depth : column
    return .load(
      weightTile(column), group.weights, index: panelStart + .index(offset * GroupFactors.columns),
      stride: .index(lowering.weightStride))
  }

  private func loadData(_ row: Int, _ place: Expr) -> TileOperation {
    let stride = group.walk.tiled.map { lowering.rowSide.strides[$0] } ?? Dim(GroupFactors.columns)
    return .load(dataTile(row), lowering.rowSide.view.buffer, index: place, stride: stride.expr)
  }

  /// Asks for the next panel in shares, one for each block.
  private func prefetch(
    _ sumAxes: [ContractLowering.SumAxis], _ scope: inout KernelScope
  ) -> (ContractLowering.Prefetch, Statement)? {
    guard lowering.prefetches, lowering.panelSide.isConstant, let size = lowering.sumCount.constant,
      let blocks = group.walk.blocksOfGroup
    else { return nil }
    let elements = lowering.packing(of: group.factors).elements
    let step = columns * elements * lowering.depth
    let panelSize = size * columns * elements
    var (base, passed) = (group.packedBase, panelSize)
    if let chunk = group.chunk, let stride = sumAxes.first?.packedStride {
      base = base + chunk.from * .index(stride)
      passed = chunk.size * stride
    }
    let shares = min(blocks, max(1, step / ContractLowering.line))
    let prefetch = ContractLowering.Prefetch(group.packed, base: base, width: step, shares: shares, &scope)
    return (prefetch, prefetch.share(number, isBounded: true, size: passed, distance: panelSize))
  }

  // MARK: Results

  /// The epilogue on the sums in memory.
  private func results(_ place: Expr, _ scope: inout KernelScope) -> [Statement] {
    tiles.flatMap { results($0, place, &scope) }
  }

  /// The epilogue on the sums of one tile of rows in memory.
  private func results(_ tile: Int, _ place: Expr, _ scope: inout KernelScope) -> [Statement] {
    let row = scope.builder.index()
    var body: [Statement] = []
    for vector in 0..<panel.vectors {
      let line = Expr.variable(row) + .index(tile * GroupFactors.rows)
      let start = line * .index(columns) + .index(vector * lowering.lanes)
      let count = vector == panel.vectors - 1 ? panel.tail : nil
      let here = position(tile, .variable(row), vector)
      body += lowering.storeSum(group.sums.buffer, place + start, here, count, &scope)
    }
    return [.loop(Loop(row, from: .index(0), to: group.walk.rows.expr, body: body))]
  }
}
