import Support
import TensorIR

/// A product with weights of 4 bits that stand for entries of a table, scaled in blocks of the flat weights.
struct MatMulBnb4: Operator {
  let name = OperatorName("MatMulBnb4", domain: "com.microsoft", versions: 1)

  /// What the 4 bits stand for: floats with two bits of exponent, or quantiles of the normal distribution.
  private static let tables: [[Double]] = [
    [
      0, 1.0 / 192, 2.0 / 3, 1, 1.0 / 3, 0.5, 1.0 / 6, 0.25, 0, -1.0 / 192, -2.0 / 3, -1, -1.0 / 3, -0.5, -1.0 / 6,
      -0.25,
    ],
    [
      -1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
      -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
      0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1,
    ],
  ]

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let (x, packed, scales) = (try node.input(0), try node.input(1), try node.input(2))
    try b.requireFloat(x)
    try b.require(packed, "the weights", isOneOf: .u8)
    guard let depth = try node.int("K"), let columns = try node.int("N"), let block = try node.int("block_size"),
      let kind = try node.int("quant_type"), MatMulBnb4.tables.indices.contains(kind),
      [depth, columns, block].allSatisfy({ $0 > 0 && $0 < 1 << 30 })
    else { throw .invalid("attributes 'K', 'N', 'block_size' (up to 2^30) and 'quant_type' (0 or 1) must be given") }
    let count = depth * columns
    let message = "weights of shape \(b.shape(of: packed)) do not hold \(columns) rows of \(depth)"
    try b.requireEqual(b.shape(of: packed).product, Dim((count + 1) / 2), message)
    try b.requireEqual(b.shape(of: scales).product, Dim((count + block - 1) / block), message)
    let element = b.type(of: x).element
    var body = ScalarGraph()
    let index = body.plus(body.times(body.axis(0), body.integer(depth)), body.axis(1))
    // The first of two numbers is in the high bits.
    let swapped = body.binary(.xor, index, body.integer(1))
    let code = body.unpacked(swapped, bits: 4) { $0.read(0, [$1], type: .u8) }
    let value = body.cast(body.read(2, [body.cast(code, to: .i64)], type: .f32), to: element)
    let scale = body.read(1, [body.binary(.floorDivide, index, body.integer(block))], type: b.type(of: scales).element)
    body.results = [body.times(value, body.cast(scale, to: element))]
    let table = b.constant(ConstantTensor(.f32, dims: [16], doubles: MatMulBnb4.tables[kind]))
    let operands = [b.reshape(packed, [b.shape(of: packed).product]), b.reshape(scales, [b.shape(of: scales).product])]
    let weights = b.map([Dim(columns), Dim(depth)], body, operands + [table])
    let transposes = try node.flag("transB", default: true)
    return [try b.matrixProduct(x, transposes ? b.transpose(weights, [1, 0]) : weights, accumulator: element)]
  }
}
