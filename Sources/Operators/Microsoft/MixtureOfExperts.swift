import Support
import TensorIR

/// Every token goes through the few of many small networks that a router prefers, and gets the weighted sum of their
/// results.
struct MixtureOfExperts: Operator {
  let name: OperatorName
  /// Whether weights are integers with scales, which moves the arguments.
  let isQuantized: Bool

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    try b.requireFloat(x)
    let shape = b.shape(of: x)
    guard let hidden = shape.last, shape.count >= 2 else {
      throw .invalid("the data has rank \(shape.count), not 2 or 3")
    }
    let tokens = shape.dropLast().product
    let routes = try Routes(node, tokens: tokens, isQuantized: isQuantized, &b)
    let data = b.reshape(x, [tokens, hidden])
    var first = try layer(node, 0, routes, data, &b)
    let activation = try ExpertActivation(node)
    let third = try node.optionalInput(isQuantized ? 8 : 6) == nil ? nil : layer(node, 2, routes, data, &b)
    first = try activation.apply(first, third, &b)
    let second = try layer(node, 1, routes, first, &b)
    let type = b.type(of: second)
    var body = ScalarGraph()
    let (token, column, choice) = (body.axis(0), body.axis(1), body.axis(2))
    body.results = [
      body.times(body.read(0, [token, choice, column], type: .f32), body.read(1, [token, choice], type: .f32))
    ]
    let sum = b.reduce(
      .sum, shape: [tokens, type.shape[2]], reduced: [type.shape[1]], operands: [second, routes.gates], body: body)
    return [b.reshape(try b.cast(sum[0], to: b.type(of: x).element), shape)]
  }

  /// The products of a layer, [tokens, choices, rows], of data [tokens, columns] or [tokens, choices, columns].
  private func layer(
    _ node: OperatorNode, _ number: Int, _ routes: Routes, _ data: ValueID, _ b: inout GraphBuilder
  ) throws(ModelError) -> ValueID {
    let weights = try ExpertWeights(node, number, isQuantized: isQuantized, &b)
    let (tokens, choices) = (b.shape(of: data)[0], b.shape(of: routes.experts)[1])
    let columns = b.shape(of: data).last ?? 0
    try b.requireEqual(columns, weights.columns, "the columns of the weights of layer \(number + 1)")
    var operands = [data, routes.experts]
    var body = ScalarGraph()
    let (token, choice, row, column) = (body.axis(0), body.axis(1), body.axis(2), body.axis(3))
    let expert = body.clamped(body.read(1, [token, choice], type: .i64), extent: weights.experts)
    let own = b.shape(of: data).count == 3 ? [token, choice, column] : [token, column]
    let value = body.cast(body.read(0, own, type: b.type(of: data).element), to: .f32)
    body.results = [body.times(value, try weights.read([expert, row, column], &body, &operands, b))]
    let shape = [tokens, choices, weights.rows]
    let sum = b.reduce(.sum, shape: shape, reduced: [columns], operands: operands, body: body)[0]
    guard let bias = node.optionalInput(isQuantized ? 4 + 3 * number : 3 + 2 * number) else { return sum }
    try b.requireShape(bias, [weights.experts, weights.rows], "a bias")
    var finish = ScalarGraph()
    let axes = (0..<3).map { finish.axis($0) }
    let chosen = finish.clamped(finish.read(1, [axes[0], axes[1]], type: .i64), extent: weights.experts)
    let added = finish.cast(finish.read(2, [chosen, axes[2]], type: b.type(of: bias).element), to: .f32)
    finish.results = [finish.plus(finish.read(0, axes, type: .f32), added)]
    return b.map(shape, finish, [sum, routes.experts, bias])
  }
}

/// Mixtures of experts of ONNX Runtime.
let mixtures: [any Operator] = [
  MixtureOfExperts(name: OperatorName("MoE", domain: "com.microsoft", versions: 1), isQuantized: false),
  MixtureOfExperts(name: OperatorName("QMoE", domain: "com.microsoft", versions: 1), isQuantized: true),
]

/// The experts of every token and their shares in its result, [tokens, choices] both.
private struct Routes {
  let experts: ValueID
  let gates: ValueID

