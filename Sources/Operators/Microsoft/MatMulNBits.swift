import Support
import TensorIR

/// A product with weights of few bits, quantized in blocks along the summed axis.
struct MatMulNBits: Operator {
  let name = OperatorName("MatMulNBits", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let packed = try node.input(1)
    let scales = try node.input(2)
    try b.requireFloat(x)
    try b.require(packed, "the weights", isOneOf: .u8)
    let bits = try node.int("bits", default: 4)
    guard let depth = try node.int("K"), let columns = try node.int("N"), let block = try node.int("block_size"),
      block > 0,
      [2, 4, 8].contains(bits), depth > 0, columns > 0
    else { throw .invalid("attributes 'K', 'N', 'bits' and 'block_size' must be given; bits are 2, 4 or 8") }
    guard node.optionalInput(4) == nil else { throw .unsupported("reordered groups are not supported") }
    let blocks = (depth + block - 1) / block
    let perByte = 8 / bits
    let rows = b.reshape(packed, [Dim(columns), Dim(blocks * block / perByte)])
    guard b.shape(of: packed).product == Dim(columns * blocks * block / perByte),
      b.shape(of: scales).product == Dim(columns * blocks)
    else { throw .invalid("weights of shape \(b.shape(of: packed)) do not hold \(columns) columns of \(depth)") }
    let element = b.type(of: x).element
    var operands = [rows, b.reshape(scales, [Dim(columns), Dim(blocks)])]
    var body = ScalarGraph()
    let (column, position) = (body.axis(0), body.axis(1))
    let group = body.binary(.floorDivide, position, body.integer(block))
    func unpacked(_ operand: Int, _ index: ScalarID) -> ScalarID {
      let byte = body.read(operand, [column, body.binary(.floorDivide, index, body.integer(perByte))], type: .u8)
      let shift = body.times(body.binary(.floorRemainder, index, body.integer(perByte)), body.integer(bits))
      let shifted = body.binary(.shiftRight, body.cast(byte, to: .i32), body.cast(shift, to: .i32))
      return body.cast(body.binary(.and, shifted, body.integer((1 << bits) - 1, .i32)), to: element)
    }
    let weight = unpacked(0, position)
    var zeroPoint = body.number(Double(1 << (bits - 1)), element)
    if let given = node.optionalInput(3) {
      let stored = b.type(of: given).element
      let width = stored == .u8 ? (blocks + perByte - 1) / perByte : blocks
      guard b.shape(of: given).product == Dim(columns * width) else {
        throw .invalid("the zero points have shape \(b.shape(of: given))")
      }
      operands.append(b.reshape(given, [Dim(columns), Dim(width)]))
      zeroPoint =
        stored == .u8 ? unpacked(2, group) : body.cast(body.read(2, [column, group], type: stored), to: element)
    }
    let scale = body.cast(body.read(1, [column, group], type: b.type(of: scales).element), to: element)
    body.results = [body.times(body.minus(weight, zeroPoint), scale)]
    let weights = b.map([Dim(columns), Dim(depth)], body, operands)
    let product = try b.matrixProduct(x, b.transpose(weights, [1, 0]), accumulator: element)
    guard let bias = node.optionalInput(5) else { return [product] }
    return [try b.elementwise([product, bias]) { $0.plus($1[0], $1[1]) }]
  }
}
