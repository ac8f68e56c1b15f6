import LoopIR
import Support
import TensorIR

/// Panels of the factor that is read as vectors.
extension ContractLowering {
  /// Whether what a vector takes lies apart, so that panels are packed when the code runs.
  var gathersPanels: Bool { lanes > 1 && !panelSide.isConstant && panelSide.strides[vectorAxis] != 1 }

  /// Rows that a panel passes over, and bytes between its vectors, from which on a copy that lies together pays: a
  /// cache has few places for what lies so far apart.
  private static let (manyRows, farBytes) = (32, 1024)

  /// Whether panels are packed though what a vector takes lies together.
  var copiesPanels: Bool {
    guard lanes > 1, !panelSide.isConstant, !isBatched, small == nil, panelSide.strides[vectorAxis] == 1,
      let inner = sumLoops.order.last, let stride = panelSide.strides[inner].constant,
      stride * contract.accumulator.bytes >= Self.farBytes
    else { return false }
    let rows = rowLoops.order.reduce(1) { $0 * usualExtent($1) }
    let depth = sumCount.constant ?? TileSetting.usualExtent
    return rows >= Self.manyRows && depth * tile.vectors * lanes * contract.accumulator.bytes <= target.cacheBytes / 4
  }

  func packAtRunTime(
    _ scratch: Scratch, _ vectors: Int, _ tail: Expr?, _ axes: [Expr], _ scope: inout KernelScope
  ) -> [Statement] {
    var source = panelLoops.reduce(panelSide.offset.expr) { $0 + axes[$1] * panelSide.strides[$1].expr }
    source = source + axes[vectorAxis] * panelSide.strides[vectorAxis].expr
    var variables: [(variable: Variable, extent: Dim)] = []
    var destination = scratch.start
    var packedStride = Dim(vectors * lanes)
    for axis in sumLoops.order.reversed() {
      let extent = sumLoops.extents[axis]
      let variable = scope.builder.index()
      variables.insert((variable, extent), at: 0)
      source = source + .variable(variable) * panelSide.strides[axis].expr
      destination = destination + .variable(variable) * packedStride.expr
      packedStride = packedStride * extent
    }
    return gathersPanels
      ? gathered(from: source, to: destination, scratch, vectors, tail, variables, &scope)
      : copied(from: source, to: destination, scratch, vectors, tail, variables, &scope)
  }

  /// Packs a panel column by column.
  private func gathered(
    from source: Expr, to destination: Expr, _ scratch: Scratch, _ vectors: Int, _ tail: Expr?,
    _ variables: [(variable: Variable, extent: Dim)], _ scope: inout KernelScope
  ) -> [Statement] {
    let width = vectors * lanes
    let valid = tail.map { Expr.index((vectors - 1) * lanes) + $0 } ?? .index(width)
    let column = scope.builder.index()
    let place = source + .variable(column) * panelSide.strides[vectorAxis].expr
    let load = converted(.load(panelSide.view.buffer, index: place, lanes: 1, count: nil))
    let body: [Statement] = [
      .store(scratch.buffer, index: destination + .variable(column), value: load, count: nil)
    ]
    let copy = Statement.loop(
      Loop(column, from: .index(0), to: valid, body: LoopNest.wrap(body, variables)))
    let clear: [Statement] = tail == nil ? [] : [.zero(scratch.buffer, index: scratch.start, count: (sumCount * width).expr)]
    return clear + [copy]
  }

  /// Packs a panel term by term.
  private func copied(
    from source: Expr, to destination: Expr, _ scratch: Scratch, _ vectors: Int, _ tail: Expr?,
    _ variables: [(variable: Variable, extent: Dim)], _ scope: inout KernelScope
  ) -> [Statement] {
    let (from, to) = (scope.builder.index(), scope.builder.index())
    var body: [Statement] = [.bind(from, source), .bind(to, destination)]
    for vector in 0..<vectors {
      let step = Expr.index(vector * lanes)
      let load = Expr.load(
        panelSide.view.buffer, index: .variable(from) + step, lanes: lanes, count: vector == vectors - 1 ? tail : nil)
      body.append(.store(scratch.buffer, index: .variable(to) + step, value: converted(load), count: nil))
    }
    return LoopNest.wrap(body, variables)
  }

  /// The panel side as panels of `tile.vectors` vectors: for each set and panel, the sum axes, then the lanes, 0 beyond the edge.
  func pack(_ constant: ConstantTensor, _ extents: [Int: Int]) -> ConstantTensor {
    func extent(_ axis: Int) -> Int { extents[axis] ?? 1 }
    func stride(_ axis: Int) -> Int { panelSide.strides[axis].constant ?? 0 }
    var sets = [panelSide.offset.constant ?? 0]
    for axis in panelLoops { sets = sets.flatMap { base in (0..<extent(axis)).map { base + $0 * stride(axis) } } }
    var sumOffsets = [0]
    for axis in ContractLowering.summedAxes(rowSide, rank..<self.extents.count) {
      sumOffsets = sumOffsets.flatMap { base in (0..<extent(axis)).map { base + $0 * stride(axis) } }
    }
    let vectorCount = (extent(vectorAxis) + lanes - 1) / lanes
    let perSet = vectorCount * lanes * sumOffsets.count
    if let groups, groups.unit == .tiles {
      return packTiles(constant, groups, sets: sets, sums: sumOffsets, columns: (extent(vectorAxis), stride(vectorAxis)))
    }
    let source = constant.type.element == factorElement
      ? constant : ConstantTensor(contract.accumulator, dims: constant.dims, integers: constant.integers)
    let size = contract.accumulator.bytes
    let columnStride = stride(vectorAxis)
    let packed = Bytes(count: sets.count * perSet * size) { output in
      source.bytes.withUnsafeBytesOnce { input in
        var position = 0
        for set in sets {
          var first = 0
          while first < vectorCount {
            let width = min(tile.vectors, vectorCount - first) * lanes
            let valid = min(width, extent(vectorAxis) - first * lanes)
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
    return ConstantTensor(factorElement, dims: [sets.count * perSet], bytes: packed)
  }

  /// The summed axes in the order of the loops, before merging.
  static func summedAxes(_ rowSide: Factor, _ axes: Range<Int>) -> [Int] {
    func key(_ axis: Int) -> (Int, Int) { (rowSide.strides[axis].constant ?? .max, -axis) }
    return axes.sorted { key($0) > key($1) }
  }
}
