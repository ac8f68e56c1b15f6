import Support
import TensorIR

/// A map, a product with constants, and a map of the product, each of which is read by the next one alone, computed
/// block by block of rows: what lies between them stays in the second level of the cache.
///
/// Winograd's algorithm has this form.
struct RowBlocks {
  /// Equal blocks, one below the other.
  struct Part {
    /// The row of the result at which the first block begins.
    var first: Int
    var count: Int
    /// The rows of a block.
    var rows: Int
  }

  let parts: [Part]
  private let chain: RowChain

  /// The positions of the nodes in the graph.
  var nodes: [Int] { chain.nodes }
  /// For every value from outside but constants, and the result, the elements between what two neighbouring rows of the
  /// result begin with.
  var rowStrides: [ValueID: Dim] { chain.rowStrides }

  /// The nodes cut to the rows of one block; values from outside and the result lie as they do in the whole graph.
  func block(rows: Int, of laidOut: LaidOutGraph) -> LaidOutGraph {
    var block = laidOut
    let last = laidOut.graph.nodes[nodes[2]].results[0]
    block.halos[last] = Halo(copy: last, strides: laidOut.strides(last), offset: 0, endsRows: false)
    let steps = (rows + chain.rowsOfStep - 1) / chain.rowsOfStep
    for (position, axis, extent) in [
      (nodes[0], chain.givenAxis, steps), (nodes[1], chain.productAxis, steps), (nodes[2], chain.rowAxis, rows),
    ] {
      let result = block.graph.nodes[position].results[0]
      var shape = block.graph.shape(of: result)
      shape[axis] = Dim(extent)
      block.graph.values[result.index].type.shape = shape
      switch block.graph.nodes[position].primitive {
      case .map(var map):
        map.shape = shape
        block.graph.nodes[position].primitive = .map(map)
      case .contract(var contract):
        contract.shape = shape
        block.graph.nodes[position].primitive = .contract(contract)
      case .constant, .reshape, .reduce, .scan, .branch, .scatter, .sort, .compact, .external, .measure, .assume:
        fatalError("blocks are of maps and products")
      }
    }
    return block
  }
}

extension LaidOutGraph {
  /// All chains whose intermediate values are too large for the caches of some threads, each of so many bytes.
  func rowBlocks(cacheBytes: Int, threads: Int) -> [RowBlocks] {
    let (producers, uses) = (graph.producers(), graph.useCounts())
    return graph.nodes.indices.compactMap { position in
      RowChain(endingAt: position, in: self, producers, uses).flatMap {
        RowBlocks($0, self, cacheBytes: cacheBytes, threads: threads)
      }
    }
  }
}

extension RowBlocks {
  /// Nil if blocks do not pay.
  fileprivate init?(_ chain: RowChain, _ laidOut: LaidOutGraph, cacheBytes: Int, threads: Int) {
    func bytes(_ value: ValueID) -> Int {
      let type = laidOut.graph.type(of: value)
      // Batches of open size are taken for one image.
      return type.shape.reduce(type.element.bytes) { $0 * ($1.constant ?? 1) }
    }
    let between = bytes(chain.given) + bytes(chain.product)
    let weights = bytes(chain.weights)
    guard between > cacheBytes * threads else { return nil }
    let steps = (chain.rowCount + chain.rowsOfStep - 1) / chain.rowsOfStep
    let fitting = max(1, cacheBytes / 2 * threads / max(1, between / steps))
    let count = (steps + fitting - 1) / fitting
    // Weights that do not stay near are read for every block, and what lies between is written and read once.
    guard count > 1, weights <= cacheBytes / 2 || weights * count <= 3 * between else { return nil }
    let rows = (steps + count - 1) / count * chain.rowsOfStep
    let (whole, rest) = chain.rowCount.quotientAndRemainder(dividingBy: rows)
    let last = rest > 0 ? [Part(first: whole * rows, count: 1, rows: rest)] : []
    self.init(parts: [Part(first: 0, count: whole, rows: rows)] + last, chain: chain)
  }
}

/// How a map reads a product: at `row / size` along one dimension, where `row` is an axis of the map.
///
/// Nothing but `row % size` depends on rows otherwise, so that other rows of the same division give the same code.
private struct RowSteps {
  let axis: Int
  let size: Int
  let dimension: Int

  init?(_ map: Map, product: Int) {
    let body = map.body
    let divisions = body.reachable.flatMap { id -> [(axis: Int, size: Int, dimension: Int)] in
      guard case .read(product, let indices, nil) = body[id] else { return [] }
      return indices.enumerated().compactMap { dimension, index in
        guard case .binary(.floorDivide, let a, let b) = body[index], case .axis(let axis) = body[a],
          case .literal(.integer(let size), _) = body[b], size > 1
        else { return nil }
        return (axis, size, dimension)
      }
    }
    // Of two axes the outer one makes blocks of whole lines.
    guard let chosen = divisions.min(by: { $0.dimension < $1.dimension }) else { return nil }
    (axis, size, dimension) = chosen
    if !isShifted(body, product: product) { return nil }
  }

