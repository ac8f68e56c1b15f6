import LoopIR
import Support
import TensorIR

/// Lowers a contraction of constant extents to register tiles.
///
/// The vector axis is the innermost axis of the result. One factor, the *panel* side, is read as vectors along it; the
/// other, the *row* side, is broadcast, or read as vectors too where the vector axis is a batch axis (depthwise convolution).
/// A constant panel side is packed at compile time.
struct ContractLowering {
  /// One factor: its view, its stride along every axis, and its offset at position 0.
  struct Factor {
    var operand: Int
    var view: View
    var strides: [Int]
    var offset: Int
    var constant: ConstantTensor?
  }

  let contract: Contract
  let epilogue: ScalarGraph
  private(set) var operands: [View]
  private(set) var result: View
  let target: Target
  let rank: Int
  let extents: [Int]
  private(set) var rowSide: Factor
  private(set) var panelSide: Factor
  let vectorAxis: Int
  /// Whether the vector axis is a batch axis, which both factors have.
  let isBatched: Bool
  let outStrides: [Int]
  /// Axes around the panels: batch axes, and axes of the panel side that are not the vector axis.
  let panelLoops: [Int]
  let rowLoops: LoopNest
  let sumLoops: LoopNest
  let lanes: Int
  let tile: RegisterTile

