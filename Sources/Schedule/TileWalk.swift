import LoopIR
import TensorIR

/// How a contraction on a matrix unit goes over its rows: loops around blocks of tiles, and which rows all panels pass
/// before the next ones come, so that their data stay in the second level of the cache.
///
/// Tiles have equal numbers of rows. The last ones overlap, so that no tile is shorter: rows are then computed twice,
/// alike.
struct TileWalk {
  /// A loop over an axis of rows in so many turns.
  struct Turns {
    var axis: Int
    var count: Dim
  }

  /// So many turns of one loop, with all those of the loops inside.
  struct Group {
    /// The loop's place in `loops`.
    var place: Int
    var size: Int
  }

  /// Outermost first; tiles are along the last axis.
  private(set) var loops: [Turns] = []
  /// Rows of one tile.
  private(set) var rows = Dim(1)
  /// Nil where all rows are one group.
  private(set) var group: Group?
  /// The axis along which the tiles of a block follow each other: that of the rows, or the one around it.
  private var stacked: Int?
  /// The axis of the rows of a tile.
  let tiled: Int?
  private let block: RegisterTile
  private let extents: [Dim]

  /// Cycles from one addition to a tile of sums to the next one.
  private static let latency = 52

  init(_ nest: LoopNest, _ block: RegisterTile) {
    (extents, tiled, self.block) = (nest.extents, nest.order.last, block)
    guard let tiled else { return }
    let extent = extents[tiled]
    let around = nest.order.dropLast().last
    rows = Self.rows(extent, block.rows)
    stacked = tiled
    if let around, let known = extent.constant, let count = extents[around].constant {
      let single = Self.rows(extent, 1)
      let (along, outside) = (rows.constant ?? 1, single.constant ?? 1)
      let timeAlong = count * Self.time(known, along, block)
      let timeOutside = (count + block.rows - 1) / block.rows * Self.time(known * block.rows, outside, block)
      if timeOutside < timeAlong { (rows, stacked) = (single, around) }
    }
    loops = nest.order.map { axis in
      let steps = axis == tiled ? extent.parts(of: rows) : extents[axis]
      return Turns(axis: axis, count: axis == stacked ? steps.parts(of: Dim(block.rows)) : steps)
    }
  }

  /// Rows of a tile where there is a multiple of so many tiles.
  private static func rows(_ extent: Dim, _ tiles: Int) -> Dim {
    Dim.maximum(1, extent.parts(of: extent.parts(of: Dim(GroupFactors.rows * tiles)) * tiles))
  }

  /// Cycles of one product of parts for a number of rows.
  private static func time(_ extent: Int, _ rows: Int, _ block: RegisterTile) -> Int {
    (extent + rows * block.rows - 1) / (rows * block.rows) * max(block.rows * block.vectors * rows, latency)
  }

  // MARK: Groups

  /// Makes groups of rows whose data have at most so many bytes, if a row has `rowBytes`.
  mutating func makeGroups(_ rowBytes: Int, limit: Int) {
    group = nil
    var bytes = rowBytes
    for (place, loop) in loops.enumerated().reversed() {
      let rowsOfTile = loop.axis == tiled ? rows.constant ?? GroupFactors.rows : 1
      let rowsOfTurn = (loop.axis == stacked ? block.rows : 1) * rowsOfTile
      let (turnBytes, overflow) = bytes.multipliedReportingOverflow(by: rowsOfTurn)
      let most = overflow ? 1 : max(1, limit / max(1, turnBytes))
      guard let count = loop.count.constant, count <= most else {
        // Groups of about the same size, where it is known.
        let count = loop.count.constant ?? most
        let groups = (count + most - 1) / most
        group = Group(place: place, size: (count + groups - 1) / groups)
        return
      }
      bytes = turnBytes * count
    }
  }

  /// The loops around groups.
  var outer: ArraySlice<Turns> { loops[..<(group?.place ?? 0)] }
  /// The loop that groups divide and those inside.
  var inner: ArraySlice<Turns> { loops[(group?.place ?? 0)...] }

  /// Blocks of a group.
  var blocksOfGroup: Int? {
    inner.dropFirst(group == nil ? 0 : 1).reduce(group?.size ?? 1) { count, loop in
      count.flatMap { count in loop.count.constant.map { $0 * count } }
    }
  }

  // MARK: Positions

  /// Rows of an axis that one turn of its loop passes.
  private func step(along axis: Int) -> Dim {
    (axis == stacked ? Dim(block.rows) : 1) * (axis == tiled ? rows : 1)
  }

  /// Whether some rows are computed twice.
  var overlaps: Bool { loops.contains { extents[$0.axis].remainder(by: step(along: $0.axis)) != 0 } }

  /// The axes at the first row of a tile of a block, given the turns of all loops.
  func axes(ofTile tile: Int, _ turns: [Int: Expr], from axes: [Expr]) -> [Expr] {
    var axes = axes
    for loop in loops {
      guard var position = turns[loop.axis] else { continue }
      if loop.axis == stacked { position = position * .index(block.rows) + .index(tile) }
      if loop.axis == tiled { position = position * rows.expr }
      let length = loop.axis == tiled ? rows : 1
      let isExact = extents[loop.axis].remainder(by: step(along: loop.axis)) == 0
      axes[loop.axis] = isExact ? position : .binary(.min, position, (extents[loop.axis] - length).expr)
    }
    return axes
  }
}
