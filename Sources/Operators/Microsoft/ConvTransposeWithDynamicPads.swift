import ONNXReader
import Support
import TensorIR

/// Transposed convolution with the padding as an argument.
struct ConvTransposeWithDynamicPads: Operator {
  let name = OperatorName("ConvTransposeWithDynamicPads", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    var definition = node.definition
    if let pads = node.optionalInput(2) {
      definition.attributes["pads"] = .ints(try b.requireConstantIntegers(pads, "the padding"))
    }
    let arguments = [try node.input(0), try node.input(1), node.optionalInput(3)]
    let plain = OperatorNode(definition: definition, version: 11, arguments: arguments, scope: node.scope)
    return try ConvTranspose().build(plain, in: &b)
  }
}
