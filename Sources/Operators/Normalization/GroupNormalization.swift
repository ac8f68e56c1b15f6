import Support
import TensorIR

/// Normalization over groups of channels; scale and bias are per group before version 21, then per channel.
struct GroupNormalization: Operator {
  let name = OperatorName("GroupNormalization", versions: 18, 21)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    try b.requireFloat(x)
    let type = b.type(of: x)
    guard type.rank >= 2 else { throw .invalid("the data has rank \(type.rank); at least 2 is needed") }
    let groups = try node.count("num_groups")
    try b.requireEqual(
      type.shape[1].remainder(by: Dim(groups)), 0, "attribute 'num_groups' must divide \(type.shape[1]) channels")
    let stash = node.version < 21 ? type.element.precise : try node.stashType(type.element)
    let perGroup = type.shape[1].floorDivided(by: Dim(groups))
    let grouped = b.reshape(x, [type.shape[0], Dim(groups), perGroup] + type.shape.dropFirst(2))
    let normal = try b.standardize(
      grouped, Array(2...type.rank), epsilon: try node.float("epsilon", default: 1e-5), stash: stash)
    let rounded = try b.cast(normal.value, to: type.element)
    var parameters: [ValueID] = []
    for position in 1...2 {
      let parameter = try node.input(position)
      let count = node.version < 21 ? Dim(groups) : type.shape[1]
      try b.requireShape(parameter, [count], "argument \(position)")
      let rows: [Dim] = node.version < 21 ? [Dim(groups), 1] : [Dim(groups), perGroup]
      parameters.append(b.reshape(parameter, rows + [Dim](repeating: 1, count: type.rank - 2)))
    }
    return [b.reshape(try b.scaleAndShift(rounded, parameters[0], parameters[1]), type.shape)]
  }
}
