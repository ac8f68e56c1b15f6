/// Rows and vectors of accumulators that a micro-kernel keeps in registers.
struct RegisterTile: Hashable {
  var rows: Int
  var vectors: Int
}

/// What the tiles of a contraction have to serve: columns in vectors, registers, and where factors come from.
struct TileSetting {
  /// Vectors of accumulators along the columns.
  var vectors: Int
  var registers: Int
  /// Whether all vectors of a row multiply the same number.
  var sharesLoads: Bool
  /// The size of one vector of a panel.
  var panelBytes: Int

  /// What tiles are chosen for where an extent is symbolic.
  static let usualExtent = 336

  /// The tiles for a number of rows, in rising order of estimated time; never empty.
  ///
  /// A step of the sum costs a tile its multiply-adds, its loads, or the latency that few accumulators leave exposed.
  /// Of equal tiles, those with enough accumulators to hide latency come first, and of these the smallest, whose ends
  /// overlap best with what comes next.
  func ranked(rows: Int) -> [RegisterTile] {
    var ranked: [(key: (Int, Int, Int, Int), tile: RegisterTile)] = []
    for width in 1...min(6, vectors) {
      for height in 1...min(14, rows) {
        let size = height * width
        guard size == 1 || size + width + 1 <= registers, sharesLoads || size <= Self.largestBatchedTile else { continue }
        let tile = RegisterTile(rows: height, vectors: width)
        let enough = panelBytes * width <= Self.firstLevelBytes ? Self.enoughAccumulators : Self.enoughForFarPanels
        ranked.append(((cost(tile, rows), -min(size, enough), size, ranked.count), tile))
      }
    }
    return ranked.sorted { $0.key < $1.key }.map(\.tile)
  }

  /// The estimated time of a row where there are many, over that where there are only so many.
  func efficiency(rows: Int) -> Double {
    func costOfRow(_ rows: Int) -> Double { Double(cost(ranked(rows: rows)[0], rows)) / Double(rows) }
    return costOfRow(Self.usualExtent) / costOfRow(rows)
  }

  private static let enoughAccumulators = 14
  /// Loads of panels that the first level of the cache does not keep have longer latency.
  private static let enoughForFarPanels = 20
  /// Batched sums are over few terms, whose loops are unrolled: vectors that neighbours share take registers too.
  private static let largestBatchedTile = 14
  /// What the first level of the cache keeps of a panel, and what loading a vector from the second costs.
  private static let firstLevelBytes = 32 << 10
  private static let secondLevelLoad = 4

  private func cost(_ tile: RegisterTile, _ allRows: Int) -> Int {
    func step(_ rows: Int, _ vectors: Int) -> Int {
      if rows == 0 || vectors == 0 { return 0 }
      let loads = sharesLoads ? rows + vectors : rows * vectors + vectors
      let isNear = panelBytes * vectors <= Self.firstLevelBytes
      return max(rows * vectors, loads, isNear ? 0 : vectors * Self.secondLevelLoad, 9)
    }
    let (fullRows, restRows) = allRows.quotientAndRemainder(dividingBy: tile.rows)
    let (fullVectors, restVectors) = vectors.quotientAndRemainder(dividingBy: tile.vectors)
    return fullRows * (fullVectors * step(tile.rows, tile.vectors) + step(tile.rows, restVectors))
      + fullVectors * step(restRows, tile.vectors) + step(restRows, restVectors)
  }
}
