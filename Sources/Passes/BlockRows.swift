import Support
import TensorIR
import Tuning

/// Computes chains from a product of two computed factors to the next product, such as attention, block by block of their common rows,
/// so that what lies between stays in the cache and is never held as a whole.
func blockRows(_ graph: Graph, _ choices: inout Choices) -> Graph {
  blockRows(graph, cacheBytes: 1 << 21, blockBytes: 1 << 18, &choices)
}

/// With the bytes of the first product above which blocks pay, and what one block may take.
func blockRows(_ graph: Graph, cacheBytes: Int, blockBytes: Int, _ choices: inout Choices) -> Graph {
  var result = graph
  result.nodes = []
  let producers = graph.producers()
  var chains: [Int: RowChain] = [:]
  var replaced: Set<Int> = []
  for position in graph.nodes.indices where !replaced.contains(position) {
    guard var chain = RowChain(from: position, in: graph, producers), replaced.isDisjoint(with: chain.nodes),
      let last = chain.nodes.last,
      case .blocks(let bytes) = choices.choose(chain.question(chain.bytes > cacheBytes ? blockBytes : 0)),
      chain.divide(blockBytes: bytes)
    else { continue }
    replaced.formUnion(chain.nodes)
    chains[last] = chain
  }
  for (position, node) in graph.nodes.enumerated() {
    if let chain = chains[position] {
      chain.appendBlocks(to: &result)
    } else if !replaced.contains(position) {
      result.nodes.append(node)
    }
  }
  return result
}

/// Nodes from a product to the product that sums over its result, which share axes: rows.
private struct RowChain {
  /// A shared axis by its number in the first product, and how much of it is computed at a time.
  private struct Row {
    var axis: Int
    var extent: Int
    var block: Int

    var count: Int { (extent + block - 1) / block }
  }

  /// Positions of the nodes, in order.
  let nodes: [Int]
  private let graph: Graph
  /// For every dimension of what is computed within the chain, the axis of the first product that it follows.
  private var followed: [ValueID: [Int?]] = [:]
  private var rows: [Row] = []
  /// The values that come from outside.
  private var given: [ValueID] = []

  /// The extents of the first product, its elements, and the axes that all nodes share.
  private let extents: [Int]
  private let element: ElementType
  private var shared: Set<Int>

  /// Nil unless a chain begins at the node.
  init?(from first: Int, in graph: Graph, _ producers: [Int?]) {
    guard case .contract(let contract) = graph.nodes[first].primitive, contract.accumulator.isFloat,
      let extents = contract.shape.constants,
      graph.nodes[first].operands.prefix(2).allSatisfy({ !graph.isConstant($0, producers) }),
      let nodes = RowChain.nodes(from: first, in: graph)
    else { return nil }
    self.graph = graph
    self.nodes = nodes
    self.extents = extents
    element = contract.accumulator
    shared = Set(extents.indices)
    var count = shared.count + 1
    while shared.count < count {
      count = shared.count
      shared = follow(shared)
    }
    shared = shared.filter { extents[$0] > 1 }
    if shared.isEmpty { return nil }
    let inside = Set(followed.keys)
    for node in nodes {
      for value in graph.nodes[node].operands where !inside.contains(value) && !given.contains(value) { given.append(value) }
    }
  }

  /// The bytes of the first product.
  var bytes: Int { extents.reduce(element.bytes, *) }

  /// How large blocks are, with what is estimated to be best.
  func question(_ estimate: Int) -> Question {
    let sizes = [0] + (17...21).map { 1 << $0 }
    return Question(
      ChoiceKey(.blocks, "\(element.rawValue) \(extents.map { "\($0)" }.joined(separator: "x"))"),
      options: ([estimate] + sizes.filter { $0 != estimate }).map { .blocks($0) },
      scope: .origins(Set(nodes.map { graph.nodes[$0].origin })))
  }

