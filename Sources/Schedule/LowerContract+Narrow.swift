import LoopIR
import Support
import TensorIR

/// Panels of narrow constants in kernels.
struct NarrowSource {
  /// Where elements of few rows, or of many, are multiplied.
  enum Use {
    /// In registers, as they are computed.
    case registers
    /// In working memory, where a panel is computed for all rows.
    case scratch
    /// As the number of rows of a call suggests.
    case either
  }

  var panels: NarrowPanels
  var elements: [Buffer]
  var blocks: [Buffer]
  var use: Use
  var scratch: Scratch?
  /// Where the present panel begins in each of `elements`, and in all of `blocks`.
  var elementBases: [Variable] = []
  var blockBase: Variable?
}

/// Contractions with a constant factor that stays narrow.
extension ContractLowering {
  /// Rows whose sums share elements in registers.
  private var rowsInRegisters: Int { target.vectorRegisters >= 32 ? 8 : 4 }

  private var rowCount: Int? {
    rowLoops.order.reduce(1) { count, axis in
      count.flatMap { count in rowLoops.extents[axis].constant.map { count * $0 } }
    }
  }

  /// Vectors of literals and of what is being computed; what a block has in common may be in memory.
  private static let otherVectors = 6
  /// Vectors of one row whose words and sums stay in registers.
  private var mostVectors: Int { lanes == 1 || target.vectorRegisters >= 32 ? 4 : 3 }

  private var use: NarrowSource.Use {
    guard let rowCount else { return .either }
    return rowCount <= rowsInRegisters ? .registers : .scratch
  }

  /// The tiles for a factor that stays narrow, of those that are best for others.
  func narrowTiles(_ narrow: NarrowPanels, _ ranked: [RegisterTile]) -> [RegisterTile] {
    func widest(_ rows: Int) -> Int {
      let fitting = (1...mostVectors).last { vectors in
        lanes == 1 || (rows + narrow.wordsInUse) * vectors + Self.otherVectors <= target.vectorRegisters
      } ?? 1
      let panels = (setting.vectors + fitting - 1) / fitting
      return (setting.vectors + panels - 1) / panels
    }
    switch use {
    case .registers:
      let rows = rowLoops.order.last.flatMap { rowLoops.extents[$0].constant } ?? 1
      let most = widest(rows)
      return (1...most).reversed().map { RegisterTile(rows: rows, vectors: $0) }
    case .scratch, .either:
      let bytes = (sumCount.constant ?? 0) * lanes * contract.accumulator.bytes
      let least = use == .either ? min(widest(1), 4) : 1
      let fitting = ranked.filter { $0.vectors >= least && $0.vectors * bytes <= target.cacheBytes / 2 }
      return fitting.isEmpty ? ranked : fitting
    }
  }

  func narrowSource(_ narrow: NarrowPanels, _ scope: inout KernelScope) -> NarrowSource {
    let panels = panelColumns
    return NarrowSource(
      panels: narrow, elements: narrow.elements.map { scope.constant(narrow.words($0, panels: panels)) },
      blocks: narrow.blocks.map { scope.constant(narrow.blockElements($0, panels: panels)) }, use: use,
      scratch: use == .registers
        ? nil : scope.dividedScratch(contract.accumulator, count: sumCount * (tile.vectors * lanes)))
  }

  /// The positions of the columns of all panels along the axes that are not summed; nil beyond the edge.
  private var panelColumns: [[[Int: Int]?]] {
    var sets: [[Int: Int]] = [[:]]
    for axis in panelLoops {
      sets = sets.flatMap { set in
        (0..<(extents[axis].constant ?? 0)).map { position in set.merging([axis: position]) { $1 } }
      }
    }
    let count = extents[vectorAxis].constant ?? 0
    let padded = (count + lanes - 1) / lanes * lanes
    let width = tile.vectors * lanes
    return sets.flatMap { set in
      stride(from: 0, to: padded, by: width).map { first in
        (first..<min(first + width, padded)).map { column in
          column < count ? set.merging([vectorAxis: column]) { $1 } : nil
        }
      }
    }
  }

  // MARK: Panels

