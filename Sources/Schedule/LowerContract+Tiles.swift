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
  static func tiles(_ rows: LoopNest, columns: Int) -> RegisterTile {
    let inner = rows.order.last.map { rows.extents[$0].constant ?? TileSetting.usualExtent } ?? 1
    let around = rows.order.dropLast().last.flatMap { rows.extents[$0].constant } ?? 1
    let high = (inner + GroupFactors.rows - 1) / GroupFactors.rows * around
    if high == 1 { return RegisterTile(rows: 1, vectors: min(3, columns)) }
    return columns == 1 ? RegisterTile(rows: min(3, high), vectors: 1) : RegisterTile(rows: 2, vectors: 2)
  }
}

/// Contractions of split factors on a matrix unit. `tile` counts tile registers here.
///
/// All panels pass one group of rows, and of their terms one chunk, before the next ones.
extension ContractLowering {
  /// Bytes of data that stay in the second level of the cache while panels pass.
  private static let nearBytes = 400 << 10
  /// Weights that stay there too.
  private static let nearWeights = 512 << 10
  /// Rows from which on it pays to read weights once more rather than sums.
  private static let manyRows = 512

  /// A loop over summed terms, in steps of one instruction.
  private struct SumAxis {
    var extent: Int
    var rowStride: Dim
    var panelStride: Int
  }

  /// Terms that all panels sum before the next ones; sums wait in memory.
  struct Chunk {
    /// Steps of the outermost summed axis, at most `size` of them.
    var from: Expr
    var to: Expr
    var size: Int
    var isFirst: Expr
    var isLast: Expr
  }

  /// The rows and terms of one pass over all panels.
  struct TileGroup {
    let weights: Buffer
    let factors: GroupFactors
    let walk: TileWalk
    let sums: Scratch
    /// Elements between rows of sums that wait for those of all panels; nil where a block's are finished at once.
    let sumStride: Int?
    /// The turn of every loop around the group.
    var turns: [Int: Expr] = [:]
    /// The turns of the loop that groups divide.
    var bounds: (from: Expr, to: Expr)?
    var chunk: Chunk?
  }

  // MARK: Shapes

  /// Groups that one instruction sums: the most that divide the innermost summed axis.
  private var depth: Int {
    let extent = sumLoops.order.last.flatMap { sumLoops.extents[$0].constant } ?? 1
    return (1...16).last { extent % $0 == 0 } ?? 1
  }

  /// The summed axes in steps of instructions, for panels of some width.
  private func sumAxes(_ vectors: Int, _ factors: GroupFactors) -> [SumAxis] {
    var stride = vectors * GroupFactors.columns * factors.parts * depth
    var axes: [SumAxis] = []
    for axis in sumLoops.order.reversed() {
      let isInnermost = axes.isEmpty
      let extent = (sumLoops.extents[axis].constant ?? 1) / (isInnermost ? depth : 1)
      let rowStride = rowSide.strides[axis] * (isInnermost ? depth : 1)
      axes.insert(SumAxis(extent: extent, rowStride: rowStride, panelStride: stride), at: 0)
      stride *= extent
    }
    return axes.filter { $0.extent > 1 }
  }

  /// Bytes of the data that one row adds to those of its neighbours.
  private func rowBytes(_ factors: GroupFactors) -> Int {
    let rowAxes = Set(rowLoops.order)
    return contract.lhs.reduce(4 * factors.parts) { bytes, index in
      let steps = index.coefficients.filter { rowAxes.contains($0.key) || rowSide.strides[$0.key] != 0 && $0.key < rank }
      let terms = index.coefficients.filter { $0.key >= rank }
      let width = terms.reduce(1) { $0 + $1.value * ((extents[$1.key].constant ?? 1) - 1) }
      return bytes * (steps.isEmpty ? width : min(width, steps.values.max() ?? 1))
    }
  }

  // MARK: Rows and panels

