import Support
import TensorIR

/// A factor of a contraction seen as `scale * (quantized - zeroPoint)`, with quantized integers of 8 or 16 bits.
struct Dequantized {
  /// What the integers, zero points and scales are computed from.
  private let operands: [ValueID]
  private let shape: [Dim]
  private let body: ScalarGraph
  private let quantized: ScalarID
  private let zeroPoint: ScalarID?
  private let scale: ScalarID?
  /// Reshapes and moves of elements between these and the factor, first to last.
  private let movements: [Primitive]
  /// The type of the quantized integers.
  let element: ElementType

  /// Nil for values of another form; those that count as integers have no scale.
  static func factor(_ value: ValueID, asIntegers: Bool, _ graph: Graph, _ producers: [Int?]) -> Dequantized? {
    asIntegers && graph.type(of: value).element.isByte
      ? Dequantized(bytes: value, graph.type(of: value))
      : Dequantized(value, asIntegers: asIntegers, graph, producers)
  }

  private init?(_ value: ValueID, asIntegers: Bool, _ graph: Graph, _ producers: [Int?]) {
    var (value, movements) = (value, [Primitive]())
    while let node = producers[value.index].map({ graph.nodes[$0] }), node.isMovement {
      movements.insert(node.primitive, at: 0)
      value = node.operands[0]
    }
    self.movements = movements
    shape = graph.shape(of: value)
    guard let node = producers[value.index].map({ graph.nodes[$0] }), case .map(let map) = node.primitive else {
      return nil
    }
    operands = node.operands
    body = map.body
    var result = map.body.results[0]
    if asIntegers {
      scale = nil
    } else {
      guard case .binary(.multiply, let number, let factor) = body[result], case .cast(.f32, let integer) = body[number]
      else { return nil }
      (result, scale) = (integer, factor)
    }
    guard let (quantized, zeroPoint) = body.shiftedIntegers(result) else { return nil }
    (self.quantized, self.zeroPoint) = (quantized, zeroPoint)
    element = body.type(of: quantized)
  }

  /// Bytes as they are.
  private init(bytes value: ValueID, _ type: TensorType) {
    element = type.element
    operands = [value]
    shape = type.shape
    var body = ScalarGraph()
    quantized = body.read(0, shape.indices.map { body.axis($0) }, type: element)
    (self.body, zeroPoint, scale, movements) = (body, nil, nil, [])
  }

  /// Whether zero point and scale are the same for all elements.
  var isUniform: Bool {
    [zeroPoint, scale].allSatisfy { root in root.map { !body.graph(of: $0).dependsOnAxes } ?? true }
  }

  /// The quantized integers as a tensor with the factor's shape.
  func quantized(in graph: inout Graph, origin: String) -> ValueID {
    movements.reduce(unmoved(in: &graph, origin: origin)) { value, movement in
      graph.add(movement.moving(element), [value], origin: origin)
    }
  }

  private func unmoved(in graph: inout Graph, origin: String) -> ValueID {
    let part = body.graph(of: quantized)
    if case .read(let operand, _, _) = body[quantized], readsOnlyAtIdentity(part, operand, rank: shape.count) {
      return operands[operand]
    }
    return graph.add(.map(Map(shape: shape, body: part)), operands, origin: origin)
  }

  /// The zero point of all elements, of type `i32`.
  func uniformZeroPoint(_ graph: Graph, _ producers: [Int?]) -> UniformParameter {
    zeroPoint.map { parameter($0, graph, producers) } ?? .known(0)
  }

  /// The scale of all elements, of type `f32`; 1 for integers.
  func uniformScale(_ graph: Graph, _ producers: [Int?]) -> UniformParameter {
    scale.map { parameter($0, graph, producers) } ?? .known(1)
  }

  private func parameter(_ node: ScalarID, _ graph: Graph, _ producers: [Int?]) -> UniformParameter {
    let part = body.graph(of: node)
    if let value = evaluated(part, [], graph, producers) { return .known(value.doubles[0]) }
    let (operands, compacted) = GraphBuilder.compact(part, operands)
    return .computed(.map(Map(shape: [], body: compacted)), operands)
  }