  init(_ node: OperatorNode, tokens: Dim, isQuantized: Bool, _ b: inout GraphBuilder) throws(ModelError) {
    if try node.flag("use_sparse_mixer") {
      throw .unsupported("attribute 'use_sparse_mixer' is not supported", hint: "route by plain softmax")
    }
    let router = try node.input(1)
    guard b.shape(of: router).count == 2 else {
      throw .invalid("the router has rank \(b.shape(of: router).count), not 2")
    }
    try b.requireEqual(b.shape(of: router)[0], tokens, "the router has another number of tokens")
    let count = try node.int("k", default: 1)
    guard count >= 1, count <= b.shape(of: router)[1].constant ?? .max else {
      throw .invalid("attribute 'k' is \(count), but there are \(b.shape(of: router)[1]) experts")
    }
    let logits = try b.cast(router, to: .f32)
    let ranked = isQuantized ? logits : try b.softmax(logits, [1])
    let best = b.add(.sort(Sort(axis: 1, descending: true, limit: Dim(count))), [ranked])
    experts = best[1]
    var shares = isQuantized ? try b.softmax(best[0], [1]) : best[0]
    if isQuantized, let weights = node.optionalInput(14) {
      try b.requireShape(weights, b.shape(of: router), "the weights of the router")
      var body = ScalarGraph()
      let (token, choice) = (body.axis(0), body.axis(1))
      let expert = body.clamped(body.read(1, [token, choice], type: .i64), extent: b.shape(of: weights)[1])
      body.results = [body.cast(body.read(0, [token, expert], type: b.type(of: weights).element), to: .f32)]
      shares = b.map([tokens, Dim(count)], body, [weights, experts])
    }
    guard try node.flag("normalize_routing_weights") else {
      gates = shares
      return
    }
    let sum = b.reduceAxes(shares, [1], keepsAxes: true, .sum)
    gates = try b.elementwise([shares, sum]) { $0.over($1[0], $1[1]) }
  }
}

/// The weights of one layer of all experts.
private struct ExpertWeights {
  /// [experts, rows, columns], where bytes may hold several columns
  let values: ValueID
  let scales: ValueID?
  let zeroPoints: ValueID?
  let bits: Int
  let block: Int
  let experts: Dim
  let rows: Dim
  let columns: Dim

  init(_ node: OperatorNode, _ number: Int, isQuantized: Bool, _ b: inout GraphBuilder) throws(ModelError) {
    values = try node.input(isQuantized ? 2 + 3 * number : 2 + 2 * number)
    let shape = b.shape(of: values)
    guard shape.count == 3 else { throw .invalid("expert weights have rank \(shape.count), not 3") }
    (experts, rows) = (shape[0], shape[1])
    guard isQuantized else {
      try b.requireFloat(values, "a weight")
      (scales, zeroPoints, bits, block, columns) = (nil, nil, 8, 0, shape[2])
      return
    }
    try b.require(values, "a weight", isOneOf: .u8)
    guard try node.string("quant_type", default: "int") == "int", try node.int("weights_prepacked", default: -1) != 1
    else { throw .unsupported("only weights that are plain integers are supported", hint: "use quant_type 'int'") }
    let common = try node.int("expert_weight_bits", default: 4)
    bits = try node.int("fc\(number + 1)_expert_weight_bits", default: common)
    block = try node.int("block_size", default: 0)
    guard [2, 4, 8].contains(bits), block >= 0 else { throw .invalid("there are \(bits) bits in blocks of \(block)") }
    columns = shape[2] * (8 / bits)
    scales = try node.input(3 + 3 * number)
    zeroPoints = node.optionalInput(11 + number)
    let groups = block == 0 ? 1 : (columns + (block - 1)).floorDivided(by: Dim(block))
    if let scales {
      let what = "the scales of shape \(b.shape(of: scales)) do not fit expert weights of shape \(shape)"
      try b.requireEqual(b.shape(of: scales).product, experts * rows * groups, what)
    }
  }