  /// Statements for one panel; the position along the vector axis is that of its first column.
  func narrowPanel(
    _ source: NarrowSource, _ vectors: Int, _ tail: Expr?, _ axes: [Expr], _ scope: inout KernelScope
  ) -> [Statement] {
    var source = source
    var statements: [Statement] = []
    for leaf in source.panels.elements {
      let base = scope.builder.index()
      statements.append(.bind(base, packedBase(axes, depth: Dim(source.panels.depth(ofElements: leaf)))))
      source.elementBases.append(base)
    }
    let blockBase = scope.builder.index()
    statements.append(.bind(blockBase, packedBase(axes, depth: Dim(source.panels.depthOfBlocks))))
    source.blockBase = blockBase
    func computed(_ scope: inout KernelScope) -> [Statement] {
      let panel = Panel(source: .narrow(source), base: .index(0), vectors: vectors, tail: tail)
      return results(panel, .all(from: 0), axes, &scope)
    }
    guard let scratch = source.scratch else { return statements + computed(&scope) }
    let start = scope.builder.index()
    let panel = Panel(source: .scratch(scratch), base: .variable(start), vectors: vectors, tail: tail)
    let expanded = [.bind(start, scratch.start)] + expansion(source, vectors, .variable(start), scratch, &scope)
      + results(panel, .all(from: 0), axes, &scope)
    guard source.use == .either else { return statements + expanded }
    var single = self
    single.tile.rows = 1
    let one = single.results(
      Panel(source: .narrow(source), base: .index(0), vectors: vectors, tail: tail), .all(from: 0), axes, &scope)
    let count = rowLoops.order.reduce(Dim(1)) { $0 * rowLoops.extents[$1] }
    return statements + [.conditional(.compare(.lessOrEqual, count.expr, .index(1)), then: one, otherwise: expanded)]
  }

  /// Writes the elements of a panel to working memory.
  private func expansion(
    _ source: NarrowSource, _ vectors: Int, _ start: Expr, _ scratch: Scratch, _ scope: inout KernelScope
  ) -> [Statement] {
    var loops = NarrowLoops(lowering: self, source: source, vectors: vectors)
    loops.longestSum = .max
    let width = vectors * lanes
    return loops.statements(accumulators: [], &scope) { row, position, weights, scope in
      let term = row * .index(source.panels.inner) + position
      let place = scope.builder.index()
      return [.bind(place, start + term * .index(width))]
        + weights.enumerated().map { vector, weight in
          .store(scratch.buffer, index: .variable(place) + .index(vector * lanes), value: .variable(weight), count: nil)
        }
    }
  }

  /// Adds all products of a panel with some rows to accumulators.
  func narrowSums(
    _ source: NarrowSource, _ vectors: Int, _ rows: Int, _ tiled: Int?, _ rowBase: Variable,
    _ accumulators: [Variable], _ scope: inout KernelScope
  ) -> [Statement] {
    let loops = NarrowLoops(lowering: self, source: source, vectors: vectors)
    let stride = sumLoops.order.last.map { rowSide.strides[$0] } ?? 1
    return loops.statements(accumulators: accumulators, &scope) { outer, position, weights, scope in
      let start = scope.builder.index()
      var statements: [Statement] = [
        .bind(start, .variable(rowBase) + rowOffset(outer) + position * stride.expr)
      ]
      for row in 0..<rows {
        let place = Expr.variable(start) + ((tiled.map { rowSide.strides[$0] } ?? 0) * row).expr
        let value = Expr.load(rowSide.view.buffer, index: place, lanes: 1, count: nil)
        let factor = scope.builder.variable(ValueType(.f32, lanes: lanes))
        statements.append(.bind(factor, lanes > 1 ? .splat(value, lanes: lanes) : value))
        for (vector, weight) in weights.enumerated() {
          let sum = accumulators[row * vectors + vector]
          statements.append(.assign(sum, multiplyAdd(.variable(factor), .variable(weight), .variable(sum))))
        }
      }
      return statements
    }
  }

  /// The offset of a row that follows from the number of a position of the outer summed axes.
  private func rowOffset(_ outer: Expr) -> Expr {
    var (offset, rest) = (Expr.index(0), outer)
    for (number, axis) in sumLoops.order.dropLast().enumerated().reversed() {
      let extent = sumLoops.extents[axis].expr
      let position = number == 0 ? rest : Expr.binary(.floorRemainder, rest, extent)
      offset = offset + position * rowSide.strides[axis].expr
      rest = .binary(.floorDivide, rest, extent)
    }
    return offset
  }
}

/// The loops over the terms of a panel of narrow constants.
private struct NarrowLoops {
  let lowering: ContractLowering
  let source: NarrowSource
  let vectors: Int
  /// Terms that accumulators take before they are added to totals.
  var longestSum = NarrowPanels.longestStep

  private var panels: NarrowPanels { source.panels }
  private var lanes: Int { lowering.lanes }
  private var width: Int { vectors * lowering.lanes }

  /// What is done with the elements of a term: given the number of the position along the outer summed axes, the
  /// position along the inner one, and a vector for every one of the panel.
  typealias Term = (_ outer: Expr, _ position: Expr, _ weights: [Variable], _ scope: inout KernelScope) -> [Statement]