  /// Nil if the contraction does not have the form that tiles need; it is then lowered as a reduction.
  init?(
    _ contract: Contract, operands: [View], constants: [ConstantTensor?], result: View, layout: Layout, target: Target
  ) {
    guard let outer = contract.shape.constants, let inner = contract.reduced.constants,
      !(outer + inner).contains(0), ContractLowering.isTiled(contract, operands)
    else { return nil }
    let extents = outer + inner
    guard let lhs = ContractLowering.factor(0, operands[0], contract.lhs, extents, constants[0]),
      let rhs = ContractLowering.factor(1, operands[1], contract.rhs, extents, constants[1]),
      let outStrides = result.strides.constants,
      let vectorAxis = outer.indices.first(where: { outStrides[$0] == 1 && extents[$0] > 1 })
    else { return nil }
    let onLeft = lhs.strides[vectorAxis] != 0
    let onRight = rhs.strides[vectorAxis] != 0
    guard onLeft || onRight else { return nil }
    let swaps = onLeft && (!onRight || lhs.constant != nil)
    let (rowSide, panelSide) = swaps ? (rhs, lhs) : (lhs, rhs)
    let isBatched = onLeft && onRight
    let lanes = ContractLowering.lanes(contract.accumulator, extents[vectorAxis], target)
    if isBatched && lanes > 1 && rowSide.strides[vectorAxis] != 1 { return nil }
    if isBatched && lanes > 1 && panelSide.constant == nil && panelSide.strides[vectorAxis] != 1 { return nil }

    self.contract = contract
    epilogue = contract.epilogue.legalized(encodingResults: true)
    self.operands = operands
    self.result = result
    self.target = target
    rank = outer.count
    self.extents = extents
    self.rowSide = rowSide
    self.panelSide = panelSide
    self.vectorAxis = vectorAxis
    self.isBatched = isBatched
    self.outStrides = outStrides
    self.lanes = lanes
    let others = layout.order.filter { $0 != vectorAxis && extents[$0] > 1 }
    panelLoops = others.filter { panelSide.strides[$0] != 0 }
    let padding = [Dim](repeating: 0, count: inner.count)
    let epilogueReads = affineStrides(epilogue, operands, rank: rank)
    rowLoops = LoopNest(
      extents: extents.map { Dim($0) }, order: others.filter { panelSide.strides[$0] == 0 },
      strides: epilogueReads.map { reads in
        [rowSide.strides.map { Dim($0) }, outStrides.map { Dim($0) } + padding] + reads.map { $0 + padding }
      })
    let summed = ContractLowering.summedAxes(rowSide, outer.count..<extents.count)
    let sumAccesses = [rowSide.strides] + (panelSide.constant == nil ? [panelSide.strides] : [])
    sumLoops = LoopNest(
      extents: extents.map { Dim($0) }, order: summed, strides: sumAccesses.map { $0.map { Dim($0) } })
    let nest = rowLoops
    let rows = nest.order.last.flatMap { nest.extents[$0].constant } ?? 1
    tile = RegisterTile.best(
      rows: rows, vectors: (extents[vectorAxis] + lanes - 1) / lanes, registers: target.vectorRegisters,
      sharesLoads: !isBatched)
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

  private static func factor(_ operand: Int, _ view: View, _ indices: [AffineIndex], _ extents: [Int], _ constant: ConstantTensor?)
    -> Factor?
  {
    guard let viewStrides = view.strides.constants, let shape = view.shape.constants else { return nil }
    var strides = [Int](repeating: 0, count: extents.count)
    var offset = 0
    for (dimension, index) in indices.enumerated() {
      guard let start = index.offset.constant, let range = index.bounds(extents.map { Dim($0) }),
        range.lowerBound >= 0, range.upperBound < shape[dimension]
      else { return nil }
      offset += start * viewStrides[dimension]
      for (axis, coefficient) in index.coefficients { strides[axis] += coefficient * viewStrides[dimension] }
    }
    return Factor(operand: operand, view: view, strides: strides, offset: offset, constant: constant)
  }

  private static func lanes(_ element: ElementType, _ extent: Int, _ target: Target) -> Int {
    var lanes = target.lanes(element.bytes)
    while lanes > 4 && lanes / 2 >= extent { lanes /= 2 }
    return lanes < 4 && lanes > 1 ? (element.bytes == 8 ? lanes : 1) : lanes
  }

  private var sums: [Int] { Array(rank..<extents.count) }
  private var sumCount: Int { sums.reduce(1) { $0 * extents[$1] } }
  private var vectorCount: Int { (extents[vectorAxis] + lanes - 1) / lanes }

  // MARK: Code

  /// Binds the operands that the code reads and the result to parameters, and gives the statements.
  mutating func lower(_ values: [ValueID], _ resultValue: ValueID, in scope: inout KernelScope) -> [Statement] {
    for (position, value) in values.enumerated() where position > 1 || !isPacked(position) {
      operands[position] = scope.view(value, .read)
    }
    rowSide.view = operands[rowSide.operand]
    panelSide.view = operands[panelSide.operand]
    result = scope.view(resultValue, .write)
    return statements(&scope)
  }

  private func isPacked(_ operand: Int) -> Bool { panelSide.operand == operand && panelSide.constant != nil }

  private func statements(_ scope: inout KernelScope) -> [Statement] {
    let panels = panelSource(&scope)
    var axes = [Expr](repeating: .index(0), count: rank)
    var variables: [(variable: Variable, extent: Dim)] = []
    for axis in panelLoops {
      let variable = scope.builder.index()
      variables.append((variable, Dim(extents[axis])))
      axes[axis] = .variable(variable)
    }
    let (full, rest) = vectorCount.quotientAndRemainder(dividingBy: tile.vectors)
    let hasTail = extents[vectorAxis] % lanes != 0
    var statements: [Statement] = []
    let wholePanels = rest == 0 && hasTail ? full - 1 : full
    if wholePanels > 0 {
      let variable = scope.builder.index()
      let body = panel(.variable(variable), tile.vectors, nil, axes, panels, &scope)
      statements.append(.loop(Loop(variable, from: .index(0), to: .index(wholePanels), body: body)))
    }
    if wholePanels * tile.vectors < vectorCount {
      let vectors = vectorCount - wholePanels * tile.vectors
      let tail = hasTail ? Expr.index(extents[vectorAxis] % lanes) : nil
      statements += panel(.index(wholePanels), vectors, tail, axes, panels, &scope)
    }
    return LoopNest.wrap(statements, variables)
  }

  /// Where the vectors of the panel side come from.
  private enum PanelSource {
    /// Packed panels in constant data.
    case packed(Buffer)
    /// Dense along the vector axis: read in place.
    case direct
    /// Packed by every panel into working memory first.
    case scratch(Buffer)
  }

  private func panelSource(_ scope: inout KernelScope) -> PanelSource {
    if let constant = panelSide.constant { return .packed(scope.constant(pack(constant))) }
    if lanes == 1 || panelSide.strides[vectorAxis] == 1 { return .direct }
    return .scratch(scope.scratch(contract.accumulator, count: Dim(sumCount * tile.vectors * lanes)))
  }

  /// Statements for one panel of `vectors` vectors; `tail` is the number of valid lanes of its last vector.
  private func panel(
    _ number: Expr, _ vectors: Int, _ tail: Expr?, _ axes: [Expr], _ source: PanelSource, _ scope: inout KernelScope
  ) -> [Statement] {
    let start = number * .index(tile.vectors * lanes)
    var axes = axes
    axes[vectorAxis] = start
    var statements: [Statement] = []
    var base: Expr
    switch source {
    case .packed:
      let perSet = vectorCount * lanes * sumCount
      base = number * .index(tile.vectors * lanes * sumCount)
      var setStride = perSet
      for axis in panelLoops.reversed() {
        base = base + axes[axis] * .index(setStride)
        setStride *= extents[axis]
      }
    case .direct:
      base = panelLoops.reduce(.index(panelSide.offset)) { $0 + axes[$1] * .index(panelSide.strides[$1]) }
      base = base + start * .index(panelSide.strides[vectorAxis])
    case .scratch(let buffer):
      base = .index(0)
      statements += packAtRunTime(buffer, vectors, tail, axes, &scope)
    }
    let named = scope.builder.index()
    statements.append(.bind(named, base))
    let panel = Panel(source: source, base: .variable(named), vectors: vectors, tail: tail)
    return statements + rows(panel, axes, &scope)
  }

  private struct Panel {
    var source: PanelSource
    var base: Expr
    var vectors: Int
    var tail: Expr?
  }

  private func rows(_ panel: Panel, _ axes: [Expr], _ scope: inout KernelScope) -> [Statement] {
    var axes = axes
    var variables: [(variable: Variable, extent: Dim)] = []
    for axis in rowLoops.order.dropLast() {
      let variable = scope.builder.index()
      variables.append((variable, rowLoops.extents[axis]))
      axes[axis] = .variable(variable)
    }
    guard let tiled = rowLoops.order.last, let extent = rowLoops.extents[tiled].constant else {
      return LoopNest.wrap(microKernel(panel, rows: 1, tiled: nil, axes, &scope), variables)
    }
    let (full, rest) = extent.quotientAndRemainder(dividingBy: tile.rows)
    var statements: [Statement] = []
    if full > 0 {
      let variable = scope.builder.index()
      axes[tiled] = .variable(variable)
      let body = microKernel(panel, rows: tile.rows, tiled: tiled, axes, &scope)
      statements.append(
        .loop(Loop(variable, from: .index(0), to: .index(full * tile.rows), by: tile.rows, body: body)))
    }
    if rest > 0 {
      axes[tiled] = .index(full * tile.rows)
      statements += microKernel(panel, rows: rest, tiled: tiled, axes, &scope)
    }
    return LoopNest.wrap(statements, variables)
  }

  private func microKernel(_ panel: Panel, rows: Int, tiled: Int?, _ axes: [Expr], _ scope: inout KernelScope)
    -> [Statement]
  {
    let element = contract.accumulator
    let type = ValueType(element, lanes: lanes)
    let zero: Expr = element.isFloat ? .float(0, element) : .integer(0, element)
    var statements: [Statement] = []
    let rowBase = scope.builder.index()
    let rowAxes = (0..<rank).filter { rowSide.strides[$0] != 0 }
    statements.append(
      .bind(rowBase, rowAxes.reduce(Expr.index(rowSide.offset)) { $0 + axes[$1] * .index(rowSide.strides[$1]) }))
    let accumulators = (0..<rows * panel.vectors).map { _ in scope.builder.variable(type) }
    for accumulator in accumulators {
      statements.append(.declare(accumulator, lanes > 1 ? .splat(zero, lanes: lanes) : zero))
    }
    statements += sumLoop(panel, rows, tiled, rowBase, accumulators, &scope)
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

  private func sumLoop(
    _ panel: Panel, _ rows: Int, _ tiled: Int?, _ rowBase: Variable, _ accumulators: [Variable],
    _ scope: inout KernelScope
  ) -> [Statement] {
    var variables: [(variable: Variable, extent: Dim)] = []
    var rowOffset = Expr.variable(rowBase)
    var panelOffset = panel.base
    var packedStride = panel.vectors * lanes
    for axis in sumLoops.order.reversed() {
      guard let extent = sumLoops.extents[axis].constant else { fatalError("symbolic sum") }
      let variable = scope.builder.index()
      variables.insert((variable, Dim(extent)), at: 0)
      let stride: Int
      switch panel.source {
      case .packed, .scratch: stride = packedStride
      case .direct: stride = panelSide.strides[axis]
      }
      packedStride *= extent
      rowOffset = rowOffset + .variable(variable) * .index(rowSide.strides[axis])
      panelOffset = panelOffset + .variable(variable) * .index(stride)
    }
    let rowIndex = scope.builder.index()
    let panelIndex = scope.builder.index()
    var body: [Statement] = [.bind(rowIndex, rowOffset), .bind(panelIndex, panelOffset)]
    var panelVectors: [Expr] = []
    for vector in 0..<panel.vectors {
      let variable = scope.builder.variable(ValueType(contract.accumulator, lanes: lanes))
      body.append(.bind(variable, panelVector(panel, vector, .variable(panelIndex))))
      panelVectors.append(.variable(variable))
    }
    for row in 0..<rows {
      let rowStart = Expr.variable(rowIndex) + .index(row * (tiled.map { rowSide.strides[$0] } ?? 0))
      var broadcast: Expr?
      if !isBatched {
        let variable = scope.builder.variable(ValueType(contract.accumulator, lanes: lanes))
        let value = converted(.load(rowSide.view.buffer, index: rowStart, lanes: 1, count: nil))
        body.append(.bind(variable, lanes > 1 ? .splat(value, lanes: lanes) : value))
        broadcast = .variable(variable)
      }
      for vector in 0..<panel.vectors {
        let count = vector == panel.vectors - 1 ? panel.tail : nil
        let factor = broadcast ?? converted(
          .load(rowSide.view.buffer, index: rowStart + .index(vector * lanes * (lanes > 1 ? 1 : rowSide.strides[vectorAxis])), lanes: lanes, count: count))
        let accumulator = accumulators[row * panel.vectors + vector]
        body.append(.assign(accumulator, multiplyAdd(factor, panelVectors[vector], .variable(accumulator))))
      }
    }
    return LoopNest.wrap(body, variables)
  }

  private func panelVector(_ panel: Panel, _ vector: Int, _ index: Expr) -> Expr {
    switch panel.source {
    case .packed(let buffer), .scratch(let buffer):
      return .load(buffer, index: index + .index(vector * lanes), lanes: lanes, count: nil)
    case .direct:
      let count = vector == panel.vectors - 1 ? panel.tail : nil
      let step = vector * lanes * panelSide.strides[vectorAxis]
      return converted(.load(panelSide.view.buffer, index: index + .index(step), lanes: lanes, count: count))
    }
  }

  private func converted(_ value: Expr) -> Expr {
    value.type.element == contract.accumulator ? value : .cast(contract.accumulator, value)
  }

  private func multiplyAdd(_ a: Expr, _ b: Expr, _ c: Expr) -> Expr {
    contract.accumulator.isFloat ? .multiplyAdd(a, b, c) : .binary(.add, .binary(.multiply, a, b), c)
  }

  private func store(_ accumulator: Variable, _ axes: [Expr], _ count: Expr?, _ scope: inout KernelScope) -> [Statement] {
    var extents = rowLoops.extents[..<rank].map { $0 }
    for axis in panelLoops + [vectorAxis] { extents[axis] = Dim(self.extents[axis]) }
    var emitter = ScalarEmitter(
      epilogue, operands: operands, extents: extents, axes: axes, vectorAxis: vectorAxis, lanes: lanes, count: count,
      accumulators: [.variable(accumulator)])
    let value = emitter.result(0, in: &scope.builder)
    let index = zip(axes, outStrides).reduce(Expr.index(0)) { $0 + $1.0 * .index($1.1) }
    return emitter.statements + [.store(result.buffer, index: index, value: value, count: count)]
  }

  // MARK: Packing

  private func packAtRunTime(
    _ buffer: Buffer, _ vectors: Int, _ tail: Expr?, _ axes: [Expr], _ scope: inout KernelScope
  ) -> [Statement] {
    var source = panelLoops.reduce(Expr.index(panelSide.offset)) { $0 + axes[$1] * .index(panelSide.strides[$1]) }
    source = source + axes[vectorAxis] * .index(panelSide.strides[vectorAxis])
    let width = vectors * lanes
    let valid = tail.map { Expr.index((vectors - 1) * lanes) + $0 } ?? .index(width)
    let column = scope.builder.index()
    source = source + .variable(column) * .index(panelSide.strides[vectorAxis])
    var variables: [(variable: Variable, extent: Dim)] = []
    var destination = Expr.variable(column)
    var packedStride = width
    for axis in sumLoops.order.reversed() {
      guard let extent = sumLoops.extents[axis].constant else { fatalError("symbolic sum") }
      let variable = scope.builder.index()
      variables.insert((variable, Dim(extent)), at: 0)
      source = source + .variable(variable) * .index(panelSide.strides[axis])
      destination = destination + .variable(variable) * .index(packedStride)
      packedStride *= extent
    }
    let load = converted(.load(panelSide.view.buffer, index: source, lanes: 1, count: nil))
    let body: [Statement] = [.store(buffer, index: destination, value: load, count: nil)]
    let copy = Statement.loop(
      Loop(column, from: .index(0), to: valid, body: LoopNest.wrap(body, variables)))
    let clear: [Statement] = tail == nil ? [] : [.zero(buffer, index: .index(0), count: .index(sumCount * width))]
    return clear + [copy]
  }

  /// The panel side as panels of `tile.vectors` vectors: for each set and panel, the sum axes, then the lanes, 0 beyond the edge.
  private func pack(_ constant: ConstantTensor) -> ConstantTensor {
    let source = constant.type.element == contract.accumulator
      ? constant : ConstantTensor(contract.accumulator, dims: constant.dims, integers: constant.integers)
    let size = contract.accumulator.bytes
    var sets = [panelSide.offset]
    for axis in panelLoops { sets = sets.flatMap { base in (0..<extents[axis]).map { base + $0 * panelSide.strides[axis] } } }
    var sumOffsets = [0]
    for axis in ContractLowering.summedAxes(rowSide, rank..<extents.count) {
      sumOffsets = sumOffsets.flatMap { base in (0..<extents[axis]).map { base + $0 * panelSide.strides[axis] } }
    }
    let perSet = vectorCount * lanes * sumCount
    let columnStride = panelSide.strides[vectorAxis]
    let packed = Bytes(count: sets.count * perSet * size) { output in
      source.bytes.withUnsafeBytes { input in
        var position = 0
        for set in sets {
          var first = 0
          while first < vectorCount {
            let width = min(tile.vectors, vectorCount - first) * lanes
            let valid = min(width, extents[vectorAxis] - first * lanes)
            for offset in sumOffsets {
              var address = (set + offset + first * lanes * columnStride) * size
              for lane in 0..<valid {
                let destination = (position + lane) * size
                if size == 4 {
                  output.storeBytes(of: input.loadUnaligned(fromByteOffset: address, as: UInt32.self), toByteOffset: destination, as: UInt32.self)
                } else {
                  output.storeBytes(of: input.loadUnaligned(fromByteOffset: address, as: UInt64.self), toByteOffset: destination, as: UInt64.self)
                }
                address += columnStride * size
              }
              position += width
            }
            first += tile.vectors
          }
        }
      }
    }
    return ConstantTensor(contract.accumulator, dims: [sets.count * perSet], bytes: packed)
  }

  /// The summed axes in the order of the loops, before merging.
  private static func summedAxes(_ rowSide: Factor, _ axes: Range<Int>) -> [Int] {
    axes.sorted { (rowSide.strides[$0], -$0) > (rowSide.strides[$1], -$1) }
  }
}
