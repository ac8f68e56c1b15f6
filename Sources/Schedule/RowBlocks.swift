import Support
import TensorIR

/// Nodes, each of which alone reads the result of the one before, computed block by block of rows: what lies between
/// them stays in the second level of the cache.
///
/// Winograd's algorithm has this form, and so have an expansion, a depthwise convolution and a projection.
struct RowBlocks {
  /// Blocks of the same code, one below the other.
  struct Part {
    var count: Dim
    /// The nodes cut to the rows of one block, with the constants that they read.
    var block: LaidOutGraph
    /// Those of the block's inputs and its output.
    var places: [Place]
  }

  /// A value from outside, or the result, as blocks have it.
  struct Place {
    var inner: ValueID
    var outer: ValueID
    /// The elements before those of the first block.
    var first: Dim
    /// The elements from one block to the next.
    var stride: Dim
  }

  /// The positions of the nodes in the graph.
  let nodes: [Int]
  let parts: [Part]
}

extension LaidOutGraph {
  /// All chains whose intermediate values are too large for a cache of so many bytes, for some number of threads.
  func rowBlocks(cacheBytes: Int, threads: Int) -> [RowBlocks] {
    var taken: Set<Int> = []
    let finder = RowChainFinder(self)
    return graph.nodes.indices.reversed().compactMap { position in
      if taken.contains(position) { return nil }
      let blocks = finder.chains(endingAt: position, without: taken).lazy
        .compactMap { RowBlocks($0, self, cacheBytes: cacheBytes, threads: threads) }.first
      taken.formUnion(blocks?.nodes ?? [])
      return blocks
    }
  }
}

extension RowBlocks {
  /// Operations that take as long as a byte takes to the third level of the cache or from there, at most.
  private static let operationsPerByte = 4.0

  /// Nil if blocks do not pay.
  fileprivate init?(_ chain: RowChain, _ laidOut: LaidOutGraph, cacheBytes: Int, threads: Int) {
    let between = chain.bytes
    guard between > cacheBytes, let runs = chain.runs(blockBytes: cacheBytes / 2, threads: threads) else {
      return nil
    }
    let count = runs.reduce(0) { $0 + ($1.count.constant ?? 1) }
    // Weights that do not stay near are read for every block, and what lies between is written and read once.
    guard chain.weightBytes <= cacheBytes / 2 || chain.weightBytes * count <= 3 * between,
      chain.repeatedOperations(runs) <= Self.operationsPerByte * Double(2 * between)
    else { return nil }
    nodes = chain.links.map(\.position)
    parts = runs.map { laidOut.part(chain, $0) }
  }
}

extension LaidOutGraph {
  fileprivate func part(_ chain: RowChain, _ run: RowRun) -> RowBlocks.Part {
    var block = self
    var places: [RowBlocks.Place] = []
    block.graph.nodes = []
    block.halos = [:]
    for (number, link) in chain.links.enumerated() {
      var node = graph.nodes[link.position]
      let isLast = number == chain.links.count - 1
      func place(_ inner: ValueID, _ outer: ValueID, _ stride: Dim) -> RowBlocks.Place {
        RowBlocks.Place(
          inner: inner, outer: outer, first: stride * run.first.starts[number], stride: stride * run.strides[number])
      }
      for (slot, operand) in node.operands.enumerated() where slot != link.slot {
        if let constant = chain.constants[operand] {
          block.graph.nodes.append(Node(.constant(constant), operands: [], results: [operand], origin: node.origin))
          continue
        }
        let given = ValueID(block.graph.values.count)
        block.graph.values.append(graph.values[operand.index])
        block.layouts.append(layouts[operand.index])
        block.placed[given] = strides(operand)
        if groupedFactors.contains(operand) { block.groupedFactors.insert(given) }
        let stride = link.rows.others[slot].map { strides(operand)[$0.dimension] * $0.step } ?? 0
        // How many rows there are is only known where they are counted, not by what reads some of them.
        if let reads = link.rows.others[slot], link.extent.constant == nil, link.rows.isIdentity(slot) {
          block.graph.values[given.index].type.shape[reads.dimension] = Dim(run.first.rows[number])
        }
        places.append(place(given, operand, stride))
        node.operands[slot] = given
      }
      let rows = Dim(run.first.rows[number])
      if let slot = link.slot, let reads = link.rows.chained {
        let element = graph.type(of: node.operands[slot]).element
        node.primitive.moveReads(of: slot, along: reads.dimension, by: run.first.shifts[number], element)
      }
      node.primitive.cut(link.axis, to: rows)
      let result = node.results[0]
      block.graph.values[result.index].type.shape[link.axis] = rows
      block.graph.nodes.append(node)
      if isLast {
        block.placed[result] = strides(result)
        places.append(place(result, result, strides(result)[link.axis]))
        block.graph.outputs = [result]
      }
    }
    block.graph.inputs = places.dropLast().map(\.inner)
    return RowBlocks.Part(count: run.count, block: block, places: places)
  }
}

extension Primitive {
  /// Gives the result another extent.
  fileprivate mutating func cut(_ axis: Int, to extent: Dim) {
    switch self {
    case .map(var map):
      map.shape[axis] = extent
      self = .map(map)
    case .reduce(var reduce):
      reduce.shape[axis] = extent
      self = .reduce(reduce)
    case .contract(var contract):
      contract.shape[axis] = extent
      self = .contract(contract)
    case .constant, .reshape, .scan, .branch, .scatter, .sort, .compact, .external, .measure, .assume:
      fatalError("\(mnemonic) has no rows")
    }
  }

  /// Reads one operand, of some elements, at positions further along a dimension.
  fileprivate mutating func moveReads(
    of slot: Int, along dimension: Int, by distance: Int, _ element: ElementType
  ) {
    if distance == 0 { return }
    switch self {
    case .map(var map):
      map.body.moveReads(of: slot, along: dimension, by: distance, element)
      self = .map(map)
    case .reduce(var reduce):
      reduce.body.moveReads(of: slot, along: dimension, by: distance, element)
      reduce.epilogue.moveReads(of: slot, along: dimension, by: distance, element)
      self = .reduce(reduce)
    case .contract(var contract):
      let offset = AffineIndex(offset: Dim(distance))
      if slot == 0 { contract.lhs[dimension] = contract.lhs[dimension].adding(offset, times: 1) }
      if slot == 1 { contract.rhs[dimension] = contract.rhs[dimension].adding(offset, times: 1) }
      contract.epilogue.moveReads(of: slot, along: dimension, by: distance, element)
      self = .contract(contract)
    case .constant, .reshape, .scan, .branch, .scatter, .sort, .compact, .external, .measure, .assume:
      fatalError("\(mnemonic) has no rows")
    }
  }
}

extension ScalarGraph {
  fileprivate mutating func moveReads(
    of slot: Int, along dimension: Int, by distance: Int, _ element: ElementType
  ) {
    var moved = ScalarGraph()
    moved.results = moved.insert(self) { graph, node, copied in
      guard case .read(slot, let indices, let outside) = node else { return nil }
      var moved = indices.map(copied)
      moved[dimension] = graph.binary(.add, moved[dimension], graph.integer(distance))
      return graph.read(slot, moved, outside: outside.map(copied), type: element)
    }
    self = moved
  }
}
