import Support
import TensorIR

/// Blocks of channels moved into the spatial axes.
struct DepthToSpace: Operator {
  let name = OperatorName("DepthToSpace", versions: 1, 11, 13, 28)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let (shape, block) = try blockedShape(x, node, b)
    try b.requireEqual(
      shape[1].remainder(by: Dim(block * block)), 0,
      "\(shape[1]) channels do not divide into blocks of \(block * block)")
    let size = Dim(block)
    let channels = shape[1].floorDivided(by: Dim(block * block))
    let result = [shape[0], channels, shape[2] * block, shape[3] * block]
    let mode = try node.string("mode", default: "DCR")
    switch mode {
    case "DCR":
      let split = b.reshape(x, [shape[0], size, size, channels, shape[2], shape[3]])
      return [b.reshape(b.transpose(split, [0, 3, 4, 1, 5, 2]), result)]
    case "CRD":
      let split = b.reshape(x, [shape[0], channels, size, size, shape[2], shape[3]])
      return [b.reshape(b.transpose(split, [0, 1, 4, 2, 5, 3]), result)]
    default: throw .invalid("attribute 'mode' is '\(mode)'")
    }
  }
}

/// Blocks of the spatial axes moved into channels.
struct SpaceToDepth: Operator {
  let name = OperatorName("SpaceToDepth", versions: 1, 13, 28)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let (shape, block) = try blockedShape(x, node, b)
    let size = Dim(block)
    for extent in shape[2...] {
      try b.requireEqual(extent.remainder(by: size), 0, "extent \(extent) does not divide into blocks of \(block)")
    }
    let (rows, columns) = (shape[2].floorDivided(by: size), shape[3].floorDivided(by: size))
    let split = b.reshape(x, [shape[0], shape[1], rows, size, columns, size])
    let mode = try node.string("mode", default: "DCR")
    guard mode == "DCR" || mode == "CRD" else { throw .invalid("attribute 'mode' is '\(mode)'") }
    let order = mode == "DCR" ? [0, 3, 5, 1, 2, 4] : [0, 1, 3, 5, 2, 4]
    return [b.reshape(b.transpose(split, order), [shape[0], shape[1] * (block * block), rows, columns])]
  }
}

private func blockedShape(_ x: ValueID, _ node: OperatorNode, _ b: GraphBuilder) throws(ModelError) -> ([Dim], Int) {
  let shape = b.shape(of: x)
  guard shape.count == 4 else { throw .invalid("the argument has rank \(shape.count), not 4") }
  guard let block = try node.int("blocksize"), block > 0, block < 1 << 31 else {
    throw .invalid("attribute 'blocksize' must be positive and below 2^31")
  }
  return (shape, block)
}