  /// All results of one set of weights.
  func tiledResults(
    _ weights: Buffer, _ factors: GroupFactors, _ axes: [Expr], _ scope: inout KernelScope
  ) -> [Statement] {
    let columns = extents[vectorAxis].constant ?? 1
    let panels = (columns + lanes * tile.vectors - 1) / (lanes * tile.vectors)
    let weightBytes = (sumCount.constant ?? 0) * factors.parts * 4 * columns
    let rowBytes = rowBytes(factors)
    var walk = TileWalk(rowLoops, tile)
    let steps = sumAxes(tile.vectors, factors).first?.extent ?? 1
    var chunks = 1
    // Where weights stay near, results of a row are written side by side.
    let isWide = weightBytes <= Self.nearWeights && panels > 1
    walk.makeGroups(rowBytes, limit: isWide ? 0 : Self.nearBytes)
    if weightBytes > Self.nearWeights, walk.group?.place == walk.loops.count - 1 {
      let rows = min(Self.manyRows, rowLoops.order.last.flatMap { rowLoops.extents[$0].constant } ?? .max)
      chunks = min(steps, max(1, (rows * rowBytes + Self.nearBytes - 1) / Self.nearBytes))
      walk.makeGroups(rowBytes / chunks, limit: Self.nearBytes)
    }
    let waiting = chunks > 1 ? panels * (walk.blocksOfGroup ?? 1) : 1
    // Rows that lie apart by a power of two would share lines of the cache.
    let sumStride = isWide ? panels * tile.vectors * GroupFactors.columns + Self.line : nil
    let count = sumStride.map { $0 * tile.rows * GroupFactors.rows } ?? waiting * blockElements
    let sums = scope.dividedScratch(contract.accumulator, count: Dim(count))
    var group = TileGroup(weights: weights, factors: factors, walk: walk, sums: sums, sumStride: sumStride)
    var variables: [(variable: Variable, extent: Dim)] = []
    for loop in walk.outer {
      let variable = scope.builder.index()
      variables.append((variable, loop.count))
      group.turns[loop.axis] = .variable(variable)
    }
    return LoopNest.wrap(
      groups(&group, axes, &scope) { group, scope in
        self.chunks(chunks, steps, &group, &scope) { group, scope in
          fixedPanels(columns, axes, .tiled(group), isWide ? .serial : .parallel, &scope)
            + (isWide ? wideResults(group, columns, axes, &scope) : [])
        }
      }, variables, kind: .parallel)
  }

  /// Vectors of results that one turn of a loop stores.
  private static let widestTurn = 4

  /// The epilogue on the sums of a block for all columns.
  private func wideResults(
    _ group: TileGroup, _ columns: Int, _ axes: [Expr], _ scope: inout KernelScope
  ) -> [Statement] {
    let (vectors, tail) = columns.quotientAndRemainder(dividingBy: lanes)
    let whole = vectors / Self.widestTurn * Self.widestTurn
    var turns = group.turns
    for (place, loop) in group.walk.inner.enumerated() {
      turns[loop.axis] = place == 0 ? group.bounds?.from ?? .index(0) : .index(0)
    }
    let stride = Expr.index(group.sumStride ?? columns)
    return (0..<tile.rows).flatMap { tile -> [Statement] in
      let row = scope.builder.index()
      var here = group.walk.axes(ofTile: tile, turns, from: axes)
      if let axis = group.walk.rowAxis { here[axis] = here[axis] + .variable(row) }
      let sums = group.sums.start + (.variable(row) + .index(tile * GroupFactors.rows)) * stride
      func store(_ column: Expr, _ count: Expr?) -> [Statement] {
        here[vectorAxis] = column
        return storeSum(group.sums.buffer, sums + column, here, count, &scope)
      }
      var body: [Statement] = []
      if whole > 0 {
        let start = scope.builder.index()
        let stores = (0..<Self.widestTurn).flatMap { store(.variable(start) + .index($0 * lanes), nil) }
        body.append(
          .loop(Loop(start, from: .index(0), to: .index(whole * lanes), by: Self.widestTurn * lanes, body: stores)))
      }
      for vector in whole..<vectors { body += store(.index(vector * lanes), nil) }
      if tail > 0 { body += store(.index(vectors * lanes), .index(tail)) }
      return [.loop(Loop(row, from: .index(0), to: group.walk.rows.expr, body: body))]
    }
  }

  /// The epilogue on a vector of sums in memory.
  private func storeSum(
    _ sums: Buffer, _ place: Expr, _ axes: [Expr], _ count: Expr?, _ scope: inout KernelScope
  ) -> [Statement] {
    let sum = scope.builder.variable(ValueType(contract.accumulator, lanes: lanes))
    return [.bind(sum, .load(sums, index: place, lanes: lanes, count: nil))] + store(sum, axes, count, &scope)
  }

  /// Sums of a block in memory.
  private var blockElements: Int { tile.rows * tile.vectors * GroupFactors.rows * GroupFactors.columns }

