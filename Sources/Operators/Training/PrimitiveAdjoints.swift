import Support
import TensorIR

extension GraphBuilder {
  /// Contributions through an epilogue: to the operands that it reads, and to accumulator 0.
  private mutating func pullBack(
    epilogue: ScalarGraph, _ shape: [Dim], accumulators: [ValueID], _ node: Node, _ seeds: [ValueID?],
    _ wanted: Set<Int>
  ) throws(ModelError) -> (contributions: Contributions, accumulator: ValueID?) {
    var contributions: Contributions = []
    var total: ValueID?
    let count = node.operands.count
    for (position, seed) in seeds.enumerated() {
      guard let seed else { continue }
      var body = ScalarGraph()
      let axes = shape.indices.map { body.axis($0) }
      let reads = accumulators.enumerated().map { body.read(count + $0, axes, type: type(of: $1).element) }
      let results = body.insert(epilogue, accumulators: reads)
      guard body.type(of: results[position]).isFloat else { continue }
      body.results = [results[position]]
      let own = typed(seed)
      let parts = try pullBack(body, shape, node.operands + accumulators, wanted.union([count])) { body, result in
        body.outerRead(own, as: result)
      }
      contributions += parts.filter { $0.operand != count }
      for part in parts where part.operand == count { total = try sum(total, part.adjoint) }
    }
    return (contributions, total)
  }

  mutating func pullBack(
    _ reduce: Reduce, _ node: Node, _ seeds: [ValueID?], _ wanted: Set<Int>
  ) throws(ModelError) -> Contributions {
    let operands = node.operands
    let values = self.reduce(
      reduce.combiner, shape: reduce.shape, reduced: reduce.reduced, operands: operands, body: reduce.body)
    var (contributions, total) = try pullBack(
      epilogue: reduce.epilogue, reduce.shape, accumulators: values, node, seeds, wanted)
    guard let total else { return contributions }
    let seed = try reductionSeed(reduce, operands, values.map { typed($0) }, typed(total))
    contributions += try pullBack(reduce.body, reduce.shape + reduce.reduced, operands, wanted, seed: seed)
    return contributions
  }

  /// The derivative of a reduction's body from that of its accumulator.
  private mutating func reductionSeed(
    _ reduce: Reduce, _ operands: [ValueID], _ values: [TypedValue], _ total: TypedValue
  ) throws(ModelError) -> (inout AdjointBody, ScalarID) -> ScalarID {
    let element = reduce.body.type(of: reduce.body.results[0])
    let outer = reduce.shape.count
    switch reduce.combiner {
    case .sum: return { $0.outerRead(total, as: $1) }
    case .product:
      // The product of the others, also where factors are 0.
      let others = also(.product, reduce, operands + [values[0].id]) { graph, own, _ in
        let isZero = graph.compare(.equal, own, graph.number(0, element))
        return graph.select(isZero, graph.number(1, element), own)
      }
      let zeros = also(.sum, reduce, operands + [values[0].id]) { graph, own, _ in
        graph.cast(graph.compare(.equal, own, graph.number(0, element)), to: .i32)
      }
      return { body, own in
        let (all, count, seed) = (body.outerRead(others), body.outerRead(zeros), body.outerRead(total, as: own))
        let isZero = body.graph.compare(.equal, own, body.graph.number(0, element))
        let otherZeros = body.graph.minus(count, body.graph.cast(isZero, to: .i32))
        let divisor = body.graph.select(isZero, body.graph.number(1, element), own)
        let hasNone = body.graph.compare(.equal, otherZeros, body.graph.integer(0, .i32))
        let product = body.graph.select(hasNone, body.graph.over(all, divisor), body.graph.number(0, element))
        return body.graph.times(seed, product)
      }
    case .min, .max:
      // Equal extremes share the derivative.
      let count = also(.sum, reduce, operands + [values[0].id]) { graph, own, extreme in
        graph.cast(graph.compare(.equal, own, extreme), to: element)
      }
      return { body, own in
        let (seed, shares, extreme) = (body.outerRead(total, as: own), body.outerRead(count), body.outerRead(values[0]))
        let isExtreme = body.graph.compare(.equal, own, extreme)
        return body.graph.select(isExtreme, body.graph.over(seed, shares), body.graph.number(0, element))
      }
    case .argMinFirst, .argMinLast, .argMaxFirst, .argMaxLast:
      return { body, own in
        var position = body.graph.integer(0)
        for (axis, extent) in reduce.reduced.enumerated() {
          position = body.graph.plus(body.graph.times(position, body.graph.dim(extent)), body.graph.axis(outer + axis))
        }
        let (seed, chosen) = (body.outerRead(total, as: own), body.outerRead(values[1]))
        return body.graph.select(body.graph.compare(.equal, position, chosen), seed, body.graph.number(0, element))
      }
    }
  }

  /// Another reduction of the same body, changed with the help of the first one's result, which is the last operand.
  private mutating func also(
    _ combiner: Combiner, _ reduce: Reduce, _ operands: [ValueID],
    _ change: (inout ScalarGraph, ScalarID, ScalarID) -> ScalarID
  ) -> TypedValue {
    var body = reduce.body
    let own = body.results[0]
    let axes = reduce.shape.indices.map { body.axis($0) }
    let value = body.read(operands.count - 1, axes, type: body.type(of: own))
    body.results = [change(&body, own, value)]
    let result = self.reduce(
      combiner, shape: reduce.shape, reduced: reduce.reduced, operands: operands, body: body)
    return typed(result[0])
  }

