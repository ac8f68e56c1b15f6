import Support
import TensorIR

/// Normalization over the axes from one on, with scale and bias.
struct LayerNormalization: Operator {
  let name: OperatorName

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    try b.requireFloat(x)
    let type = b.type(of: x)
    if node.version >= 17 { try b.requireSameType([x, try node.input(1)]) }
    let axis = try normalizedAxis(try node.int("axis", default: -1), rank: type.rank)
    let epsilon = try node.float("epsilon", default: 1e-5)
    let stash = try node.stashType(type.element)
    let normal = try b.standardize(x, Array(axis..<type.rank), epsilon: epsilon, stash: stash)
    let rounded = try b.cast(normal.value, to: type.element)
    let y = try b.scaleAndShift(rounded, try node.input(1), node.optionalInput(2))
    let declared = try node.elementType("stash_type") ?? .f32
    return [y, try b.cast(normal.mean, to: declared), try b.cast(normal.scale, to: declared)]
  }
}

/// Layer normalization as standardized, and as ONNX Runtime had it before: with parameters of any float type, which is that
/// of the result.
let layerNormalization = LayerNormalization(name: OperatorName("LayerNormalization", versions: 1, 17))