  private func groups(
    _ group: inout TileGroup, _ axes: [Expr], _ scope: inout KernelScope,
    _ body: (inout TileGroup, inout KernelScope) -> [Statement]
  ) -> [Statement] {
    guard let divided = group.walk.group else { return body(&group, &scope) }
    let count = group.walk.loops[divided.place].count
    let start = scope.builder.index()
    let end = Expr.variable(start) + .index(divided.size)
    let isExact = count.remainder(by: Dim(divided.size)) == 0
    group.bounds = (.variable(start), isExact ? end : .binary(.min, end, count.expr))
    let body = body(&group, &scope)
    return [.loop(Loop(start, from: .index(0), to: count.expr, by: divided.size, kind: .parallel, body: body))]
  }

  private func chunks(
    _ count: Int, _ steps: Int, _ group: inout TileGroup, _ scope: inout KernelScope,
    _ body: (inout TileGroup, inout KernelScope) -> [Statement]
  ) -> [Statement] {
    guard count > 1 else { return body(&group, &scope) }
    let size = (steps + count - 1) / count
    let from = scope.builder.index()
    let end = Expr.variable(from) + .index(size)
    group.chunk = Chunk(
      from: .variable(from), to: .binary(.min, end, .index(steps)), size: size,
      isFirst: .compare(.equal, .variable(from), .index(0)), isLast: .compare(.lessOrEqual, .index(steps), end))
    return [.loop(Loop(from, from: .index(0), to: .index(steps), by: size, body: body(&group, &scope)))]
  }

  /// The registers of all blocks have the same shapes.
  func tileConfiguration() -> Statement {
    let rows = TileWalk(rowLoops, tile).rows.expr
    let sums = TileShape(rows: rows, columns: GroupFactors.columns)
    let data = TileShape(rows: rows, columns: depth)
    let weights = TileShape(rows: .index(depth), columns: GroupFactors.columns)
    return .tile(
      .configure(
        Array(repeating: sums, count: tile.rows * tile.vectors) + Array(repeating: data, count: tile.rows)
          + Array(repeating: weights, count: tile.vectors)))
  }

  /// The rows of a group for one panel.
  func tiledRows(_ panel: Panel, _ group: TileGroup, _ axes: [Expr], _ scope: inout KernelScope) -> [Statement] {
    let walk = group.walk
    var turns = group.turns
    var loops: [Loop] = []
    var number = Expr.index(0)
    for (place, loop) in walk.inner.enumerated() {
      let variable = scope.builder.index()
      turns[loop.axis] = .variable(variable)
      let bounds = place == 0 ? group.bounds : nil
      let turn = bounds.map { .binary(.subtract, .variable(variable), $0.from) } ?? Expr.variable(variable)
      number = number * loop.count.expr + turn
      loops.append(
        Loop(variable, from: bounds?.from ?? .index(0), to: bounds?.to ?? loop.count.expr, kind: .parallel, body: []))
    }
    let block = TileBlock(
      lowering: self, panel: panel, group: group, axes: (0..<tile.rows).map { walk.axes(ofTile: $0, turns, from: axes) },
      number: number)
    return Self.nested(loops, around: block.statements(&scope))
  }

  /// Loops, the last one innermost.
  private static func nested(_ loops: [Loop], around body: [Statement]) -> [Statement] {
    loops.reversed().reduce(body) { inner, loop in
      var loop = loop
      loop.body = inner
      return [.loop(loop)]
    }
  }

  // MARK: Blocks

  /// The code of one block: tiles of sums one above the other, and as many side by side as the panel has vectors.
  private struct TileBlock {
    let lowering: ContractLowering
    let panel: Panel
    let group: TileGroup
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
      var statements: [Statement] = [.bind(place, sumsPlace)]
      let clear = sums.map { Statement.tile(.clear($0.tile)) }
      func move(_ make: (Int, Buffer, Expr, Expr) -> TileOperation) -> [Statement] {
        sums.map { tile, row, column in
          let offset = row * GroupFactors.rows * stride + column * GroupFactors.columns
          return .tile(make(tile, group.sums.buffer, .variable(place) + .index(offset), .index(stride)))
        }
      }
      if let chunk = group.chunk {
        let load = move { .load($0, $1, index: $2, stride: $3) }
        statements.append(.conditional(chunk.isFirst, then: clear, otherwise: load))
      } else {
        statements += clear
      }
      statements += products(&scope) + move { .store($0, $1, index: $2, stride: $3) }
      if group.sumStride != nil { return statements }
      let results = tiles.flatMap { self.results($0, .variable(place), &scope) }
      return statements + (group.chunk.map { [.conditional($0.isLast, then: results, otherwise: [])] } ?? results)
    }