  /// The nodes that depend on the first up to a product, if nothing else does.
  private static func nodes(from first: Int, in graph: Graph) -> [Int]? {
    var inside = Set(graph.nodes[first].results)
    var nodes = [first]
    for position in (first + 1)..<graph.nodes.count {
      let node = graph.nodes[position]
      guard node.operands.contains(where: inside.contains) else { continue }
      nodes.append(position)
      switch node.primitive {
      case .map: inside.insert(node.results[0])
      case .reduce(let reduce):
        guard !reduce.combiner.hasPosition, node.results.count == 1 else { return nil }
        inside.insert(node.results[0])
      case .contract:
        let isFactor = node.operands.prefix(2).contains(where: inside.contains)
        guard isFactor else { return nil }
        let isUsedLater = graph.nodes[(position + 1)...].contains { $0.operands.contains(where: inside.contains) }
        return isUsedLater || graph.outputs.contains(where: inside.contains) ? nil : nodes
      case .constant, .reshape, .scan, .branch, .scatter, .sort, .compact, .external, .measure, .assume: return nil
      }
    }
    return nil
  }

  // MARK: Rows

  /// Follows axes of the first product through the chain; gives those of the given ones that every node walks alone.
  private mutating func follow(_ candidates: Set<Int>) -> Set<Int> {
    var shared = candidates
    followed = [:]
    for (number, position) in nodes.enumerated() {
      let node = graph.nodes[position]
      let rank = graph.shape(of: node.results[0]).count
      var axes: [Int?]
      if number == 0 {
        axes = (0..<rank).map { candidates.contains($0) ? $0 : nil }
      } else {
        axes = walked(node, rank, &shared)
      }
      shared.formIntersection(axes.compactMap { $0 })
      followed[node.results[0]] = axes
    }
    return shared
  }

  /// For every outer axis of a node, the row that it walks; rows that it walks in other ways are struck out.
  private func walked(_ node: Node, _ rank: Int, _ shared: inout Set<Int>) -> [Int?] {
    var axes = [Int?](repeating: nil, count: rank)
    func note(_ value: ValueID, _ dimension: Int, _ axis: Int?) {
      guard let row = followed[value]?[dimension], graph.shape(of: value)[dimension] != 1 else { return }
      if let axis, axis < rank, axes[axis] == nil || axes[axis] == row { axes[axis] = row } else { shared.remove(row) }
    }
    let extents = node.extents
    for (body, operands) in node.scalarGraphs {
      for id in body.reachable {
        guard case .read(let operand, let indices, let outside) = body[id] else { continue }
        let shape = graph.shape(of: operands[operand])
        for (dimension, index) in indices.enumerated() {
          var axis: Int?
          if case .axis(let own) = body[index], outside == nil || extents[own] == shape[dimension] { axis = own }
          note(operands[operand], dimension, axis)
        }
      }
    }
    if case .contract(let contract) = node.primitive {
      for (value, indices) in zip(node.operands, [contract.lhs, contract.rhs]) {
        for (dimension, index) in indices.enumerated() {
          let axis = index.coefficients.first.flatMap { index == .axis($0.key) ? $0.key : nil }
          note(value, dimension, axis)
        }
      }
    }
    for row in axes.indices where axes[row] != nil && axes.filter({ $0 == axes[row] }).count > 1 {
      if let struck = axes[row] { shared.remove(struck) }
    }
    return axes
  }

  /// Rows of a block are a multiple of this: full vectors for each of two threads.
  private static let unit = 32

  /// Blocks of rows, as many of them as fit; if all do, of several outer axes too. False if there is one block of all.
  mutating func divide(blockBytes: Int) -> Bool {
    guard blockBytes > 0, let row = shared.max() else { return false }
    let outer = shared.subtracting([row])
    let rowBytes = extents.indices.filter { !shared.contains($0) }.reduce(element.bytes) { $0 * extents[$1] }
    let fitting = max(Self.unit, blockBytes / rowBytes / Self.unit * Self.unit)
    let blocks = (extents[row] + fitting - 1) / fitting
    let block = blocks == 1 ? extents[row] : ((extents[row] + blocks - 1) / blocks + Self.unit - 1) / Self.unit * Self.unit
    rows = [Row(axis: row, extent: extents[row], block: min(block, extents[row]))]
    var room = max(1, blockBytes / (rowBytes * rows[0].block))
    for axis in outer.sorted().reversed() {
      let block = (1...extents[axis]).last { extents[axis] % $0 == 0 && $0 <= room } ?? 1
      room = block == extents[axis] ? room / block : 1
      rows.insert(Row(axis: axis, extent: extents[axis], block: block), at: 0)
    }
    return rows.contains { $0.count > 1 }
  }