  /// All terms, in chunks whose sums the accumulators take if there are any.
  func statements(accumulators: [Variable], _ scope: inout KernelScope, _ term: Term) -> [Statement] {
    let row = scope.builder.index()
    let whole = panels.inner / panels.step
    let rest = panels.inner % panels.step
    let isScaled = panels.scale != nil && !accumulators.isEmpty
    let isChunked = panels.inner * panels.outer > longestSum && !accumulators.isEmpty && !isScaled
    let zero: Expr = lanes > 1 ? .splat(.float(0, .f32), lanes: lanes) : .float(0, .f32)
    let totals =
      isScaled || isChunked ? accumulators.map { _ in scope.builder.variable(ValueType(.f32, lanes: lanes)) } : []
    let sums = Sums(accumulators: accumulators, totals: totals, zero: zero)
    func summed(_ body: [Statement]) -> [Statement] {
      guard isChunked else { return body }
      return accumulators.map { .assign($0, zero) } + body
        + zip(totals, accumulators).map { .assign($0, .binary(.add, .variable($0), .variable($1))) }
    }
    var body: [Statement] = []
    if whole > 0 {
      let chunk = isChunked ? ContractLowering.chunk(of: Dim(whole), atMost: longestSum / panels.step) : whole
      let (first, step) = (scope.builder.index(), scope.builder.index())
      let steps = self.step(.variable(row), .variable(step), panels.step, sums, &scope, term)
      let isWhole = chunk >= whole
      let end = Expr.variable(first) + .index(chunk)
      let upper = whole % chunk == 0 ? end : .binary(.min, end, .index(whole))
      let inner = Statement.loop(
        Loop(step, from: isWhole ? .index(0) : .variable(first), to: isWhole ? .index(whole) : upper, body: steps))
      body += isWhole
        ? summed([inner])
        : [.loop(Loop(first, from: .index(0), to: .index(whole), by: chunk, body: summed([inner])))]
    }
    if rest > 0 { body += summed(step(.variable(row), .index(whole), rest, sums, &scope, term)) }
    let all = Statement.loop(Loop(row, from: .index(0), to: .index(panels.outer), body: body))
    return totals.map { .declare($0, zero) } + [all] + zip(accumulators, totals).map { .assign($0, .variable($1)) }
  }

  /// What takes the sums of products: `totals` are empty where there is one step, or no sum.
  private struct Sums {
    var accumulators: [Variable]
    var totals: [Variable]
    var zero: Expr
  }

  /// The terms of one step, of which there may be fewer at the end. Where elements have a scale, their sums are multiplied by it.
  private func step(
    _ row: Expr, _ step: Expr, _ count: Int, _ sums: Sums, _ scope: inout KernelScope, _ term: Term
  ) -> [Statement] {
    var statements: [Statement] = []
    let scalesSums = panels.scale != nil && !sums.accumulators.isEmpty
    let ofElements = scalesSums ? nil : panels.scale
    if scalesSums { statements += sums.accumulators.map { .assign($0, sums.zero) } }
    let shared = blockValues(row, step, &statements, &scope)
    let group = scope.builder.index()
    let (whole, rest) = count.quotientAndRemainder(dividingBy: panels.group)
    if whole > 0 {
      let body = self.group(row, step, .variable(group), panels.group, shared, ofElements, &scope, term)
      statements.append(.loop(Loop(group, from: .index(0), to: .index(whole), body: body)))
    }
    if rest > 0 { statements += self.group(row, step, .index(whole), rest, shared, ofElements, &scope, term) }
    guard scalesSums, let scale = panels.scale else { return statements }
    return statements + sums.accumulators.indices.map { number in
      let total = sums.totals[number]
      let factor = shared[number % vectors][scale]
      return .assign(total, .multiplyAdd(.variable(sums.accumulators[number]), factor, .variable(total)))
    }
  }

  /// For every vector, what its elements have in common.
  private func blockValues(
    _ row: Expr, _ step: Expr, _ statements: inout [Statement], _ scope: inout KernelScope
  ) -> [[Expr]] {
    guard let base = source.blockBase else { return [] }
    let position = step * .index(panels.step)
    let block = panels.block == panels.inner
      ? row : row * .index(panels.blocksOfRow)
        + (panels.block == panels.step ? step : .binary(.floorDivide, position, .index(panels.block)))
    let place = scope.builder.index()
    statements.append(.bind(place, .variable(base) + block * .index(width)))
    for buffer in source.blocks where panels.block == panels.step {
      statements += prefetches(buffer, .variable(place), width, panels.depthOfBlocks)
    }
    return (0..<vectors).map { vector in
      let loads = source.blocks.map { buffer in
        Expr.load(buffer, index: .variable(place) + .index(vector * lanes), lanes: lanes, count: nil)
      }
      var emitter = ScalarEmitter(
        panels.blockGraph, operands: [], extents: [], axes: [], lanes: lanes, accumulators: loads)
      return panels.blockGraph.results.indices.map { result in
        let value = emitter.result(result, in: &scope.builder)
        let variable = scope.builder.variable(value.type)
        statements += emitter.takeStatements() + [.bind(variable, value)]
        return .variable(variable)
      }
    }
  }