    /// Where the block's sums are in memory; sums that wait have places of their own.
    private var sumsPlace: Expr {
      if group.sumStride != nil { return group.sums.start + axes[0][lowering.vectorAxis] }
      guard group.chunk != nil else { return group.sums.start }
      let width = lowering.tile.vectors * GroupFactors.columns
      let panels = ((lowering.extents[lowering.vectorAxis].constant ?? 1) + width - 1) / width
      let panelNumber = Expr.binary(.floorDivide, axes[0][lowering.vectorAxis], .index(width))
      return group.sums.start + (number * .index(panels) + panelNumber) * .index(lowering.blockElements)
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
      var weights = panel.base
      var loops: [Loop] = []
      let sumAxes = lowering.sumAxes(panel.vectors, group.factors)
      for (place, axis) in sumAxes.enumerated() {
        let variable = scope.builder.index()
        rows = rows.map { $0 + .variable(variable) * axis.rowStride.expr }
        weights = weights + .variable(variable) * .index(axis.panelStride)
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
      if let prefetch = prefetch(sumAxes, &scope) {
        statements += prefetch.statements
        step += prefetch.ask.statements(weightStart, from: prefetch.from)
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
      var statements: [Statement] = []
      for tile in tiles {
        for share in 0..<count {
          let row = Expr.binary(.min, (turn ?? .index(0)) * .index(count) + .index(share), (rows - 1).expr)
          for vector in 0..<panel.vectors {
            let count = vector == panel.vectors - 1 ? panel.tail : nil
            statements += lowering.prefetchResults(position(tile, row, vector), count, &scope)
          }
        }
      }
      return statements
    }

    /// The axes at a row of a tile and a vector of columns.
    private func position(_ tile: Int, _ row: Expr, _ vector: Int) -> [Expr] {
      var here = axes[tile]
      if let tiled = group.walk.rowAxis { here[tiled] = here[tiled] + row }
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
            let tile = product.weights * panel.vectors + column
            let place = panelStart + .index(tile * lowering.depth * GroupFactors.columns)
            statements.append(
              .tile(.load(weightTile(column), group.weights, index: place, stride: .index(GroupFactors.columns))))
          }
          statements.append(
            .tile(
              .multiplyAdd(lowering.contract.accumulator, sum: sum, left: dataTile(row), right: weightTile(column))))
        }
      }
      return statements
    }

    private func loadData(_ row: Int, _ place: Expr) -> TileOperation {
      let stride = group.walk.rowAxis.map { lowering.rowSide.strides[$0] } ?? Dim(GroupFactors.columns)
      return .load(dataTile(row), lowering.rowSide.view.buffer, index: place, stride: stride.expr)
    }

    /// Blocks from which on requests for the next panel do not hold up loads of the present one.
    private static let leastShares = 4

    /// Asks for the next panel in shares, one for each block.
    private func prefetch(
      _ sumAxes: [SumAxis], _ scope: inout KernelScope
    ) -> (ask: Prefetch, from: Expr, statements: [Statement])? {
      guard lowering.prefetches, let size = lowering.sumCount.constant, let blocks = group.walk.blocksOfGroup,
        blocks >= Self.leastShares
      else { return nil }
      let step = columns * group.factors.parts * lowering.depth
      let lines = max(1, step / ContractLowering.line)
      let shift = Int.bitWidth - 1 - min(blocks, lines).leadingZeroBitCount
      let panelSize = size * columns * group.factors.parts
      let (from, start) = (scope.builder.index(), scope.builder.index())
      var (first, passed) = (panel.base, panelSize)
      if let chunk = group.chunk, let stride = sumAxes.first?.panelStride {
        first = first + chunk.from * .index(stride)
        passed = chunk.size * stride
      }
      let share = Expr.binary(.min, number, .index((1 << shift) - 1)) * .index(passed >> shift)
      return (
        Prefetch(buffer: group.weights, start: start, shift: shift, width: step), .variable(from),
        [.bind(from, first), .bind(start, .variable(from) + .index(panelSize) + share)]
      )
    }

    // MARK: Results

    /// The epilogue on the sums of one tile of rows in memory.
    private func results(_ tile: Int, _ place: Expr, _ scope: inout KernelScope) -> [Statement] {
      let row = scope.builder.index()
      var body: [Statement] = []
      for vector in 0..<panel.vectors {
        let start = (.variable(row) + .index(tile * GroupFactors.rows)) * .index(columns) + .index(vector * lowering.lanes)
        let count = vector == panel.vectors - 1 ? panel.tail : nil
        let here = position(tile, .variable(row), vector)
        body += lowering.storeSum(group.sums.buffer, place + start, here, count, &scope)
      }
      return [.loop(Loop(row, from: .index(0), to: group.walk.rows.expr, body: body))]
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
