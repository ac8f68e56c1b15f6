import LoopIR
import Support
import TensorIR

/// How the factors of a contraction are read in groups and split into parts, and what multiplies these.
struct GroupFactors {
  var unit: GroupUnit
  var parts: Int
  /// Groups between the parts of the data.
  var partStride: Int

  /// Columns of sums in one tile register.
  static let columns = 16
  /// Rows of one tile register.
  static let rows = 16

  /// What multiplies groups along so many columns: a matrix unit takes whole registers of them, and processors that have one
  /// multiply vectors too. Nil for narrow columns of split numbers.
  func fitting(_ columns: Int) -> GroupFactors? {
    guard unit == .tiles, columns != Self.columns else { return self }
    return parts == 1 ? GroupFactors(unit: .vectors, parts: parts, partStride: partStride) : nil
  }

  /// Which part of the data meets which part of the weights, so that each step changes as few registers as possible.
  var products: [(data: Int, weights: Int)] {
    var products: [(data: Int, weights: Int)] = []
    for weights in (0..<parts).reversed() {
      let loaded = products.last?.data ?? 0
      products += ([loaded] + (0..<parts - weights).filter { $0 != loaded }).map { ($0, weights) }
    }
    return products
  }
}

extension RegisterTile {
  /// Tiles of sums that leave registers for the factors: there are 8 in all.
  static func tiles(rows: Int, columns: Int) -> RegisterTile {
    let high = (rows + GroupFactors.rows - 1) / GroupFactors.rows
    if high == 1 { return RegisterTile(rows: 1, vectors: min(3, columns)) }
    return columns == 1 ? RegisterTile(rows: min(3, high), vectors: 1) : RegisterTile(rows: 2, vectors: 2)
  }
}

/// Contractions of split factors on a matrix unit. `tile` counts tile registers here.
extension ContractLowering {
  /// Bytes of weights that stay in the first level of the cache while rows pass.
  private static let panelBytes = 36 << 10
  /// Rows whose sums wait in memory for the next chunk of terms.
  private static let waitingRows = 256

  /// A loop over summed terms, in steps of one instruction.
  private struct SumAxis {
    var extent: Int
    var rowStride: Dim
    var panelStride: Int
  }

  /// Tiles of sums one above the other: full ones, and the rows of the last one.
  private struct Block {
    var tiles: Int
    var rows: Int
    var lastRows: Expr
  }

  /// Working memory for sums.
  func tileSums(_ scope: inout KernelScope) -> Scratch {
    scope.dividedScratch(contract.accumulator, count: Dim(Self.waitingRows * tile.vectors * GroupFactors.columns))
  }

  // MARK: Shapes

  /// Groups that one instruction sums: the most that divide the innermost summed axis.
  private var depth: Int {
    let extent = sumLoops.order.last.flatMap { sumLoops.extents[$0].constant } ?? 1
    return (1...16).last { extent % $0 == 0 } ?? 1
  }

  /// The summed axes in steps of instructions, for panels of some width.
  private func sumAxes(_ panel: Panel, _ groups: GroupFactors) -> [SumAxis] {
    var stride = panel.vectors * GroupFactors.columns * groups.parts * depth
    var axes: [SumAxis] = []
    for axis in sumLoops.order.reversed() {
      let isInnermost = axes.isEmpty
      let extent = (sumLoops.extents[axis].constant ?? 1) / (isInnermost ? depth : 1)
      let rowStride = rowSide.strides[axis] * (isInnermost ? depth : 1)
      axes.insert(SumAxis(extent: extent, rowStride: rowStride, panelStride: stride), at: 0)
      stride *= extent
    }
    return axes
  }

  /// Rows of the tiles, so that all of them have about as many.
  private func rowsOfTile(_ extent: Int) -> Int {
    let tiles = (extent + GroupFactors.rows - 1) / GroupFactors.rows
    return (extent + tiles - 1) / tiles
  }

  // MARK: Rows

