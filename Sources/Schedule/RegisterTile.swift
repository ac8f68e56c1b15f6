/// Rows and vectors of accumulators that a micro-kernel keeps in registers.
struct RegisterTile: Hashable {
  var rows: Int
  var vectors: Int

  /// The tile with the least estimated time for `rows` × `vectors` accumulators in all.
  ///
  /// A step of the sum costs a tile its multiply-adds, its loads, or the latency that few accumulators leave exposed.
  static func best(rows: Int, vectors: Int, registers: Int, sharesLoads: Bool) -> RegisterTile {
    var best = RegisterTile(rows: 1, vectors: 1)
    var bestCost = Int.max
    for width in 1...min(6, vectors) {
      for height in 1...min(14, rows) where height * width + width + 1 <= registers {
        let tile = RegisterTile(rows: height, vectors: width)
        let cost = tile.cost(rows, vectors, sharesLoads)
        if cost < bestCost || (cost == bestCost && height * width > best.rows * best.vectors) {
          best = tile
          bestCost = cost
        }
      }
    }
    return best
  }

  private func cost(_ allRows: Int, _ allVectors: Int, _ sharesLoads: Bool) -> Int {
    func step(_ rows: Int, _ vectors: Int) -> Int {
      if rows == 0 || vectors == 0 { return 0 }
      let loads = sharesLoads ? rows + vectors : rows * vectors + vectors
      return max(rows * vectors, loads, 8)
    }
    let (fullRows, restRows) = allRows.quotientAndRemainder(dividingBy: rows)
    let (fullVectors, restVectors) = allVectors.quotientAndRemainder(dividingBy: vectors)
    return fullRows * (fullVectors * step(rows, vectors) + step(rows, restVectors))
      + fullVectors * step(restRows, vectors) + step(restRows, restVectors)
  }
}
