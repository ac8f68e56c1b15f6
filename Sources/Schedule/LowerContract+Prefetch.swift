import LoopIR
import TensorIR

/// Requests for memory that is needed soon.
extension ContractLowering {
  /// Asks for the panel after one while its rows are computed, so that its lines have come from memory when they are needed.
  struct Prefetch {
    private let buffer: Buffer
    /// Where what is summed of the panel begins.
    private let base: Expr
    /// Where the share of the panel begins that is asked for during the present rows.
    private let start: Variable
    /// The share as a power of two: every tile of rows asks for one of `1 << shift` parts.
    private let shift: Int
    private let width: Int

    /// - Parameters:
    ///   - width: Elements of the panel that one step over the terms passes.
    ///   - shares: How many times the panel is passed, at least 1.
    init(_ buffer: Buffer, base: Expr, width: Int, shares: Int, _ scope: inout KernelScope) {
      (self.buffer, self.base, self.width) = (buffer, base, width)
      start = scope.builder.index()
      shift = Int.bitWidth - 1 - shares.leadingZeroBitCount
    }

    /// Binds where a share begins in `size` elements that lie `distance` behind the present ones. With `isBounded`
    /// numbers beyond the last share ask for that one again.
    func share(_ number: Expr, isBounded: Bool, size: Int, distance: Int) -> Statement {
      let number = isBounded ? .binary(.min, number, .index((1 << shift) - 1)) : number
      return .bind(start, base + .index(distance) + number * .index(size >> shift))
    }

    func statements(_ panelIndex: Variable) -> [Statement] {
      let done = Expr.binary(.subtract, .variable(panelIndex), base)
      let place = Expr.variable(start) + (shift == 0 ? done : .binary(.shiftRight, done, .index(shift)))
      let lines = max(1, (width >> shift) / ContractLowering.line)
      return (0..<lines).map { .prefetch(buffer, index: place + .index($0 * ContractLowering.line)) }
    }
  }

  /// Elements of one line of the cache.
  static let line = 16

  /// Whether panels lie packed in constant data, for vectors of elements of 4 bytes, and each passes over all rows.
  var mayPrefetch: Bool {
    panelSide.isConstant && target.vectorBytes > 0 && contract.accumulator.bytes == 4 && axesAroundPanels == 0
      && small == nil
  }

  /// Tiles of rows that an open extent has at least in most calls.
  private static let fewTiles = 2

  /// How many elements ahead a panel is asked for that is passed once, or that the cache does not keep whole: memory takes
  /// less time than what lies between, and the cache keeps that. Lines of large panels that are asked for a panel ahead
  /// are gone when they are needed.
  static let nearDistance = 8192

  /// Binds where the next panel's share begins; nil if panels stay in the cache.
  ///
  /// Where a call has more rows than are known here, those beyond ask for the last share again. Rows behind whole tiles
  /// may be all that an open extent has.
  func prefetch(_ panel: Panel, rows: Int, _ axes: [Expr], _ scope: inout KernelScope) -> (Prefetch, Statement)? {
    let order = rowLoops.order.dropFirst(group?.place ?? 0)
    func extent(_ axis: Int) -> Dim { group?.axis == axis ? Dim(group?.size ?? 1) : rowLoops.extents[axis] }
    let counts = order.map { extent($0).constant }
    let usual = counts.last.map { $0 ?? (rows < tile.rows ? 1 : Self.fewTiles) * tile.rows } ?? 1
    let tiles = counts.dropLast().reduce(usual) { $0 * ($1 ?? 1) } / tile.rows
    guard case .packed(let buffer) = panel.source, prefetches, mayPrefetch, tiles > 0, let size = sumCount.constant
    else { return nil }
    var tileNumber = Expr.index(0)
    for axis in order {
      let isLast = axis == order.last
      let count = extent(axis) + (isLast ? tile.rows - 1 : 0)
      var place = axes[axis]
      if let group, group.axis == axis { place = .binary(.subtract, place, group.start) }
      let (extent, position) = isLast
        ? (count.floorDivided(by: Dim(tile.rows)), Expr.binary(.floorDivide, place, .index(tile.rows)))
        : (count, place)
      tileNumber = tileNumber * extent.expr + position
    }
    let width = panel.vectors * lanes
    let prefetch = Prefetch(buffer, base: panel.base, width: width, shares: tiles, &scope)
    let isOpen = counts.contains(nil)
    let distance = tiles == 1 ? min(size * width, Self.nearDistance) : size * width
    return (prefetch, prefetch.share(tileNumber, isBounded: isOpen, size: size * width, distance: distance))
  }

  /// Asks for the lines that the epilogue reads and writes at a position. What it reads at places that do not depend on `row` is
  /// near already.
  func prefetchResults(
    _ axes: [Expr], _ count: Expr?, varyingWith row: Variable, _ scope: inout KernelScope
  ) -> [Statement] {
    let (statements, _, index) = finished(cleared, axes, count, &scope)
    var varying: Set<Variable> = [row]
    var places: [Statement] = [.prefetch(result.buffer, index: index)]
    statements.walk {
      if case .bind(let variable, let value) = $0, value.mentions(varying) { varying.insert(variable) }
    }
    statements.walkExpressions {
      guard case .load(let buffer, let index, let lanes, _) = $0, lanes > 1, index.mentions(varying) else { return }
      places.append(.prefetch(buffer, index: index))
    }
    return statements + places
  }
}

extension Expr {
  /// Whether some variable occurs.
  fileprivate func mentions(_ variables: Set<Variable>) -> Bool {
    var found = false
    walk { if case .variable(let variable) = $0, variables.contains(variable) { found = true } }
    return found
  }
}