  /// Asks for what the next panel, which begins `depth` elements of every column further, has in place of some elements.
  private func prefetches(_ buffer: Buffer, _ start: Expr, _ count: Int, _ depth: Int) -> [Statement] {
    guard lowering.prefetches, lowering.mayPrefetch else { return [] }
    let line = 64 / buffer.element.bytes
    let isKept = depth * width * buffer.element.bytes <= lowering.target.cacheBytes / 2
    let distance = isKept ? depth * width : ContractLowering.nearDistance
    return stride(from: 0, to: count, by: line).map { .prefetch(buffer, index: start + .index(distance + $0)) }
  }

  /// The terms of some words, multiplied by what is in common at the place `scale`.
  private func group(
    _ row: Expr, _ step: Expr, _ group: Expr, _ count: Int, _ shared: [[Expr]], _ scale: Int?,
    _ scope: inout KernelScope, _ term: Term
  ) -> [Statement] {
    var statements: [Statement] = []
    let number = row * .index(panels.groupsOfRow) + step * .index(panels.groupsOfStep) + group
    let words = zip(panels.elements, zip(source.elements, source.elementBases)).map { leaf, place in
      let size = panels.wordsOfGroup(leaf)
      let start = scope.builder.index()
      statements.append(.bind(start, .variable(place.1) + number * .index(size * width)))
      statements += prefetches(place.0, .variable(start), size * width, panels.depth(ofElements: leaf))
      return (0..<(count + leaf.perWord - 1) / leaf.perWord).map { word in
        (0..<vectors).map { vector in
          let variable = scope.builder.variable(ValueType(.u32, lanes: lanes))
          let index = Expr.variable(start) + .index(word * width + vector * lanes)
          statements.append(.bind(variable, .load(place.0, index: index, lanes: lanes, count: nil)))
          return Expr.variable(variable)
        }
      }
    }
    let first = scope.builder.index()
    statements.append(.bind(first, step * .index(panels.step) + group * .index(panels.group)))
    for place in 0..<count {
      let weights = (0..<vectors).map { vector in
        let fields = zip(panels.elements, words).flatMap { leaf, words in
          forms(of: leaf, in: words[place / leaf.perWord][vector], place % leaf.perWord)
        }
        var emitter = ScalarEmitter(
          panels.elementGraph, operands: [], extents: [], axes: [], lanes: lanes, accumulators: fields + shared[vector])
        let value = emitter.result(place % panels.unit, in: &scope.builder)
        let weight = scope.builder.variable(ValueType(.f32, lanes: lanes))
        let scaled = scale.map { Expr.binary(.multiply, value, shared[vector][$0]) } ?? value
        statements += emitter.takeStatements() + [.bind(weight, scaled)]
        return weight
      }
      statements += term(row, .variable(first) + .index(place), weights, &scope)
    }
    return statements
  }

  /// What `NarrowPanels.elementGraph` takes for an element at a place of a word.
  private func forms(of leaf: NarrowPanels.Leaf, in word: Expr, _ place: Int) -> [Expr] {
    func literal(_ value: Int, _ type: ElementType) -> Expr {
      lanes > 1 ? .splat(.integer(value, type), lanes: lanes) : .integer(value, type)
    }
    func shifted(_ word: Expr, by count: Int) -> Expr {
      count == 0 ? word : .binary(.shiftRight, word, literal(count, .u32))
    }
    let bits = Expr.binary(.and, shifted(word, by: place * leaf.bits), literal(1 << leaf.bits - 1, .u32))
    let integer = Expr.bitcast(.i32, bits)
    let signed = leaf.least == 0 ? integer : .binary(.add, integer, literal(leaf.least, .i32))
    guard panels.countsInBits else { return [.cast(.f32, integer), signed] }
    let within = place % panels.unit
    let unit = shifted(word, by: (place - within) * leaf.bits)
    let field = Expr.binary(.and, unit, literal((1 << leaf.bits - 1) << (within * leaf.bits), .u32))
    let one = literal((127 + leaf.exponent(ofPlace: within)) << 23, .u32)
    return [.bitcast(.f32, .binary(.or, field, one)), signed]
  }
}