  // MARK: Blocks

  /// Adds a scan over the blocks, and the map that joins its results.
  func appendBlocks(to target: inout Graph) {
    guard let last = nodes.last.map({ graph.nodes[$0] }) else { return }
    let scan = Scan(
      length: Dim(rows.reduce(1) { $0 * $1.count }), carried: 0, scanned: 0, reversedInputs: [], reversedOutputs: [false],
      body: body())
    let blocks = target.add(.scan(scan), given, origin: last.origin)
    let shape = graph.shape(of: last.results[0])
    let axes = followed[last.results[0]] ?? []
    var join = ScalarGraph()
    var step = join.integer(0)
    var indices = shape.indices.map { join.axis($0) }
    for row in rows {
      guard let axis = axes.firstIndex(of: row.axis) else { continue }
      let size = join.integer(row.block)
      let number = join.binary(.floorDivide, indices[axis], size)
      let start = join.binary(.min, join.times(number, size), join.integer(row.extent - row.block))
      indices[axis] = join.minus(indices[axis], start)
      step = join.plus(join.times(step, join.integer(row.count)), number)
    }
    join.results = [join.read(0, [step] + indices, type: graph.type(of: last.results[0]).element)]
    target.nodes.append(
      Node(.map(Map(shape: shape, body: join)), operands: [blocks], results: last.results, origin: last.origin))
  }

  /// The first product's axes with the rows last, so that vectors run along them, but for one whose factors have been
  /// arranged for others.
  private var order: [Int] {
    let first = graph.nodes[nodes[0]]
    let axes = Array(graph.shape(of: first.results[0]).indices)
    let row = rows[rows.count - 1].axis
    return first.multipliesGroups(in: graph) ? axes : axes.filter { $0 != row } + [row]
  }

  /// The graph of one block, whose inputs are the block's number and the given values.
  private func body() -> Graph {
    var body = Graph()
    func input(_ type: TensorType) -> ValueID {
      body.values.append(Value(type: type))
      body.inputs.append(ValueID(body.values.count - 1))
      return body.inputs[body.inputs.count - 1]
    }
    let step = input(TensorType(.i64, []))
    var values = Dictionary(uniqueKeysWithValues: given.map { ($0, input(graph.type(of: $0))) })
    let starts = self.starts(step, &body)
    let order = self.order
    for (number, position) in nodes.enumerated() {
      let node = graph.nodes[position]
      let slicer = Slicer(
        node: node, followed: followed, starts: starts, product: graph.nodes[nodes[0]].results[0], order: order,
        blocks: Dictionary(uniqueKeysWithValues: rows.map { ($0.axis, Dim($0.block)) }))
      var primitive = slicer.sliced()
      if number == 0, case .contract(let contract) = primitive { primitive = .contract(reordered(contract, order)) }
      values[node.results[0]] = body.add(primitive, node.operands.compactMap { values[$0] }, origin: node.origin)
    }
    body.outputs = nodes.last.flatMap { values[graph.nodes[$0].results[0]] }.map { [$0] } ?? []
    return body
  }

  /// Where the block of a number begins along every row; the last block of a row ends where the row ends.
  private func starts(_ step: ValueID, _ body: inout Graph) -> [Int: Dim] {
    var scalars = ScalarGraph()
    var rest = scalars.read(0, [], type: .i64)
    var value = scalars.integer(0)
    var starts: [Int: Dim] = [:]
    var symbols: [String] = []
    for (number, row) in rows.enumerated().reversed() {
      let count = scalars.integer(row.count)
      let block = scalars.times(scalars.binary(.floorRemainder, rest, count), scalars.integer(row.block))
      rest = scalars.binary(.floorDivide, rest, count)
      value = scalars.select(scalars.compare(.equal, scalars.axis(0), scalars.integer(number)), block, value)
      let symbol = "block\(nodes[0]).\(number)\(Dim.measuredMark)"
      symbols.insert(symbol, at: 0)
      starts[row.axis] = .minimum(Dim(symbol: symbol), Dim(row.extent - row.block))
    }
    scalars.results = [value]
    let vector = body.add(.map(Map(shape: [Dim(rows.count)], body: scalars)), [step], origin: "")
    body.nodes.append(Node(.measure(symbols), operands: [vector], results: [], origin: ""))
    return starts
  }
}

