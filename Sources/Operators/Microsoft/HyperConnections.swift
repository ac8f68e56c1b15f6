import Support
import TensorIR

/// Division of every branch by its root mean square, with an optional scale.
struct BranchwiseRMSNorm: Operator {
  let name = OperatorName("BranchwiseRMSNorm", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let branches = try b.branches(x, node)
    let type = b.type(of: branches)
    let (value, _) = try b.divideByRootMeanSquare(
      branches, [type.rank - 1], epsilon: try node.float("epsilon", default: 1e-5), stash: .f32)
    var operands = [value]
    if let scale = node.optionalInput(1) {
      let isFlat = b.shape(of: scale) == [type.shape.suffix(2).product]
      operands.append(isFlat ? b.reshape(scale, type.shape.suffix(2)) : scale)
    }
    let y = try b.elementwise(operands) { graph, values in
      let scaled = values.count == 2 ? graph.times(values[0], graph.cast(values[1], to: .f32)) : values[0]
      return graph.cast(scaled, to: type.element)
    }
    return [b.reshape(y, b.shape(of: x))]
  }
}

/// The sum of branches times gates.
struct HyperConnectionPreMix: Operator {
  let name = OperatorName("HyperConnectionPreMix", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let branches = try b.branches(x, node)
    let type = b.type(of: branches)
    let gates = b.gates(try node.input(1), of: type.shape)
    let products = try b.elementwise([branches, gates]) { graph, values in
      graph.times(graph.cast(values[0], to: .f32), graph.cast(values[1], to: .f32))
    }
    let scale = try node.float("reduction_scale", default: 1)
    return [
      b.reduceAxes(products, [type.rank - 2], keepsAxes: false, .sum) {
        $1
      } finish: { graph, sum, _ in
        graph.cast(graph.affineNumber(sum, scale, 0), to: type.element)
      }
    ]
  }
}

/// Branches mixed by a matrix, plus a result times gates in every branch.
struct HyperConnectionPostMix: Operator {
  let name = OperatorName("HyperConnectionPostMix", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    var branches = try b.branches(x, node)
    let type = b.type(of: branches)
    let result = try node.input(1)
    let gates = b.gates(try node.input(2), of: type.shape)
    if let mix = node.optionalInput(3) {
      let rank = b.shape(of: mix).count
      guard rank == type.rank else { throw .invalid("the mix has rank \(rank), not \(type.rank)") }
      let turned = b.transpose(mix, Array(0..<rank - 2) + [rank - 1, rank - 2])
      branches = try b.matrixProduct(turned, branches, accumulator: .f32)
    }
    let row = b.reshape(result, b.shape(of: result).dropLast() + [1] + b.shape(of: result).suffix(1))
    let y = try b.elementwise([branches, gates, row]) { graph, values in
      let wide = values.map { graph.cast($0, to: .f32) }
      return graph.cast(graph.plus(wide[0], graph.times(wide[1], wide[2])), to: type.element)
    }
    return [b.reshape(y, b.shape(of: x))]
  }
}

/// A value times a gate per branch, which is the likeness of normalized keys and queries.
struct EngramGate: Operator {
  let name = OperatorName("EngramGate", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let key = try node.input(0)
    let type = b.type(of: key)
    try b.requireFloat(key)
    for value in [key, try node.input(1)] where b.shape(of: value).count != 4 {
      throw .invalid("keys or queries have rank \(b.shape(of: value).count), not 4")
    }
    let epsilon = try node.float("epsilon", default: 1e-5)
    func normal(_ x: ValueID, _ scale: ValueID) throws(ModelError) -> ValueID {
      let (value, _) = try b.divideByRootMeanSquare(x, [3], epsilon: epsilon, stash: .f32)
      return try b.elementwise([value, scale]) { $0.times($1[0], $0.cast($1[1], to: .f32)) }
    }
    let factors = [try normal(key, try node.input(3)), try normal(try node.input(1), try node.input(4))]
    let products = try b.elementwise(factors) { $0.times($1[0], $1[1]) }
    let gate = b.reduceAxes(products, [3], keepsAxes: true, .sum) {
      $1
    } finish: { graph, sum, count in
      let root = graph.unary(.sqrt, graph.cast(graph.dim(count), to: .f32))
      let dot = graph.over(sum, root)
      let size = graph.unary(.sqrt, graph.binary(.max, graph.number(1e-6, .f32), graph.unary(.abs, dot)))
      let zero = graph.number(0, .f32)
      let signed = graph.select(graph.compare(.less, dot, zero), graph.negate(size), size)
      return graph.unary(.sigmoid, graph.select(graph.compare(.equal, dot, zero), zero, signed))
    }
    let value = try node.input(2)
    guard b.shape(of: value).count == 3 else { throw .invalid("the value has rank \(b.shape(of: value).count), not 3") }
    let row = b.reshape(value, b.shape(of: value).prefix(2) + [1] + b.shape(of: value).suffix(1))
    let gated = try b.elementwise([gate, row]) { $0.times($1[0], $0.cast($1[1], to: .f32)) }
    let y = try b.cast(gated, to: type.element)
    guard node.uses(result: 1) else { return [y] }
    return [y, try b.cast(try normal(gated, try node.input(5)), to: type.element)]
  }
}

extension GraphBuilder {
  /// The argument as [..., branches, size].
  fileprivate mutating func branches(_ x: ValueID, _ node: OperatorNode) throws(ModelError) -> ValueID {
    try requireFloat(x)
    let shape = shape(of: x)
    guard try node.int("num_branches", default: 0) != 0 else {
      guard shape.count >= 2 else { throw .invalid("grouped data has rank \(shape.count)") }
      return x
    }
    let count = try node.count("num_branches")
    guard let width = shape.last else { throw .invalid("the data has rank 0") }
    try requireEqual(width.remainder(by: Dim(count)), 0, "\(count) branches do not divide data of shape \(shape)")
    return reshape(x, shape.dropLast() + [Dim(count), width.floorDivided(by: Dim(count))])
  }

  /// Gates [..., branches], [..., branches, 1 or size] or [..., branches * size] arranged as those of a shape.
  fileprivate mutating func gates(_ gates: ValueID, of shape: [Dim]) -> ValueID {
    let given = self.shape(of: gates)
    guard given.count == shape.count - 1 else { return gates }
    let isWhole = given.last == shape.suffix(2).product && given.last != shape[shape.count - 2]
    return reshape(gates, isWhole ? shape : given + [1])
  }
}

/// Operators of models with several residual streams.
let hyperConnections: [any Operator] = [
  BranchwiseRMSNorm(), EngramGate(), GatedAdd(), GatedRMSNorm(), HyperConnectionPostMix(), HyperConnectionPreMix(),
  LinearAttentionGate(), ScaledSiLU(),
]
