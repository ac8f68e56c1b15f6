import Support
import TensorIR

/// A product with weights of few bits, quantized in blocks along the summed axis.
struct MatMulNBits: Operator {
  let name = OperatorName("MatMulNBits", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    try b.requireFloat(x)
    guard let depth = try node.int("K"), let columns = try node.int("N"), let block = try node.int("block_size"),
      [depth, columns, block].allSatisfy({ $0 > 0 && $0 < 1 << 30 })
    else { throw .invalid("attributes 'K', 'N' and 'block_size' must be given, positive and below 2^30") }
    guard try node.int("weight_prepacked", default: 0) == 0 else {
      throw .unsupported("weights are packed for one processor", hint: "export them with weight_prepacked=0")
    }
    let weights = BlockWeights(
      values: try node.input(1), scales: try node.input(2), zeroPoints: node.optionalInput(3),
      groups: node.optionalInput(4), rows: columns, columns: depth, block: block,
      bits: try node.int("bits", default: 4))
    try b.requireSameType([x, try node.input(2)])
    let element = b.type(of: x).element
    let restored = try weights.restored(as: element, &b)
    return [
      try b.biased(
        try b.matrixProduct(x, b.transpose(restored, [1, 0]), accumulator: element), node.optionalInput(5))
    ]
  }
}

/// A matrix of few bits per element with a scale and a zero point for every block of a row.
struct BlockWeights {
  /// Bytes of all rows, each row padded to whole blocks.
  var values: ValueID
  /// One by row and block.
  var scales: ValueID
  /// Packed as the values are, or floats; the middle of the range if left out.
  var zeroPoints: ValueID?
  /// The block of every column in place of its position.
  var groups: ValueID?
  var rows: Int
  var columns: Int
  var block: Int
  var bits: Int

  /// The matrix as floats: [rows, columns].
  func restored(as element: ElementType, _ b: inout GraphBuilder) throws(ModelError) -> ValueID {
    try b.require(values, "the weights", isOneOf: .u8)
    guard [2, 4, 8].contains(bits) else { throw .invalid("attribute 'bits' is \(bits), not 2, 4 or 8") }
    let blocks = (columns + block - 1) / block
    let perByte = 8 / bits
    let rowBytes = blocks * ((block + perByte - 1) / perByte)
    let what = "weights of shape \(b.shape(of: values)) or their scales do not hold \(rows) rows of \(columns)"
    try b.requireEqual(b.shape(of: values).product, Dim(rows * rowBytes), what)
    try b.requireEqual(b.shape(of: scales).product, Dim(rows * blocks), what)
    var operands = [b.reshape(values, [Dim(rows), Dim(rowBytes)]), b.reshape(scales, [Dim(rows), Dim(blocks)])]
    var body = ScalarGraph()
    let (row, position) = (body.axis(0), body.axis(1))
    var group = body.binary(.floorDivide, position, body.integer(block))
    if let groups {
      guard b.shape(of: groups).count == 1 else {
        throw .invalid("the groups have shape \(b.shape(of: groups)), not [\(columns)]")
      }
      try b.requireAtMost(Dim(columns), b.shape(of: groups)[0], "the groups of columns")
      try b.checkIndices(groups, extents: [Dim(blocks)], allowsNegative: false)
      group = body.wrappedIndex(
        body.read(operands.count, [position], type: b.type(of: groups).element), extent: Dim(blocks))
      operands.append(groups)
    }
    func bytes(_ operand: Int) -> (inout ScalarGraph, ScalarID) -> ScalarID {
      { $0.read(operand, [row, $1], type: .u8) }
    }
    let weight = body.cast(body.unpacked(position, bits: bits, bytes(0)), to: element)
    var zeroPoint = body.number(Double(1 << (bits - 1)), element)
    if let given = zeroPoints {
      let stored = b.type(of: given).element
      let width = stored == .u8 ? (blocks + perByte - 1) / perByte : blocks
      let shape = b.shape(of: given)
      try b.requireEqual(shape.product, Dim(rows * width), "the zero points have shape \(shape)")
      let operand = operands.count
      operands.append(b.reshape(given, [Dim(rows), Dim(width)]))
      zeroPoint = body.cast(
        stored == .u8
          ? body.unpacked(group, bits: bits, bytes(operand)) : body.read(operand, [row, group], type: stored),
        to: element)
    }
    let scale = body.cast(body.read(1, [row, group], type: b.type(of: scales).element), to: element)
    body.results = [body.times(body.minus(weight, zeroPoint), scale)]
    return b.map([Dim(rows), Dim(columns)], body, operands)
  }
}
