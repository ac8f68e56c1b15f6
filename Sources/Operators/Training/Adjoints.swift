import Support
import TensorIR

/// What the operands of a node get of the derivatives of its results.
typealias Contributions = [(operand: Int, adjoint: ValueID)]

extension GraphBuilder {
  func typed(_ value: ValueID) -> TypedValue { TypedValue(id: value, type: type(of: value)) }

  /// The contributions to the wanted operands, given the derivatives of the results that have one.
  mutating func pullBack(_ node: Node, _ seeds: [ValueID?], wanted: Set<Int>) throws(ModelError) -> Contributions {
    switch node.primitive {
    case .constant, .compact, .measure, .assume: return []
    case .map(let map):
      guard let seed = seeds[0] else { return [] }
      let own = typed(seed)
      return try pullBack(map.body, map.shape, node.operands, wanted) { $0.outerRead(own, as: $1) }
    case .reduce(let reduce): return try pullBack(reduce, node, seeds, wanted)
    case .contract(let contract): return try pullBack(contract, node, seeds[0], wanted)
    case .reshape:
      guard let seed = seeds[0] else { return [] }
      return [(0, reshape(seed, shape(of: node.operands[0])))]
    case .scatter(let scatter): return try pullBack(scatter, node, seeds[0], wanted)
    case .sort(let sort): return try pullBack(sort, node, seeds[0])
    case .scan, .branch, .external:
      throw .unsupported(
        "the gradient through \(node.origin), a \(node.primitive.mnemonic), is not supported",
        hint: "differentiate a model without loops, branches and custom operators")
    }
  }

  /// Contributions through the scalar function that a body computes at every position of `space`.
  ///
  /// `seed` adds the derivative of the body's result, in its type, to the body; it may read further operands.
  mutating func pullBack(
    _ body: ScalarGraph, _ space: [Dim], _ operands: [ValueID], _ wanted: Set<Int>,
    seed: (inout AdjointBody, ScalarID) -> ScalarID
  ) throws(ModelError) -> Contributions {
    let types = operands.map { type(of: $0) }
    var adjoint = AdjointBody(graph: body, operands: operands)
    let result = body.results[0]
    let start = seed(&adjoint, result)
    let derivatives = adjoint.graph.derivatives(of: result, seed: start) { $0.areInside($1, types[$2].shape) }
    var contributions: Contributions = []
    for index in 0..<body.nodes.count {
      let id = ScalarID(index)
      guard let value = derivatives[id], case .read(let operand, let indices, let outside) = body[id],
        wanted.contains(operand)
      else { continue }
      var own = adjoint.graph
      if outside != nil {
        let condition = own.areInside(indices, types[operand].shape)
        own.results = [own.select(condition, value, own.number(0, own.type(of: value)))]
      } else {
        own.results = [value]
      }
      let sum = try gathered(own, indices, space, adjoint.operands, into: types[operand])
      contributions.append((operand, sum))
    }
    return contributions
  }

  /// The sums of a body's results by the indices that it computes, as a tensor of a given type.
  mutating func gathered(
    _ body: ScalarGraph, _ indices: [ScalarID], _ space: [Dim], _ operands: [ValueID], into type: TensorType
  ) throws(ModelError) -> ValueID {
    if let axes = body.plainAxes(indices, space, type.shape) {
      // Every position has an element of its own, or shares it with those along the other axes.
      let sums = sum(body, space, keeping: axes, operands)
      return reshape(sums, type.shape)
    }
    var places = body
    places.results = indices
    var used: Set<Int> = []
    for id in places.reachable { if case .axis(let axis) = places[id] { used.insert(axis) } }
    let kept = used.sorted()
    let values = sum(body, space, keeping: kept, operands)
    var target = ScalarGraph()
    var axes = space.indices.map { _ in target.integer(0) }
    for (position, axis) in kept.enumerated() { axes[axis] = target.axis(position) }
    let positions = target.insert(places, operands: operands.indices.map { $0 + 2 }, axes: axes)
    // Positions outside of the bounds have a derivative of 0.
    target.results = zip(positions, type.shape).map { target.clamped($0, extent: $1) }
    target.results.append(target.read(1, kept.indices.map { target.axis($0) }, type: type.element))
    let zeros = try broadcast(scalar(0, type.element), to: type.shape)
    let (rest, renumbered) = GraphBuilder.compact(target, [zeros, values] + operands, from: 2)
    return add(.scatter(Scatter(updates: kept.map { space[$0] }, combiner: .add, target: renumbered)), rest)[0]
  }

  /// The sums of a body's results over all axes but some, whose order is that of the result's axes.
  private mutating func sum(_ body: ScalarGraph, _ space: [Dim], keeping kept: [Int], _ operands: [ValueID])
    -> ValueID
  {
    let others = space.indices.filter { !kept.contains($0) }
    var copy = ScalarGraph()
    var axes = space.indices.map { _ in copy.integer(0) }
    for (position, axis) in (kept + others).enumerated() { axes[axis] = copy.axis(position) }
    copy.results = copy.insert(body, axes: axes)
    let shape = kept.map { space[$0] }
    if others.isEmpty { return map(shape, copy, operands) }
    return reduce(.sum, shape: shape, reduced: others.map { space[$0] }, operands: operands, body: copy)[0]
  }
}

/// A value with its type, for bodies under construction.
struct TypedValue {
  var id: ValueID
  var type: TensorType
}

/// A body with derivatives, and the operands that it reads.
struct AdjointBody {
  var graph: ScalarGraph
  var operands: [ValueID]

  /// Reads a further operand at given indices.
  mutating func read(_ value: TypedValue, _ indices: [ScalarID]) -> ScalarID {
    operands.append(value.id)
    return graph.read(operands.count - 1, indices, type: value.type.element)
  }

  /// Reads a further operand at the leading axes.
  mutating func outerRead(_ value: TypedValue) -> ScalarID {
    read(value, (0..<value.type.rank).map { graph.axis($0) })
  }

  /// Reads a further operand at the leading axes, in the type of a node.
  mutating func outerRead(_ value: TypedValue, as node: ScalarID) -> ScalarID {
    let read = outerRead(value)
    return graph.cast(read, to: graph.type(of: node))
  }
}

extension ScalarGraph {
  /// Whether indices are within the bounds of a shape.
  mutating func areInside(_ indices: [ScalarID], _ shape: [Dim]) -> ScalarID {
    let conditions = zip(indices, shape).flatMap { index, extent in
      [compare(.greaterOrEqual, index, integer(0)), compare(.less, index, dim(extent))]
    }
    return all(conditions)
  }

  /// The axes that indices are, one for every extent above 1, if each is a different axis of that extent.
  fileprivate func plainAxes(_ indices: [ScalarID], _ space: [Dim], _ shape: [Dim]) -> [Int]? {
    var axes: [Int] = []
    for (index, extent) in zip(indices, shape) {
      switch self[index] {
      case .axis(let axis) where !axes.contains(axis) && space[axis] == extent: axes.append(axis)
      case .literal(.integer(0), _) where extent == 1: continue
      default: return nil
      }
    }
    return axes
  }
}
