/// Rows and vectors of accumulators that a micro-kernel keeps in registers.
struct RegisterTile: Hashable {
  var rows: Int
  var vectors: Int

  /// The tiles for `rows` × `vectors` accumulators in all, in rising order of estimated time; never empty.
  ///
  /// A step of the sum costs a tile its multiply-adds, its loads, or the latency that few accumulators leave exposed. Of equal
  /// tiles, larger ones come first, then narrower ones.
  static func ranked(rows: Int, vectors: Int, registers: Int, sharesLoads: Bool) -> [RegisterTile] {
    var ranked: [(key: (Int, Int, Int), tile: RegisterTile)] = []
    for width in 1...min(6, vectors) {
      for height in 1...min(14, rows) where height * width + width + 1 <= registers || height * width == 1 {
        let tile = RegisterTile(rows: height, vectors: width)
        ranked.append(((tile.cost(rows, vectors, sharesLoads), -height * width, ranked.count), tile))
      }
    }
    return ranked.sorted { $0.key < $1.key }.map(\.tile)
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