  /// What a part of the body is over a shape; nil if it depends on more than constants.
  private func evaluated(
    _ part: ScalarGraph, _ shape: [Dim], _ graph: Graph, _ producers: [Int?]
  ) -> ConstantTensor? {
    let (operands, part) = GraphBuilder.compact(part, operands)
    let constants = operands.compactMap { graph.constant($0, producers) }
    guard constants.count == operands.count else { return nil }
    return ConstantFormula(map: Map(shape: shape, body: part), operands: constants).values()
  }

  // MARK: Constants

  /// The quantized integers minus their zero points; nil if they are not constants.
  func integers(_ graph: Graph, _ producers: [Int?]) -> ConstantTensor? {
    var part = body.graph(of: quantized)
    part.results = [part.cast(part.results[0], to: .i32)]
    if let zeroPoint { part.results = [part.minus(part.results[0], part.insert(body.graph(of: zeroPoint))[0])] }
    return moved(part, .i32, graph, producers)
  }

  /// The scale of every element; nil if it is not a constant.
  func scales(_ graph: Graph, _ producers: [Int?]) -> ConstantTensor? {
    scale.flatMap { moved(body.graph(of: $0), .f32, graph, producers) }
  }

  private func moved(
    _ part: ScalarGraph, _ element: ElementType, _ graph: Graph, _ producers: [Int?]
  ) -> ConstantTensor? {
    movements.reduce(evaluated(part, shape, graph, producers)) { tensor, movement in
      tensor.flatMap { Evaluator.evaluate(movement.moving(element), [$0])?[0] }
    }
  }
}

/// A zero point or scale of all elements of a tensor.
enum UniformParameter {
  case known(Double)
  /// A scalar that a node computes.
  case computed(Primitive, [ValueID])
}

extension Node {
  /// Whether the node moves elements of its only operand and does nothing else.
  fileprivate var isMovement: Bool {
    switch primitive {
    case .reshape: true
    case .map(let map):
      if operands.count == 1, case .read(_, _, nil) = map.body[map.body.results[0]] { true } else { false }
    case .constant, .reduce, .contract, .scan, .branch, .scatter, .sort, .compact, .external, .measure, .assume: false
    }
  }
}

extension Primitive {
  /// The same movement of elements of another type.
  fileprivate func moving(_ element: ElementType) -> Primitive {
    guard case .map(var map) = self else { return self }
    let result = map.body.results[0]
    guard case .read(let operand, let indices, _) = map.body[result] else { return self }
    map.body.results = [map.body.add(.read(operand: operand, indices: indices, outside: nil), type: element)]
    return .map(Map(shape: map.shape, body: map.body.pruned()))
  }
}

extension ElementType {
  fileprivate var isByte: Bool { self == .u8 || self == .i8 }
  fileprivate var isNarrow: Bool { isByte || self == .u16 || self == .i16 }
}

extension ScalarGraph {
  /// The part of the graph that computes a node.
  fileprivate func graph(of node: ScalarID) -> ScalarGraph {
    var copy = self
    copy.results = [node]
    return copy.pruned()
  }

  fileprivate var dependsOnAxes: Bool { reachable.contains { if case .axis = self[$0] { true } else { false } } }

  /// The integers and the zero point of `i32(integers) - zeroPoint`.
  fileprivate func shiftedIntegers(_ node: ScalarID) -> (quantized: ScalarID, zeroPoint: ScalarID?)? {
    switch self[node] {
    case .cast(.i32, let integers) where type(of: integers).isNarrow: (integers, nil)
    case .binary(.subtract, let wide, let zeroPoint):
      if case .cast(.i32, let integers) = self[wide], type(of: integers).isNarrow { (integers, zeroPoint) } else { nil }
    case .literal, .dim, .axis, .read, .accumulator, .unary, .binary, .compare, .select, .multiplyAdd, .cast, .bitcast:
      nil
    }
  }
}