  /// A weight at [expert, row, column] as `f32`.
  func read(_ index: [ScalarID], _ body: inout ScalarGraph, _ operands: inout [ValueID], _ b: GraphBuilder)
    throws(ModelError) -> ScalarID
  {
    let own = operands.count
    operands.append(values)
    guard let scales else { return body.cast(body.read(own, index, type: b.type(of: values).element), to: .f32) }
    let number = body.unpacked(index[2], bits: bits) { $0.read(own, [index[0], index[1], $1], type: .u8) }
    let group = block == 0 ? nil : body.binary(.floorDivide, index[2], body.integer(block))
    let scaleType = b.type(of: scales)
    operands.append(scales)
    let place = [index[0], index[1]] + (scaleType.rank == 3 ? [group ?? body.integer(0)] : [])
    let scale = body.cast(body.read(own + 1, place, type: scaleType.element), to: .f32)
    var zeroPoint = body.integer(1 << (bits - 1), .i32)
    if let zeroPoints {
      let type = b.type(of: zeroPoints)
      // Packed along the last axis: rows, or blocks of a row.
      guard type.element == .u8, type.rank == (group == nil ? 2 : 3) else {
        throw .invalid("zero points of type \(type) do not fit weights with\(group == nil ? "out" : "") blocks")
      }
      operands.append(zeroPoints)
      zeroPoint = body.unpacked(group ?? index[1], bits: bits) { body, byte in
        let outer = group == nil ? [index[0]] : [index[0], index[1]]
        return body.read(own + 2, outer + [byte], outside: body.integer(0, .u8), type: .u8)
      }
    }
    return body.times(body.cast(body.minus(number, zeroPoint), to: .f32), scale)
  }
}

/// What lies between the layers of an expert.
private struct ExpertActivation {
  let kind: String
  let fusion: Int
  let alpha: Double
  let beta: Double
  let limit: Double?

  init(_ node: OperatorNode) throws(ModelError) {
    kind = try node.string("activation_type", default: "relu")
    fusion = kind == "swiglu" ? try node.int("swiglu_fusion", default: 0) : 0
    alpha = try node.float("activation_alpha", default: 1)
    beta = try node.float("activation_beta", default: 0)
    limit = try node.float("swiglu_limit")
    guard ["relu", "gelu", "silu", "swiglu", "identity"].contains(kind), (0...2).contains(fusion) else {
      throw .invalid("activation '\(kind)' with fusion \(fusion) is unknown")
    }
  }

  func apply(_ first: ValueID, _ third: ValueID?, _ b: inout GraphBuilder) throws(ModelError) -> ValueID {
    guard fusion != 0 else {
      guard kind != "swiglu" || third != nil else { throw .invalid("swiglu without fusion needs the third layer") }
      return try b.elementwise([first] + (third.map { [$0] } ?? [])) { graph, values in
        if kind == "swiglu" { return gated(values[0], values[1], &graph) }
        let activated = plain(values[0], &graph)
        return values.count == 2 ? graph.times(activated, values[1]) : activated
      }
    }
    var shape = b.shape(of: first)
    guard third == nil else { throw .invalid("fused layers need no third one") }
    try b.requireEqual(shape[2].remainder(by: 2), 0, "fused layers have \(shape[2]) rows")
    shape[2] = shape[2].floorDivided(by: 2)
    var body = ScalarGraph()
    let axes = (0..<3).map { body.axis($0) }
    let places =
      fusion == 1
      ? [body.affine(axes[2], scale: 2, offset: 0), body.affine(axes[2], scale: 2, offset: 1)]
      : [axes[2], body.affine(axes[2], scale: 1, offset: shape[2])]
    let parts = places.map { body.read(0, [axes[0], axes[1], $0], type: .f32) }
    body.results = [gated(parts[0], parts[1], &body)]
    return b.map(shape, body, [first])
  }

  private func plain(_ x: ScalarID, _ graph: inout ScalarGraph) -> ScalarID {
    switch kind {
    case "relu": graph.binary(.max, graph.number(0, .f32), x)
    case "gelu": graph.tanhGelu(x)
    case "silu": graph.times(x, graph.unary(.sigmoid, x))
    default: x
    }
  }

  /// `gate * sigmoid(alpha * gate) * (linear + beta)` of limited values.
  private func gated(_ gate: ScalarID, _ linear: ScalarID, _ graph: inout ScalarGraph) -> ScalarID {
    var (gate, linear) = (gate, linear)
    if let limit {
      let (low, high) = (graph.number(-limit, .f32), graph.number(limit, .f32))
      gate = graph.binary(.min, high, gate)
      linear = graph.binary(.max, low, graph.binary(.min, high, linear))
    }
    let swish = graph.times(gate, graph.unary(.sigmoid, graph.affineNumber(gate, alpha, 0)))
    return graph.times(swish, graph.affineNumber(linear, 1, beta))
  }
}
