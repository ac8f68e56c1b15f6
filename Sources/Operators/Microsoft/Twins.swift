import Support
import TensorIR

/// An operator of ONNX Runtime's domain that does what a version of another one does.
struct Twin: Operator {
  let name: OperatorName
  let original: any Operator
  let version: Int

  init(_ name: String, of original: any Operator, version: Int) {
    self.name = OperatorName(name, domain: "com.microsoft", versions: 1)
    self.original = original
    self.version = version
  }

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

/// Operators of ONNX Runtime's domain that are standard ones under its name.
let microsoftTwins: [any Operator] = [
  MicrosoftRange(),
  TorchEmbedding(),
  Twin("GatherND", of: GatherND(), version: 13),
  Twin("Pad", of: Pad(), version: 13),
  Twin("SampleOp", of: UnaryOperator("Identity", versions: [1], takesIntegers: true) { $1 }, version: 1),
  Twin("Trilu", of: Trilu(), version: 14),
]

extension OperatorNode {
  /// The node as one of an operator's other versions, with other arguments.
  func asVersion(_ version: Int, arguments: [ValueID?]) -> OperatorNode {
    OperatorNode(definition: definition, version: version, arguments: arguments, scope: scope)
  }
}