  /// Whether other rows, and the positions of the product that belong to them, give the same code.
  private func isShifted(_ body: ScalarGraph, product: Int) -> Bool {
    body.reachable.allSatisfy { id in
      switch body[id] {
      case .read(let operand, let indices, let outside):
        if let outside, isRow(outside, body) || isDivision(outside, body) { return false }
        guard operand == product else { return !indices.contains { isDivision($0, body) } }
        return indices.enumerated().allSatisfy { place, index in
          !isRow(index, body) && isDivision(index, body) == (place == dimension)
        }
      case .binary(.floorDivide, let a, let b), .binary(.floorRemainder, let a, let b):
        if isRow(b, body) || isDivision(a, body) || isDivision(b, body) { return false }
        return !isRow(a, body) || body[b] == .literal(.integer(size), .i64)
      case .literal, .dim, .axis, .accumulator, .unary, .binary, .compare, .select, .multiplyAdd, .cast, .bitcast:
        return !ScalarGraph.operands(of: body[id]).contains { isRow($0, body) || isDivision($0, body) }
      }
    }
  }

  private func isRow(_ id: ScalarID, _ body: ScalarGraph) -> Bool { body[id] == .axis(axis) }

  private func isDivision(_ id: ScalarID, _ body: ScalarGraph) -> Bool {
    if case .binary(.floorDivide, let a, _) = body[id] { isRow(a, body) } else { false }
  }
}

extension ScalarGraph {
  /// By how many elements reads of each operand move on when a position along an axis does so by one, over `step`; nil
  /// where that is not a whole number, or not the same for all reads.
  fileprivate func rowStrides(
    along axis: Int, step: Int, except product: Int? = nil, _ operands: [ValueID], _ laidOut: LaidOutGraph
  ) -> [ValueID: Dim]? {
    var strides: [ValueID: Dim] = [:]
    for id in reachable {
      guard case .read(let operand, let indices, let outside) = self[id], operand != product else { continue }
      var stride = Dim(0)
      for (index, along) in zip(indices, laidOut.strides(operands[operand])) {
        let form = LinearForm(index, in: self)
        if varies(form.others.keys, along: axis, self) { return nil }
        guard let coefficient = form.axes[axis] else { continue }
        guard outside == nil, let factor = coefficient.constant, factor % step == 0 else { return nil }
        stride = stride + along * (factor / step)
      }
      guard strides.updateValue(stride, forKey: operands[operand]) ?? stride == stride else { return nil }
    }
    return strides
  }
}

/// A map, a contraction of its result with constants, and a map that reads the contraction's result at `row / k` and
/// `row % k` of one of its own axes.
private struct RowChain {
  let nodes: [Int]
  let given: ValueID
  let product: ValueID
  let weights: ValueID
  /// The axes of the first map, the contraction, and the last map that rows are along.
  let givenAxis: Int
  let productAxis: Int
  let rowAxis: Int
  let rowCount: Int
  /// The rows of the result that come from one position of the product's axis.
  let rowsOfStep: Int
  private(set) var rowStrides: [ValueID: Dim] = [:]

  init?(endingAt last: Int, in laidOut: LaidOutGraph, _ producers: [Int?], _ uses: [Int]) {
    let graph = laidOut.graph
    guard case .map(let results) = graph.nodes[last].primitive, let product = graph.nodes[last].operands.first,
      uses[product.index] == 1, let middle = producers[product.index],
      case .contract(let contract) = graph.nodes[middle].primitive, graph.nodes[middle].operands.count == 2,
      let given = graph.nodes[middle].operands.first, uses[given.index] == 1, let first = producers[given.index],
      case .map(let transform) = graph.nodes[first].primitive,
      let steps = RowSteps(results, product: 0), let rowCount = results.shape[steps.axis].constant,
      let givenAxis = contract.lhs.firstIndex(of: .axis(steps.dimension)),
      !contract.rhs.contains(where: { $0.coefficients[steps.dimension] != nil }),
      contract.lhs.count(where: { $0.coefficients[steps.dimension] != nil }) == 1,
      !varies(contract.epilogue.results, along: steps.dimension, contract.epilogue),
      // Scatters write over what no later node reads, and the chain is computed where its last node is.
      !graph.nodes[first...last].contains(where: { if case .scatter = $0.primitive { true } else { false } }),
      laidOut.halos[given] == nil, laidOut.halos[product] == nil
    else { return nil }
    nodes = [first, middle, last]
    (self.given, self.product, weights) = (given, product, graph.nodes[middle].operands[1])
    guard graph.constant(weights, producers) != nil else { return nil }
    (self.givenAxis, productAxis, rowAxis) = (givenAxis, steps.dimension, steps.axis)
    (self.rowCount, rowsOfStep) = (rowCount, steps.size)
    let source = transform.body.rowStrides(along: givenAxis, step: steps.size, graph.nodes[first].operands, laidOut)
    let others = results.body.rowStrides(
      along: steps.axis, step: 1, except: 0, graph.nodes[last].operands, laidOut)
    guard let source, let others, usesAxesOnlyInReads(transform.body) else { return nil }
    let result = graph.nodes[last].results[0]
    rowStrides = [result: laidOut.strides(result)[steps.axis]]
    for (value, stride) in Array(source) + Array(others) {
      if graph.constant(value, producers) != nil, stride == 0 { continue }
      guard graph.constant(value, producers) == nil, rowStrides.updateValue(stride, forKey: value) ?? stride == stride
      else { return nil }
    }
  }
}