/// Cuts the rows of a node of a chain to a block, which begins where symbols say.
private struct Slicer {
  let node: Node
  let followed: [ValueID: [Int?]]
  let starts: [Int: Dim]
  /// The first product's result, whose axes are in another order within a block.
  let product: ValueID
  let order: [Int]
  let blocks: [Int: Dim]

  func sliced() -> Primitive {
    let axes = followed[node.results[0]] ?? []
    func sliced(_ shape: [Dim]) -> [Dim] {
      zip(shape, axes).map { extent, axis in axis.flatMap { blocks[$0] } ?? extent }
    }
    let offsets = axes.map { $0.flatMap { starts[$0] } ?? 0 }
    switch node.primitive {
    case .map(var map):
      map.body = shifted(map.body, offsets)
      map.shape = sliced(map.shape)
      return .map(map)
    case .reduce(var reduce):
      reduce.body = shifted(reduce.body, offsets)
      reduce.epilogue = shifted(reduce.epilogue, offsets)
      reduce.shape = sliced(reduce.shape)
      return .reduce(reduce)
    case .contract(var contract):
      contract.lhs = shifted(contract.lhs, node.operands[0], offsets)
      contract.rhs = shifted(contract.rhs, node.operands[1], offsets)
      contract.epilogue = shifted(contract.epilogue, offsets)
      contract.shape = sliced(contract.shape)
      return .contract(contract)
    case .constant, .reshape, .scan, .branch, .scatter, .sort, .compact, .external, .measure, .assume:
      return node.primitive
    }
  }

  private func shifted(_ indices: [AffineIndex], _ operand: ValueID, _ offsets: [Dim]) -> [AffineIndex] {
    if operand == product { return order.map { indices[$0] } }
    if followed[operand] != nil { return indices }
    return indices.map { index in
      let offset = index.coefficients.filter { $0.key < offsets.count }
        .reduce(index.offset) { $0 + offsets[$1.key] * $1.value }
      return AffineIndex(index.coefficients, offset: offset)
    }
  }

  /// A scalar graph at positions from the block's start on; what the chain computes is read from its beginning.
  private func shifted(_ graph: ScalarGraph, _ offsets: [Dim]) -> ScalarGraph {
    var copy = ScalarGraph()
    copy.results = copy.insert(graph) { copy, scalar, copied in
      switch scalar {
      case .axis(let axis) where axis < offsets.count && offsets[axis] != 0:
        return copy.plus(copy.axis(axis), copy.dim(offsets[axis]))
      case .read(let operand, let indices, let outside):
        guard let followed = followed[node.operands[operand]] else { return nil }
        let own = zip(indices, followed).map { index, row in
          if row != nil, case .axis(let axis) = graph[index] { return copy.axis(axis) }
          return copied(index)
        }
        let isProduct = node.operands[operand] == product
        return copy.read(
          operand, isProduct ? order.map { own[$0] } : own, outside: outside.map(copied), type: graph.typeOf(scalar))
      case .literal, .dim, .axis, .accumulator, .unary, .binary, .compare, .select, .multiplyAdd, .cast, .bitcast:
        return nil
      }
    }
    return copy
  }
}

extension Node {
  /// The extents of the axes of a map, reduction or contraction, summed ones last.
  fileprivate var extents: [Dim] {
    switch primitive {
    case .map(let map): map.shape
    case .reduce(let reduce): reduce.shape + reduce.reduced
    case .contract(let contract): contract.shape + contract.reduced
    case .constant, .reshape, .scan, .branch, .scatter, .sort, .compact, .external, .measure, .assume: []
    }
  }

  /// The scalar graphs of a map, reduction or contraction, with the operands that they read.
  fileprivate var scalarGraphs: [(graph: ScalarGraph, operands: [ValueID])] {
    switch primitive {
    case .map(let map): [(map.body, operands)]
    case .reduce(let reduce): [(reduce.body, operands), (reduce.epilogue, operands)]
    case .contract(let contract): [(contract.epilogue, operands)]
    case .constant, .reshape, .scan, .branch, .scatter, .sort, .compact, .external, .measure, .assume: []
    }
  }
}
