import Support
import TensorIR

/// Normalization over the spatial axes of every channel, with scale and bias.
struct InstanceNormalization: Operator {
  let name = OperatorName("InstanceNormalization", versions: 1, 6, 22)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    try b.requireFloat(x)
    let type = b.type(of: x)
    guard type.rank >= 2 else { throw .invalid("the data has rank \(type.rank); at least 2 is needed") }
    let epsilon = try node.float("epsilon", default: 1e-5)
    let normal = try b.standardize(x, Array(2..<max(2, type.rank)), epsilon: epsilon, stash: type.element.precise)
    var parameters: [ValueID] = []
    for position in 1...2 {
      let parameter = try node.input(position)
      try b.requireShape(parameter, [type.shape[1]], "argument \(position)")
      parameters.append(b.reshape(parameter, [type.shape[1]] + [Dim](repeating: 1, count: type.rank - 2)))
    }
    return [try b.scaleAndShift(try b.cast(normal.value, to: type.element), parameters[0], parameters[1])]
  }
}
