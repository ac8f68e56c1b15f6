import Support
import TensorIR

/// An operator that does what a version of another one does.
struct Twin: Operator {
  let name: OperatorName
  let original: any Operator
  let version: Int

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    try original.build(node.asVersion(version, arguments: node.arguments), in: &b)
  }
}

/// Numbers from a start up to a limit, by 1 unless there is a delta.
struct MicrosoftRange: Operator {
  let name = OperatorName("Range", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let start = try node.input(0)
    let delta = node.optionalInput(2) ?? b.scalar(1, b.type(of: start).element)
    return try RangeOperator().build(node.asVersion(11, arguments: [start, try node.input(1), delta]), in: &b)
  }
}

/// Rows of a matrix picked by indices; the other arguments only matter for training.
struct TorchEmbedding: Operator {
  let name = OperatorName("TorchEmbedding", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    try Gather().build(node.asVersion(13, arguments: [try node.input(0), try node.input(1)]), in: &b)
  }
}

/// An axis of extent 1 inserted.
struct ExpandDims: Operator {
  let name = OperatorName("ExpandDims", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let axis = try node.input(1)
    try b.require(axis, "the axis", isOneOf: .i32)
    try b.requireEqual(b.shape(of: axis).product, 1, "the number of axes")
    return try Unsqueeze().build(node.asVersion(13, arguments: [try node.input(0), b.reshape(axis, [1])]), in: &b)
  }
}

/// Operators of ONNX Runtime's domain that are standard ones under its name.
let microsoftTwins: [any Operator] = [
  ExpandDims(),
  MicrosoftRange(),
  TorchEmbedding(),
  Twin(name: OperatorName("GatherND", domain: "com.microsoft", versions: 1), original: GatherND(), version: 13),
  Twin(name: OperatorName("Pad", domain: "com.microsoft", versions: 1), original: Pad(), version: 13),
  Twin(
    name: OperatorName("SampleOp", domain: "com.microsoft", versions: 1),
    original: UnaryOperator("Identity", versions: [1], takesIntegers: true) { $1 }, version: 1),
  Twin(name: OperatorName("Trilu", domain: "com.microsoft", versions: 1), original: Trilu(), version: 14),
]

extension OperatorNode {
  /// The node as one of an operator's other versions, with other arguments.
  func asVersion(_ version: Int, arguments: [ValueID?]) -> OperatorNode {
    OperatorNode(definition: definition, version: version, arguments: arguments, scope: scope)
  }
}