  /// Statements for all rows of one panel.
  func tiledRows(
    _ panel: Panel, _ weights: Buffer, _ groups: GroupFactors, _ sums: Scratch, _ axes: [Expr],
    _ scope: inout KernelScope
  ) -> [Statement] {
    let code = TileCode(
      lowering: self, panel: panel, weights: weights, groups: groups, sums: sums, terms: terms(panel, groups))
    var axes = axes
    var order = rowLoops.order
    guard let tiled = order.popLast() else { return code.single(axes, &scope) }
    let extent = rowLoops.extents[tiled]
    var outer: (axis: Int, rows: Int)?
    if !code.terms.isWhole, let count = extent.constant, count <= Self.waitingRows / 2, let axis = order.last,
      rowLoops.extents[axis].constant != nil
    {
      outer = (axis, Self.waitingRows / count)
      order.removeLast()
    }
    var variables: [(variable: Variable, extent: Dim)] = []
    for axis in order {
      let variable = scope.builder.index()
      variables.append((variable, rowLoops.extents[axis]))
      axes[axis] = .variable(variable)
    }
    let body: [Statement]
    if let outer {
      body = code.rowsOfRows(outer.axis, outer.rows, tiled, axes, &scope)
    } else if let count = extent.constant {
      body = code.fixedRows(tiled, count, axes, &scope)
    } else {
      body = code.symbolicRows(tiled, axes, &scope)
    }
    return LoopNest.wrap(body, variables, kind: .parallel)
  }

  /// The loops over terms: those outside, between whose turns sums wait in memory, and those inside.
  private struct Terms {
    var outer: [SumAxis]
    /// The axis that is walked in chunks of some steps, with the loops over a chunk.
    var chunked: (axis: SumAxis, size: Int)?
    var inner: [SumAxis]

    /// Whether all terms are summed at once.
    var isWhole: Bool { outer.isEmpty && chunked == nil }
  }

  private func terms(_ panel: Panel, _ groups: GroupFactors) -> Terms {
    let axes = sumAxes(panel, groups)
    let step = panel.vectors * GroupFactors.columns * groups.parts * depth * 4
    let limit = max(1, Self.panelBytes / step)
    // Rows of unknown number are not grouped, and a single one has no use for chunks.
    if rowLoops.order.last.map({ rowLoops.extents[$0].constant == nil }) ?? true {
      return Terms(outer: [], chunked: nil, inner: axes)
    }
    var (start, steps) = (axes.count, 1)
    while start > 0, steps * axes[start - 1].extent <= limit {
      steps *= axes[start - 1].extent
      start -= 1
    }
    guard start > 0, steps * 4 < limit || start == axes.count else {
      return Terms(outer: Array(axes[..<start]), chunked: nil, inner: Array(axes[start...]))
    }
    let axis = axes[start - 1]
    let size = Self.chunk(of: Dim(axis.extent), atMost: max(1, limit / steps))
    return Terms(outer: Array(axes[..<(start - 1)]), chunked: (axis, size), inner: Array(axes[start...]))
  }

  // MARK: Code

  private struct TileCode {
    let lowering: ContractLowering
    let panel: Panel
    let weights: Buffer
    let groups: GroupFactors
    let sums: Scratch
    let terms: Terms

    private var columns: Int { panel.vectors * GroupFactors.columns }

    /// One row without an axis of its own.
    func single(_ axes: [Expr], _ scope: inout KernelScope) -> [Statement] {
      let block = Block(tiles: 1, rows: 1, lastRows: .index(1))
      return [configuration(block)]
        + chunked(&scope) { position, scope in compute(block, nil, axes, sums.start, position, &scope) }
        + [.tile(.release)] + results(nil, .index(0), .index(1), axes, sums.start, &scope)
    }

