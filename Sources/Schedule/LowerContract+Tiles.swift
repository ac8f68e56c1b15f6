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
  struct SumAxis {
    var extent: Int
    var rowStride: Dim
    var panelStride: Int
    /// The stride in constant data.
    var packedStride: Int
  }

  /// How weights lie in constant data.
  enum Packing {
    /// All parts of one step, as tiles.
    case parts(Int)
    /// Rows of `f32` numbers, which are split when their panel is needed: fewer bytes, but work for every group of rows.
    case numbers

    /// Elements for one group of numbers.
    var elements: Int {
      switch self {
      case .parts(let count): count
      case .numbers: 2
      }
    }

    var element: ElementType {
      switch self {
      case .parts: .u32
      case .numbers: .f32
      }
    }
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
    /// The weights in constant data, or the groups of columns in memory.
    let packed: Buffer
    /// Where the parts of a panel are written, if they are not in constant data.
    let split: Scratch?
    let factors: GroupFactors
    let walk: TileWalk
    let panels: Int
    let sums: Scratch
    /// Where the sums of one chunk of a block are, if there are several.
    let chunkSums: Expr
    /// Elements between rows of sums that wait for those of all panels; nil where a block's are finished at once.
    let sumStride: Int?
    /// The turn of every loop around the group.
    var turns: [Int: Expr] = [:]
    /// The turns of the loop that groups divide.
    var bounds: (from: Expr, to: Expr)?
    var chunk: Chunk?
    /// Where the panel begins in constant data.
    var packedBase = Expr.index(0)

    /// What tiles of weights are loaded from.
    var weights: Buffer { split?.buffer ?? packed }
  }

  // MARK: Shapes

  /// Whether the parts of all weights stay in the second level of the cache.
  private func areNear(_ factors: GroupFactors) -> Bool {
    let columns = extents[vectorAxis].constant ?? 1
    return (sumCount.constant ?? 0) * factors.parts * 4 * columns <= Self.nearWeights
  }

  func packing(of factors: GroupFactors) -> Packing {
    factors.parts == 1 || areNear(factors) ? .parts(factors.parts) : .numbers
  }

  /// Groups that one instruction sums: the most that divide the innermost summed axis.
  var depth: Int {
    let extent = sumLoops.order.last.flatMap { sumLoops.extents[$0].constant } ?? 1
    return (1...16).last { extent % $0 == 0 } ?? 1
  }

  /// The summed axes in steps of instructions, for panels of some width.
  func sumAxes(_ vectors: Int, _ factors: GroupFactors) -> [SumAxis] {
    var stride = vectors * GroupFactors.columns * depth
    let elements = packing(of: factors).elements
    var axes: [SumAxis] = []
    for axis in sumLoops.order.reversed() {
      let isInnermost = axes.isEmpty
      let extent = (sumLoops.extents[axis].constant ?? 1) / (isInnermost ? depth : 1)
      let rowStride = rowSide.strides[axis] * (isInnermost ? depth : 1)
      let step = panelSide.strides[axis].constant.map { $0 * (isInnermost ? depth : 1) } ?? 0
      axes.insert(
        panelSide.isConstant
          ? SumAxis(
            extent: extent, rowStride: rowStride, panelStride: stride * factors.parts, packedStride: stride * elements)
          : SumAxis(extent: extent, rowStride: rowStride, panelStride: step, packedStride: step),
        at: 0)
      stride *= extent
    }
    return axes.filter { $0.extent > 1 }
  }

  /// Bytes of the data that one row adds to those of its neighbours.
  private func rowBytes(_ factors: GroupFactors) -> Int {
    contract.lhs.reduce(4 * factors.parts) { bytes, index in
      let steps = index.coefficients.filter { $0.key < rank }
      let terms = index.coefficients.filter { $0.key >= rank }
      let width = terms.reduce(1) { $0 + $1.value * ((extents[$1.key].constant ?? 1) - 1) }
      return bytes * (steps.isEmpty ? width : min(width, steps.values.max() ?? 1))
    }
  }

  // MARK: Rows and panels

  /// Elements between the rows of a tile of weights.
  var weightStride: Int {
    guard !panelSide.isConstant, let axis = sumLoops.order.last else { return GroupFactors.columns }
    return panelSide.strides[axis].constant ?? 0
  }

  /// All results of one set of weights.
  func tiledResults(
    _ weights: PanelSource, _ factors: GroupFactors, _ walk: TileWalk, _ axes: [Expr], _ scope: inout KernelScope
  ) -> [Statement] {
    let columns = extents[vectorAxis].constant ?? 1
    let panels = (columns + lanes * tile.vectors - 1) / (lanes * tile.vectors)
    let isNear = areNear(factors)
    // Where weights stay near, results of a row are written side by side.
    let isWide = isNear && panels > 1 && panelSide.isConstant
    let outermost = sumAxes(tile.vectors, factors).first
    let steps = outermost?.extent ?? 1
    var (walk, chunks) = (walk, 1)
    walk.makeGroups(rowBytes(factors), limit: isWide ? 0 : Self.nearBytes)
    if !isNear, walk.group?.place == walk.loops.count - 1 {
      chunks = min(steps, chunksOfTerms(rowBytes(factors)))
      walk.makeGroups(rowBytes(factors) / chunks, limit: Self.nearBytes)
    }
    // Rows that lie apart by a power of two would share lines of the cache.
    let sumStride = isWide ? panels * tile.vectors * GroupFactors.columns + Self.line : nil
    let waiting = chunks > 1 ? panels * (walk.blocksOfGroup ?? 1) : 1
    let ofChunk = chunks > 1 ? blockElements : 0
    let count = sumStride.map { $0 * tile.rows * GroupFactors.rows } ?? waiting * blockElements + ofChunk
    let sums = scope.dividedScratch(contract.accumulator, count: Dim(count))
    let split: Scratch? = switch packing(of: factors) {
    case .parts: nil
    case .numbers:
      scope.dividedScratch(.u32, count: Dim((steps + chunks - 1) / chunks * (outermost?.panelStride ?? stepElements(factors))))
    }
    let packed = if case .packed(let buffer) = weights { buffer } else { panelSide.view.buffer }
    var group = TileGroup(
      packed: packed, split: split, factors: factors, walk: walk, panels: panels, sums: sums,
      chunkSums: sums.start + .index(waiting * blockElements), sumStride: sumStride)
    let loops = outerLoops(&group, chunks, of: steps, &scope)
    let results = fixedPanels(columns, axes, .tiled(group), isWide ? .serial : .parallel, &scope)
    return Self.nested(loops, around: results + (isWide ? wideResults(group, columns, axes, &scope) : []))
  }

  /// Elements of all parts of the widest panel in one step.
  private func stepElements(_ factors: GroupFactors) -> Int {
    tile.vectors * GroupFactors.columns * factors.parts * depth
  }

  /// The number of chunks of terms of which the data of as many rows stay near as there are, or as are many.
  private func chunksOfTerms(_ rowBytes: Int) -> Int {
    let rows = min(Self.manyRows, rowLoops.order.last.flatMap { rowLoops.extents[$0].constant } ?? .max)
    return max(1, (rows * rowBytes + Self.nearBytes - 1) / Self.nearBytes)
  }

  /// The loops around groups, over groups, and over chunks of some steps, whose positions the group then has.
  private func outerLoops(
    _ group: inout TileGroup, _ chunks: Int, of steps: Int, _ scope: inout KernelScope
  ) -> [Loop] {
    var loops: [Loop] = []
    for loop in group.walk.outer {
      let variable = scope.builder.index()
      group.turns[loop.axis] = .variable(variable)
      loops.append(Loop(variable, from: .index(0), to: loop.count.expr, kind: .parallel, body: []))
    }
    if let divided = group.walk.group {
      let count = group.walk.loops[divided.place].count
      let start = scope.builder.index()
      let end = Expr.variable(start) + .index(divided.size)
      let isExact = count.remainder(by: Dim(divided.size)) == 0
      group.bounds = (.variable(start), isExact ? end : .binary(.min, end, count.expr))
      loops.append(Loop(start, from: .index(0), to: count.expr, by: divided.size, kind: .parallel, body: []))
    }
    if chunks > 1 {
      let size = (steps + chunks - 1) / chunks
      let from = scope.builder.index()
      let end = Expr.variable(from) + .index(size)
      group.chunk = Chunk(
        from: .variable(from), to: .binary(.min, end, .index(steps)), size: size,
        isFirst: .compare(.equal, .variable(from), .index(0)), isLast: .compare(.lessOrEqual, .index(steps), end))
      loops.append(Loop(from, from: .index(0), to: .index(steps), by: size, body: []))
    }
    return loops
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
      if let axis = group.walk.tiled { here[axis] = here[axis] + .variable(row) }
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
  func storeSum(
    _ sums: Buffer, _ place: Expr, _ axes: [Expr], _ count: Expr?, _ scope: inout KernelScope
  ) -> [Statement] {
    let sum = scope.builder.variable(ValueType(contract.accumulator, lanes: lanes))
    return [.bind(sum, .load(sums, index: place, lanes: lanes, count: nil))] + store(sum, axes, count, &scope)
  }

  /// Sums of a block in memory.
  var blockElements: Int { tile.rows * tile.vectors * GroupFactors.rows * GroupFactors.columns }

  /// The registers of all blocks have the same shapes.
  func configuration(_ walk: TileWalk) -> Statement {
    let rows = walk.rows.expr
    let sums = TileShape(rows: rows, columns: GroupFactors.columns)
    let data = TileShape(rows: rows, columns: depth)
    let weights = TileShape(rows: .index(depth), columns: GroupFactors.columns)
    return .tile(
      .configure(
        Array(repeating: sums, count: tile.rows * tile.vectors) + Array(repeating: data, count: tile.rows)
          + Array(repeating: weights, count: tile.vectors)))
  }

  /// One panel for the rows of a group.
  func tiledPanel(_ panel: Panel, _ group: TileGroup, _ axes: [Expr], _ scope: inout KernelScope) -> [Statement] {
    var (panel, group) = (panel, group)
    group.packedBase = panel.base
    guard let split = group.split else { return tiledRows(panel, group, axes, &scope) }
    let statements = splitPanel(panel, group, to: split, &scope)
    let base = scope.builder.index()
    let stride = sumAxes(panel.vectors, group.factors).first?.panelStride ?? 0
    panel.base = .variable(base)
    let start = group.chunk.map { Expr.binary(.subtract, split.start, $0.from * .index(stride)) } ?? split.start
    return statements + [.bind(base, start)] + tiledRows(panel, group, axes, &scope)
  }

  /// The rows of a group for one panel.
  private func tiledRows(_ panel: Panel, _ group: TileGroup, _ axes: [Expr], _ scope: inout KernelScope) -> [Statement] {
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
    let starts = (0..<tile.rows).map { walk.axes(ofTile: $0, turns, from: axes) }
    let block = TileBlock(lowering: self, panel: panel, group: group, axes: starts, number: number)
    return Self.nested(loops, around: block.statements(&scope))
  }

  /// Loops, the last one innermost.
  static func nested(_ loops: [Loop], around body: [Statement]) -> [Statement] {
    loops.reversed().reduce(body) { inner, loop in
      var loop = loop
      loop.body = inner
      return [.loop(loop)]
    }
  }
}