  mutating func pullBack(
    _ contract: Contract, _ node: Node, _ seed: ValueID?, _ wanted: Set<Int>
  ) throws(ModelError) -> Contributions {
    guard let seed else { return [] }
    var plain = contract
    plain.epilogue = ScalarGraph()
    plain.epilogue.results = [plain.epilogue.accumulator(0, contract.accumulator)]
    let sums = add(.contract(plain), Array(node.operands.prefix(2)))
    var (contributions, total) = try pullBack(
      epilogue: contract.epilogue, contract.shape, accumulators: sums, node, [seed], wanted)
    guard let adjoint = total else { return contributions }
    for side in 0..<2 where wanted.contains(side) {
      contributions.append((side, try factorAdjoint(contract, side, adjoint, node)))
    }
    return contributions
  }

  /// The derivative of one factor: the contraction of the sums' derivative with the other factor, then summed by index.
  private mutating func factorAdjoint(
    _ contract: Contract, _ side: Int, _ adjoint: ValueID, _ node: Node
  ) throws(ModelError) -> ValueID {
    let space = contract.shape + contract.reduced
    let own = side == 0 ? contract.lhs : contract.rhs
    let other = side == 0 ? contract.rhs : contract.lhs
    let type = type(of: node.operands[side])
    let kept = Set(own.flatMap(\.coefficients.keys)).sorted()
    let order = kept + space.indices.filter { !kept.contains($0) }
    func renumbered(_ index: AffineIndex) -> AffineIndex {
      var coefficients: [Int: Int] = [:]
      for (position, axis) in order.enumerated() { coefficients[position] = index.coefficients[axis] }
      return AffineIndex(coefficients, offset: index.offset)
    }
    var epilogue = ScalarGraph()
    epilogue.results = [epilogue.cast(epilogue.accumulator(0, contract.accumulator), to: type.element)]
    let product = Contract(
      shape: kept.map { space[$0] }, reduced: order.dropFirst(kept.count).map { space[$0] },
      lhs: contract.shape.indices.map { renumbered(.axis($0)) }, rhs: other.map { renumbered($0) },
      accumulator: contract.accumulator, epilogue: epilogue)
    let sums = add(.contract(product), [adjoint, node.operands[1 - side]])[0]
    var body = ScalarGraph()
    let indices = own.map { body.affineIndex(renumbered($0)) }
    let value = body.read(0, kept.indices.map { body.axis($0) }, type: type.element)
    // A factor counts as 0 outside of its bounds.
    body.results = [body.select(body.areInside(indices, type.shape), value, body.number(0, type.element))]
    return try gathered(body, indices, product.shape, [sums], into: type)
  }

  mutating func pullBack(
    _ scatter: Scatter, _ node: Node, _ seed: ValueID?, _ wanted: Set<Int>
  ) throws(ModelError) -> Contributions {
    guard let seed else { return [] }
    guard scatter.combiner == .add || scatter.combiner == .assign else {
      throw .unsupported(
        "the gradient through \(node.origin), which scatters by \(scatter.combiner.rawValue), is not supported")
    }
    var contributions = try updates(scatter, node, seed, wanted)
    guard wanted.contains(0) else { return contributions }
    if scatter.combiner == .add {
      contributions.append((0, seed))
    } else {
      // What is overwritten has no influence.
      var target = scatter.target
      target.results[target.results.count - 1] = target.number(0, type(of: seed).element)
      let (operands, renumbered) = GraphBuilder.compact(target, [seed] + node.operands.dropFirst(), from: 1)
      let cleared = Scatter(updates: scatter.updates, combiner: .assign, target: renumbered)
      contributions.append((0, add(.scatter(cleared), operands)[0]))
    }
    return contributions
  }

  /// Contributions to the operands that a scatter's updates are computed from.
  private mutating func updates(
    _ scatter: Scatter, _ node: Node, _ seed: ValueID, _ wanted: Set<Int>
  ) throws(ModelError) -> Contributions {
    var body = scatter.target
    let places = Array(body.results.dropLast())
    let own = typed(seed)
    body.results = [body.results[body.results.count - 1]]
    return try pullBack(body, scatter.updates, node.operands, wanted.subtracting([0])) { body, _ in
      let indices = zip(places, own.type.shape).map { body.graph.clamped($0, extent: $1) }
      return body.read(own, indices)
    }
  }

  mutating func pullBack(_ sort: Sort, _ node: Node, _ seed: ValueID?) throws(ModelError) -> Contributions {
    guard let seed else { return [] }
    let type = type(of: node.operands[0])
    let zeros = try broadcast(scalar(0, type.element), to: type.shape)
    var target = ScalarGraph()
    let axes = type.shape.indices.map { target.axis($0) }
    var place = axes
    place[sort.axis] = target.read(1, axes, type: .i64)
    target.results = place + [target.read(2, axes, type: type.element)]
    let scatter = Scatter(updates: shape(of: seed), combiner: .add, target: target)
    return [(0, add(.scatter(scatter), [zeros, node.results[1], seed])[0])]
  }
}