    /// Rows along one axis of known extent.
    func fixedRows(_ tiled: Int, _ extent: Int, _ axes: [Expr], _ scope: inout KernelScope) -> [Statement] {
      let rows = lowering.rowsOfTile(extent)
      let height = rows * lowering.tile.rows
      let blocks = terms.isWhole ? 1 : max(1, ContractLowering.waitingRows / height)
      let groups = extent / height / blocks
      let done = groups * blocks * height
      var statements: [Statement] = []
      if groups > 0 {
        let start = scope.builder.index()
        let end = Expr.variable(start) + .index(blocks * height)
        let body = group(tiled, rows, .variable(start), end, nil, axes, &scope)
        statements.append(
          .loop(Loop(start, from: .index(0), to: .index(done), by: blocks * height, kind: .parallel, body: body)))
      }
      if done < extent {
        let whole = done + (extent - done) / height * height
        statements += group(tiled, rows, .index(done), .index(whole), extent - whole, axes, &scope)
      }
      return statements
    }

    /// Rows along one axis of unknown extent: whole blocks, then single tiles.
    func symbolicRows(_ tiled: Int, _ axes: [Expr], _ scope: inout KernelScope) -> [Statement] {
      let extent = lowering.rowLoops.extents[tiled]
      let height = GroupFactors.rows * lowering.tile.rows
      let whole = extent.floorDivided(by: Dim(height)) * height
      let (start, single) = (scope.builder.index(), scope.builder.index())
      let end = Expr.variable(start) + .index(height)
      let body = group(tiled, GroupFactors.rows, .variable(start), end, nil, axes, &scope)
      let count = scope.builder.index()
      let rest = Expr.binary(.subtract, extent.expr, .variable(single))
      let block = Block(tiles: 1, rows: GroupFactors.rows, lastRows: .variable(count))
      var here = axes
      here[tiled] = .variable(single)
      let last = [.bind(count, .binary(.min, rest, .index(GroupFactors.rows))), configuration(block)]
        + chunked(&scope) { position, scope in compute(block, tiled, here, sums.start, position, &scope) }
        + [.tile(.release)] + results(tiled, .index(0), .variable(count), here, sums.start, &scope)
      return [
        .loop(Loop(start, from: .index(0), to: whole.expr, by: height, kind: .parallel, body: body)),
        .loop(Loop(single, from: whole.expr, to: extent.expr, by: GroupFactors.rows, kind: .parallel, body: last)),
      ]
    }

    /// Rows along two axes, of which as many wait in memory as there is room for.
    func rowsOfRows(
      _ outer: Int, _ count: Int, _ tiled: Int, _ axes: [Expr], _ scope: inout KernelScope
    ) -> [Statement] {
      let extent = lowering.rowLoops.extents[tiled].constant ?? 1
      let all = lowering.rowLoops.extents[outer].constant ?? 1
      let rows = lowering.rowsOfTile(extent)
      let height = rows * lowering.tile.rows
      let whole = extent / height * height
      let (first, end) = (scope.builder.index(), scope.builder.index())
      func each(_ scope: inout KernelScope, _ body: ([Expr], Expr, inout KernelScope) -> [Statement]) -> [Statement] {
        let row = scope.builder.index()
        var here = axes
        here[outer] = .variable(row)
        let waiting = Expr.binary(.subtract, .variable(row), .variable(first)) * .index(extent * columns)
        let statements = body(here, sums.start + waiting, &scope)
        return [.loop(Loop(row, from: .variable(first), to: .variable(end), body: statements))]
      }
      let sum = chunked(&scope) { position, scope in
        each(&scope) { here, waiting, scope in
          blocks(tiled, rows, .index(0), .index(whole), extent - whole, here, waiting, position, &scope)
        }
      }
      let store = each(&scope) { here, waiting, scope in
        results(tiled, .index(0), .index(extent), here, waiting, &scope)
      }
      let bound = Expr.binary(.min, .variable(first) + .index(count), .index(all))
      let body = [.bind(end, bound)] + configured(rows, extent - whole, sum) + store
      return [.loop(Loop(first, from: .index(0), to: .index(all), by: count, kind: .parallel, body: body))]
    }

