import Support
import TensorIR

/// A product with weights of 4 bits in one run of bytes: column by column, blocks of a scale, perhaps a zero point, and
/// 32 numbers.
struct MatMulFpQ4: Operator {
  let name = OperatorName("MatMulFpQ4", domain: "com.microsoft", versions: 1)

  private static let block = 32

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let (x, blob) = (try node.input(0), try node.input(1))
    try b.require(x, "the data", isOneOf: .f32)
    try b.require(blob, "the weights", isOneOf: .u8)
    let shape = try b.extents(try node.input(2), "the shape of the weights", as: "weights")
    guard shape.count == 2 else { throw .invalid("the shape of the weights is \(shape), not of rank 2") }
    for extent in shape { try b.requireAtMost(1, extent, "the shape of the weights is \(shape)") }
    // ONNX Runtime has zero points for every other number than 0.
    let hasZeroPoint = try node.int("blk_quant_type", default: 1) != 0
    let weights = try restored(blob, rows: shape[0], columns: shape[1], hasZeroPoint, &b)
    return [try b.matrixProduct(x, weights, accumulator: .f32)]
  }

  private func restored(_ blob: ValueID, rows: Dim, columns: Dim, _ hasZeroPoint: Bool, _ b: inout GraphBuilder)
    throws(ModelError) -> ValueID
  {
    let (half, lead) = (MatMulFpQ4.block / 2, hasZeroPoint ? 5 : 4)
    let blocks = (rows + (MatMulFpQ4.block - 1)).floorDivided(by: Dim(MatMulFpQ4.block))
    try b.requireShape(blob, [columns * blocks * (lead + half)], "the weights")
    let bytes = b.reshape(blob, [columns, blocks, Dim(lead + half)])
    var body = ScalarGraph()
    let (row, column) = (body.axis(0), body.axis(1))
    let block = body.binary(.floorDivide, row, body.integer(MatMulFpQ4.block))
    func byte(_ place: ScalarID) -> ScalarID { body.read(0, [column, block, place], type: .u8) }
    // The first half of the numbers are in the low bits, the second in the high ones.
    let number = body.binary(.floorRemainder, row, body.integer(MatMulFpQ4.block))
    let packed = byte(body.plus(body.binary(.floorRemainder, number, body.integer(half)), body.integer(lead)))
    let isLow = body.compare(.less, number, body.integer(half))
    let code = body.select(
      isLow, body.binary(.and, packed, body.integer(15, .u8)), body.binary(.shiftRight, packed, body.integer(4, .u8)))
    let zeroPoint = hasZeroPoint ? body.bitcast(byte(body.integer(4)), to: .i8) : body.integer(8, .i8)
    let bits = (0..<4).reduce(body.integer(0, .u32)) { bits, place in
      let part = body.cast(byte(body.integer(place)), to: .u32)
      return body.binary(.or, bits, body.binary(.shiftLeft, part, body.integer(8 * place, .u32)))
    }
    let value = body.cast(body.minus(body.bitcast(code, to: .i8), zeroPoint), to: .f32)
    body.results = [body.times(value, body.bitcast(bits, to: .f32))]
    return b.map([rows, columns], body, [bytes])
  }
}
