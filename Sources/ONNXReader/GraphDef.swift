import Support

/// A graph as the file has it, with nodes in an order in which every value is defined before its use.
public struct GraphDef: Hashable, Sendable {
  public var name: String
  public var doc: String
  public var nodes: [NodeDef]
  public var inputs: [ValueInfo]
  public var outputs: [ValueInfo]
  /// Declared types of intermediate values.
  public var valueInfos: [ValueInfo]
  public var initializers: [TensorData]
  public var sparseInitializers: [SparseTensorData]
}

/// A named value with its declared type.
public struct ValueInfo: Hashable, Sendable {
  public var name: String
  /// The declared type; `nil` when the file leaves it open, as subgraphs may.
  public var type: TypeDef?
  public var doc: String

  public init(name: String, type: TypeDef?, doc: String = "") {
    self.name = name
    self.type = type
    self.doc = doc
  }
}

/// One application of an operator.
public struct NodeDef: Hashable, Sendable {
  public var name: String
  public var opType: String
  /// The operator's domain; empty for the standard operators.
  public var domain: String
  public var overload: String
  /// The names of the arguments; an empty name is an argument left out.
  public var inputs: [String]
  /// The names of the results; an empty name is a result not wanted.
  public var outputs: [String]
  public var attributes: [String: AttributeValue]

  /// The node as diagnostics name it, given the version of its operator set.
  public func location(version: Int?) -> String {
    let label = name.isEmpty ? outputs.first { !$0.isEmpty } ?? "" : name
    let qualified = domain.isEmpty ? opType : "\(domain).\(opType)"
    return "'\(label)' (\(qualified)" + (version.map { "-\($0)" } ?? "") + ")"
  }
}

/// The value of a node's attribute.
public enum AttributeValue: Hashable, Sendable {
  case float(Float)
  case int(Int)
  case string([UInt8])
  case tensor(TensorData)
  case graph(GraphDef)
  case sparse(SparseTensorData)
  case type(TypeDef)
  case floats([Float])
  case ints([Int])
  case strings([[UInt8]])
  case tensors([TensorData])
  case graphs([GraphDef])
  case sparses([SparseTensorData])
  case types([TypeDef])
  /// The attribute of this name of the enclosing function.
  case reference(String)
}