    /// Whole blocks from a row to another, and some rows behind them.
    private func group(
      _ tiled: Int, _ rows: Int, _ start: Expr, _ end: Expr, _ rest: Int?, _ axes: [Expr], _ scope: inout KernelScope
    ) -> [Statement] {
      let count = Expr.binary(.subtract, end, start) + .index(rest ?? 0)
      var here = axes
      here[tiled] = start
      let sum = chunked(&scope) { position, scope in
        blocks(tiled, rows, start, end, rest ?? 0, axes, sums.start, position, &scope)
      }
      return configured(rows, rest ?? 0, sum) + results(tiled, .index(0), count, here, sums.start, &scope)
    }

    private func wholeBlock(_ rows: Int) -> Block {
      Block(tiles: lowering.tile.rows, rows: rows, lastRows: .index(rows))
    }

    /// Sums with shapes for whole blocks before them, unless a rest needs shapes of its own in turn.
    private func configured(_ rows: Int, _ rest: Int, _ sums: [Statement]) -> [Statement] {
      (rest == 0 ? [configuration(wholeBlock(rows))] : []) + sums + [.tile(.release)]
    }

    /// The sums of blocks between two rows, and of the rest, added to those that wait in memory.
    private func blocks(
      _ tiled: Int, _ rows: Int, _ start: Expr, _ end: Expr, _ rest: Int, _ axes: [Expr], _ waiting: Expr,
      _ position: Position, _ scope: inout KernelScope
    ) -> [Statement] {
      let height = rows * lowering.tile.rows
      var statements: [Statement] = []
      if start != end {
        if rest > 0 { statements.append(configuration(wholeBlock(rows))) }
        let row = scope.builder.index()
        var here = axes
        here[tiled] = .variable(row)
        let place = waiting + Expr.binary(.subtract, .variable(row), start) * .index(columns)
        let body = compute(wholeBlock(rows), tiled, here, place, position, &scope)
        statements.append(.loop(Loop(row, from: start, to: end, by: height, body: body)))
      }
      if rest > 0 {
        let tiles = (rest + rows - 1) / rows
        var here = axes
        here[tiled] = end
        let place = waiting + Expr.binary(.subtract, end, start) * .index(columns)
        let block = Block(tiles: tiles, rows: rows, lastRows: .index(rest - (tiles - 1) * rows))
        statements.append(configuration(block))
        statements += compute(block, tiled, here, place, position, &scope)
      }
      return statements
    }

    // MARK: Sums

    /// Where a chunk of terms is: its offsets in the rows and in the panel, its loops, and whether it is the first one.
    struct Position {
      var row: Expr
      var panel: Expr
      var bounds: (from: Expr, to: Expr)?
      var isFirst: Expr?
    }

    /// Repeats statements for every chunk of terms.
    private func chunked(
      _ scope: inout KernelScope, _ body: (Position, inout KernelScope) -> [Statement]
    ) -> [Statement] {
      var position = Position(row: .index(0), panel: panel.base, bounds: nil, isFirst: nil)
      if terms.isWhole { return body(position, &scope) }
      var loops: [Loop] = []
      var total = Expr.index(0)
      for axis in terms.outer {
        let variable = scope.builder.index()
        position.row = position.row + .variable(variable) * axis.rowStride.expr
        position.panel = position.panel + .variable(variable) * .index(axis.panelStride)
        total = total + .variable(variable)
        loops.append(Loop(variable, from: .index(0), to: .index(axis.extent), body: []))
      }
      if let (axis, size) = terms.chunked {
        let variable = scope.builder.index()
        total = total + .variable(variable)
        let end = Expr.binary(.min, .variable(variable) + .index(size), .index(axis.extent))
        position.bounds = (.variable(variable), end)
        loops.append(Loop(variable, from: .index(0), to: .index(axis.extent), by: size, body: []))
      }
      position.isFirst = .compare(.equal, total, .index(0))
      return nested(loops, around: body(position, &scope))
    }

