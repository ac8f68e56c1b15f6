import Support
import TensorIR

/// The identity, or in training mode elements that are zero at random and scaled else.
struct Dropout: Operator {
  let name = OperatorName("Dropout", versions: 1, 6, 7, 10, 12, 13, 22)

  /// Whether elements are dropped.
  private enum Mode {
    case known(Bool)
    /// As a scalar says at run time.
    case open(ValueID)
  }

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let maskType = node.version < 10 ? b.type(of: x).element : .bool
    let mode = try mode(node, b)
    if case .known(false) = mode {
      guard node.uses(result: 1) else { return [x] }
      return [x, try b.broadcast(b.scalar(1, maskType), to: b.shape(of: x))]
    }
    let ratio = try ratio(node, &b)
    let keeps = try kept(x, ratio, mode, node, &b)
    let y = try b.elementwise([x, keeps, ratio] + flag(mode)) { graph, values in
      let element = graph.type(of: values[0])
      let wide = element.precise
      let scale = graph.over(graph.number(1, wide), graph.minus(graph.number(1, wide), graph.cast(values[2], to: wide)))
      let scaled = graph.cast(graph.times(graph.cast(values[0], to: wide), scale), to: element)
      let trained = graph.select(values[1], scaled, graph.number(0, element))
      return values.count == 4 ? graph.select(values[3], trained, values[0]) : trained
    }
    return [y, try b.cast(keeps, to: maskType)]
  }

  private func mode(_ node: OperatorNode, _ b: GraphBuilder) throws(ModelError) -> Mode {
    if node.version < 7 { return .known(try !node.flag("is_test")) }
    guard node.version >= 12, let mode = node.optionalInput(2) else { return .known(false) }
    try b.require(mode, "the training mode", isOneOf: .bool)
    guard b.shape(of: mode).constants?.reduce(1, *) == 1 else { throw .invalid("the training mode must be a scalar") }
    return b.knownIntegers(mode)?.first?.constant.map { .known($0 != 0) } ?? .open(mode)
  }

  private func flag(_ mode: Mode) -> [ValueID] { if case .open(let value) = mode { [value] } else { [] } }

  /// The share of dropped elements as a scalar.
  private func ratio(_ node: OperatorNode, _ b: inout GraphBuilder) throws(ModelError) -> ValueID {
    guard node.version >= 12 else { return b.scalar(try node.float("ratio", default: 0.5), .f32) }
    guard let ratio = node.optionalInput(1) else { return b.scalar(0.5, .f32) }
    try b.requireFloat(ratio, "the ratio")
    guard b.shape(of: ratio).constants?.reduce(1, *) == 1 else { throw .invalid("the ratio must be a scalar") }
    return b.reshape(ratio, [])
  }

  /// Whether each element is kept.
  private func kept(
    _ x: ValueID, _ ratio: ValueID, _ mode: Mode, _ node: OperatorNode, _ b: inout GraphBuilder
  ) throws(ModelError) -> ValueID {
    let shape = b.shape(of: x)
    let wide = b.type(of: ratio).element.precise
    let numbers = try RandomNumbers(node, b)
    let scalars = [ratio] + flag(mode).map { b.reshape($0, []) }
    var body = ScalarGraph()
    let draw = numbers.uniform(body.linearPosition(shape), wide, &body)
    let limit = body.cast(b.literal(ratio, in: &body) ?? body.read(0, [], type: b.type(of: ratio).element), to: wide)
    var keeps = body.compare(.greaterOrEqual, draw, limit)
    if scalars.count == 2 { keeps = body.binary(.or, keeps, body.unary(.not, body.read(1, [], type: .bool))) }
    body.results = [keeps]
    return b.map(shape, body, scalars)
  }
}
