import Support

/// A value of a graph, by position.
public struct ValueID: Hashable, Sendable, Comparable {
  public var index: Int
  public init(_ index: Int) { self.index = index }
  public static func < (a: ValueID, b: ValueID) -> Bool { a.index < b.index }
}

/// What a graph knows of a value.
public struct Value: Hashable, Sendable {
  public var type: TensorType
  /// The ONNX name, where the value has one.
  public var name: String

  public init(type: TensorType, name: String = "") {
    self.type = type
    self.name = name
  }
}

/// One computation of a graph.
public struct Node: Hashable, Sendable {
  public var primitive: Primitive
  public var operands: [ValueID]
  public var results: [ValueID]
  /// The ONNX node that it comes from, for messages and reports; several where passes made one of them.
  public var origin: String

  public init(_ primitive: Primitive, operands: [ValueID], results: [ValueID], origin: String) {
    self.primitive = primitive
    self.operands = operands
    self.results = results
    self.origin = origin
  }
}

extension Node {
  /// Takes over the origin of a node whose work it does from now on.
  public mutating func absorbOrigin(of other: Node) {
    let own = origin.split(separator: Self.joint)
    let new = other.origin.split(separator: Self.joint).filter { !own.contains($0) }
    origin = (new + own).joined(separator: Self.joint)
  }

  /// What stands between several origins.
  public static let joint = " + "
}

/// A dataflow graph in static single assignment form; nodes are in topological order.
public struct Graph: Hashable, Sendable {
  public var values: [Value] = []
  public var nodes: [Node] = []
  public var inputs: [ValueID] = []
  public var outputs: [ValueID] = []

  public init() {}

  public func type(of value: ValueID) -> TensorType { values[value.index].type }
  public func shape(of value: ValueID) -> [Dim] { values[value.index].type.shape }

  /// The position of the node that defines each value; nil for inputs.
  public func producers() -> [Int?] {
    var result = [Int?](repeating: nil, count: values.count)
    for (position, node) in nodes.enumerated() { for value in node.results { result[value.index] = position } }
    return result
  }

  /// How often each value is used as an operand or output.
  public func useCounts() -> [Int] {
    var counts = [Int](repeating: 0, count: values.count)
    for node in nodes { for operand in node.operands { counts[operand.index] += 1 } }
    for output in outputs { counts[output.index] += 1 }
    return counts
  }

  /// The constant that a value is, if it is one.
  public func constant(_ value: ValueID, _ producers: [Int?]) -> ConstantTensor? {
    guard let position = producers[value.index], case .constant(let constant) = nodes[position].primitive else { return nil }
    return constant
  }
}