    /// Loops, the last one innermost.
    private func nested(_ loops: [Loop], around body: [Statement]) -> [Statement] {
      loops.reversed().reduce(body) { inner, loop in
        var loop = loop
        loop.body = inner
        return [.loop(loop)]
      }
    }

    /// Adds the products of a chunk to a block's sums, which are at `place` in memory before and after.
    private func compute(
      _ block: Block, _ tiled: Int?, _ axes: [Expr], _ place: Expr, _ position: Position, _ scope: inout KernelScope
    ) -> [Statement] {
      let side = lowering.rowSide
      let rowBase = scope.builder.index()
      let start = axes.indices.reduce(side.offset.expr + position.row) { $0 + axes[$1] * side.strides[$1].expr }
      let sum = scope.builder.index()
      var statements: [Statement] = [.bind(rowBase, start), .bind(sum, place)]
      let clear = sumTiles(block).map { Statement.tile(.clear($0.tile)) }
      func move(_ make: (Int, Buffer, Expr, Expr) -> TileOperation) -> [Statement] {
        sumTiles(block).map { tile, row, column in
          let offset = row * block.rows * columns + column * GroupFactors.columns
          return .tile(make(tile, sums.buffer, .variable(sum) + .index(offset), .index(columns)))
        }
      }
      if let isFirst = position.isFirst {
        let load = move { .load($0, $1, index: $2, stride: $3) }
        statements.append(.conditional(isFirst, then: clear, otherwise: load))
      } else {
        statements += clear
      }
      statements += products(block, tiled, .variable(rowBase), position, &scope)
      return statements + move { .store($0, $1, index: $2, stride: $3) }
    }

    private func sumTiles(_ block: Block) -> [(tile: Int, row: Int, column: Int)] {
      (0..<block.tiles).flatMap { row in
        (0..<panel.vectors).map { (row * panel.vectors + $0, row, $0) }
      }
    }

    private func dataTile(_ block: Block, _ row: Int) -> Int { block.tiles * panel.vectors + row }
    private func weightTile(_ block: Block, _ column: Int) -> Int { block.tiles * (panel.vectors + 1) + column }

    private func configuration(_ block: Block) -> Statement {
      func rows(_ row: Int) -> Expr { row == block.tiles - 1 ? block.lastRows : .index(block.rows) }
      let sums = sumTiles(block).map { TileShape(rows: rows($0.row), columns: GroupFactors.columns) }
      let data = (0..<block.tiles).map { TileShape(rows: rows($0), columns: lowering.depth) }
      let weights = TileShape(rows: .index(lowering.depth), columns: GroupFactors.columns)
      return .tile(.configure(sums + data + Array(repeating: weights, count: panel.vectors)))
    }

    /// The loops over the terms of a chunk.
    private func products(
      _ block: Block, _ tiled: Int?, _ rowBase: Expr, _ position: Position, _ scope: inout KernelScope
    ) -> [Statement] {
      var (row, weights) = (rowBase, position.panel)
      var loops: [Loop] = []
      func walk(_ axis: SumAxis, _ from: Expr, _ to: Expr) {
        let variable = scope.builder.index()
        row = row + .variable(variable) * axis.rowStride.expr
        weights = weights + .variable(variable) * .index(axis.panelStride)
        loops.append(Loop(variable, from: from, to: to, body: []))
      }
      if let (axis, _) = terms.chunked, let bounds = position.bounds { walk(axis, bounds.from, bounds.to) }
      for axis in terms.inner where axis.extent > 1 { walk(axis, .index(0), .index(axis.extent)) }
      let (rowStart, weightStart) = (scope.builder.index(), scope.builder.index())
      let step: [Statement] = [.bind(rowStart, row), .bind(weightStart, weights)]
        + instructions(block, tiled, .variable(rowStart), .variable(weightStart))
      return nested(loops, around: step)
    }

