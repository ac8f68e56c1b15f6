import Support

/// A model as the file has it, checked for consistency.
public struct Model: Hashable, Sendable {
  public var irVersion: Int
  /// The imported version of each operator domain; the standard domain is "".
  public var opsets: [String: Int]
  public var producerName: String
  public var producerVersion: String
  public var domain: String
  public var version: Int
  public var doc: String
  public var metadata: [MetadataEntry]
  public var graph: GraphDef
  public var functions: [FunctionDef]

  /// Inputs that the caller supplies: graph inputs without an initializer of the same name.
  public var requiredInputs: [ValueInfo] {
    let initialized = Set(graph.initializers.map(\.name)).union(graph.sparseInitializers.map(\.values.name))
    return graph.inputs.filter { !initialized.contains($0.name) }
  }
}

/// One pair of the model's metadata, in file order.
public struct MetadataEntry: Hashable, Sendable {
  public var key: String
  public var value: String
}

/// A function that nodes of the model call like an operator.
public struct FunctionDef: Hashable, Sendable {
  public var name: String
  public var domain: String
  public var overload: String
  public var doc: String
  public var opsets: [String: Int]
  public var inputs: [String]
  public var outputs: [String]
  /// Attributes that a caller must give.
  public var requiredAttributes: [String]
  /// Attributes with default values.
  public var defaultAttributes: [String: AttributeValue]
  public var nodes: [NodeDef]
  public var valueInfos: [ValueInfo]
}
