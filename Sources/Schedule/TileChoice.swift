import Tuning

extension ContractLowering {
  /// Estimated tiles that are worth measuring.
  private static let candidates = 12

  /// Takes the tile that was measured best, where there is one. Contractions of symbolic extents and matrix units keep
  /// the estimate.
  mutating func choose(_ choices: inout Choices, threads: Int) {
    guard groups?.unit != .tiles, let computation = computation(threads) else { return }
    let prefetches = mayPrefetch && comesFromMemory
    func option(_ tile: RegisterTile, _ prefetches: Bool) -> Choice {
      .tile(rows: tile.rows, vectors: tile.vectors, prefetch: prefetches)
    }
    var options = tiles.prefix(Self.candidates).map { option($0, prefetches) }
    if mayPrefetch { options.insert(option(tile, !prefetches), at: 1) }
    let choice = choices.choose(Question(ChoiceKey(.tile, computation), options: options))
    guard case .tile(let rows, let vectors, let prefetch) = choice else { return }
    tile = RegisterTile(rows: rows, vectors: vectors)
    self.prefetches = prefetch
  }

  /// Types, loops with the strides of what rows are read from, and the source of panels.
  ///
  /// Nil if an extent is symbolic, but for those around tiles of rows, which are taken for 1.
  private func computation(_ threads: Int) -> String? {
    let outerRows = Set(rowLoops.order.dropLast())
    guard !extents.indices.contains(where: { rowLoops.extents[$0].constant == nil && !outerRows.contains($0) }) else {
      return nil
    }
    func loops(_ name: String, _ nest: LoopNest) -> [String] {
      let order = nest.order.filter { nest.extents[$0].constant != nil }
      return order.isEmpty ? [] : [name] + order.map { "\(nest.extents[$0])@\(rowSide.strides[$0])" }
    }
    let factors = [rowSide, panelSide].map { $0.view.element }
    let isMixed = factors.contains { $0 != contract.accumulator }
    var words = isMixed ? [factors.map(\.rawValue).joined(separator: "*"), "to"] : []
    words.append("\(contract.accumulator.rawValue)x\(lanes)")
    words += panelLoops.isEmpty ? [] : ["sets"] + panelLoops.map { "\(extents[$0])" }
    words += loops("rows", rowLoops) + ["columns", "\(extents[vectorAxis])"] + loops("terms", sumLoops)
    if isBatched { words.append("batched") }
    if let small { words += ["groups", "\(small.columns)", "of", "\(small.inputs)"] }
    if let narrow {
      words += ["narrow"] + narrow.elements.map(\.element.rawValue) + ["blocks", "\(narrow.block)"]
    } else if panelSide.constant != nil {
      words.append(comesFromMemory ? "from memory" : "packed")
    } else if gathersPanels {
      words.append("gathered")
    } else if copiesPanels {
      words.append("copied")
    }
    if threads > 1 { words += ["threads", "\(threads)"] }
    return words.joined(separator: " ")
  }
}