    /// All products of the parts of one step.
    private func instructions(_ block: Block, _ tiled: Int?, _ row: Expr, _ panelStart: Expr) -> [Statement] {
      let side = lowering.rowSide
      let rowStride = tiled.map { side.strides[$0] } ?? Dim(GroupFactors.columns)
      var statements: [Statement] = []
      var (data, weight) = (-1, -1)
      for product in groups.products {
        if product.data != data {
          data = product.data
          for tile in 0..<block.tiles {
            let place = row + .index(data * groups.partStride) + (rowStride * (tile * block.rows)).expr
            statements.append(
              .tile(.load(dataTile(block, tile), side.view.buffer, index: place, stride: rowStride.expr)))
          }
        }
        if product.weights != weight {
          weight = product.weights
          for column in 0..<panel.vectors {
            let tile = weight * panel.vectors + column
            let place = panelStart + .index(tile * lowering.depth * GroupFactors.columns)
            statements.append(
              .tile(.load(weightTile(block, column), weights, index: place, stride: .index(GroupFactors.columns))))
          }
        }
        for (sum, row, column) in sumTiles(block) {
          statements.append(
            .tile(
              .multiplyAdd(
                lowering.contract.accumulator, sum: sum, left: dataTile(block, row), right: weightTile(block, column))))
        }
      }
      return statements
    }

    // MARK: Results

    /// The epilogue on sums in memory, for rows from the position of `axes` on.
    private func results(
      _ tiled: Int?, _ from: Expr, _ to: Expr, _ axes: [Expr], _ waiting: Expr, _ scope: inout KernelScope
    ) -> [Statement] {
      let row = scope.builder.index()
      var body: [Statement] = []
      for vector in 0..<panel.vectors {
        var here = axes
        if let tiled { here[tiled] = axes[tiled] + .variable(row) }
        here[lowering.vectorAxis] = axes[lowering.vectorAxis] + .index(vector * lowering.lanes)
        let sum = scope.builder.variable(ValueType(lowering.contract.accumulator, lanes: lowering.lanes))
        let place = waiting + .variable(row) * .index(columns) + .index(vector * lowering.lanes)
        body.append(.bind(sum, .load(sums.buffer, index: place, lanes: lowering.lanes, count: nil)))
        body += lowering.store(sum, here, vector == panel.vectors - 1 ? panel.tail : nil, &scope)
      }
      return [.loop(Loop(row, from: from, to: to, body: body))]
    }
  }

  // MARK: Packing

  /// The weights as panels of tiles: for each set, panel and step, by part, the tiles side by side.
  func packTiles(
    _ constant: ConstantTensor, _ groups: GroupFactors, sets: [Int], sums: [Int], columns: (count: Int, stride: Int)
  ) -> ConstantTensor {
    let width = GroupFactors.columns
    let tiles = (columns.count + width - 1) / width
    let plane = constant.count / groups.parts
    let count = sets.count * tiles * width * sums.count * groups.parts
    let depth = depth
    let packed = Bytes(count: count * 4) { output in
      constant.bytes.withUnsafeBytesOnce { input in
        var position = 0
        func pack(_ base: Int, _ first: Int) {
          for column in first..<first + width {
            if column < columns.count {
              let address = (base + column * columns.stride) * 4
              let value = input.loadUnaligned(fromByteOffset: address, as: UInt32.self)
              output.storeBytes(of: value, toByteOffset: position, as: UInt32.self)
            }
            position += 4
          }
        }
        for set in sets {
          for panel in stride(from: 0, to: tiles, by: tile.vectors) {
            for step in stride(from: 0, to: sums.count, by: depth) {
              for part in 0..<groups.parts {
                for column in panel..<min(panel + tile.vectors, tiles) {
                  for sum in sums[step..<step + depth] { pack(set + sum + part * plane, column * width) }
                }
              }
            }
          }
        }
      }
    }
    return ConstantTensor(.u32, dims: [count], bytes: packed)
  }
}
