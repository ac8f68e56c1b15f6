/// Rows and vectors of accumulators that a micro-kernel keeps in registers.
struct RegisterTile: Hashable {
  var rows: Int
  var vectors: Int

  /// The tiles for `rows` × `vectors` accumulators in all, in rising order of estimated time; never empty.
  ///
  /// A step of the sum costs a tile its multiply-adds, its loads, or the latency that few accumulators leave exposed.
  /// Of equal tiles, those with enough accumulators to hide latency come first, and of these the smallest, whose ends
  /// overlap best with what comes next. `panelBytes` is the size of one vector of a panel.
  static func ranked(rows: Int, vectors: Int, registers: Int, sharesLoads: Bool, panelBytes: Int) -> [RegisterTile] {
    var ranked: [(key: (Int, Int, Int, Int), tile: RegisterTile)] = []
    for width in 1...min(6, vectors) {
      for height in 1...min(14, rows) {
        let size = height * width
        guard size == 1 || size + width + 1 <= registers, sharesLoads || size <= largestBatchedTile else { continue }
        let tile = RegisterTile(rows: height, vectors: width)
        let cost = tile.cost(rows, vectors, sharesLoads, panelBytes)
        let enough = panelBytes * width <= firstLevelBytes ? enoughAccumulators : enoughForFarPanels
        ranked.append(((cost, -min(size, enough), size, ranked.count), tile))
      }
    }
    return ranked.sorted { $0.key < $1.key }.map(\.tile)
  }

  private static let enoughAccumulators = 14
  /// Loads of panels that the first level of the cache does not keep have longer latency.
  private static let enoughForFarPanels = 20
  /// Batched sums are over few terms, whose loops are unrolled: vectors that neighbours share take registers too.
  private static let largestBatchedTile = 14
  /// What the first level of the cache keeps of a panel, and what loading a vector from the second costs.
  private static let firstLevelBytes = 32 << 10
  private static let secondLevelLoad = 4

  private func cost(_ allRows: Int, _ allVectors: Int, _ sharesLoads: Bool, _ panelBytes: Int) -> Int {
    func step(_ rows: Int, _ vectors: Int) -> Int {
      if rows == 0 || vectors == 0 { return 0 }
      let loads = sharesLoads ? rows + vectors : rows * vectors + vectors
      let isNear = panelBytes * vectors <= Self.firstLevelBytes
      return max(rows * vectors, loads, isNear ? 0 : vectors * Self.secondLevelLoad, 9)
    }
    let (fullRows, restRows) = allRows.quotientAndRemainder(dividingBy: rows)
    let (fullVectors, restVectors) = allVectors.quotientAndRemainder(dividingBy: vectors)
    return fullRows * (fullVectors * step(rows, vectors) + step(rows, restVectors))
      + fullVectors * step(restRows, vectors) + step(restRows, restVectors)
  }
}
