import Support
import TensorIR

/// Slices picked by indices from data that are quantized in blocks along one axis; indices out of range give zeros.
struct GatherBlockQuantized: Operator {
  let name = OperatorName("GatherBlockQuantized", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let (data, indices, scales) = (try node.input(0), try node.input(1), try node.input(2))
    try b.require(indices, "the indices", isOneOf: .i32, .i64)
    let type = b.type(of: data)
    let picked = b.type(of: indices)
    let gathered = try normalizedAxis(try node.int("gather_axis", default: 0), rank: type.rank)
    let quantized = try normalizedAxis(try node.int("quantize_axis", default: 1), rank: type.rank)
    let given = try node.int("bits", default: 4)
    if type.element == .u8 {
      guard [2, 4, 8].contains(given) else { throw .invalid("attribute 'bits' is \(given), not 2, 4 or 8") }
      guard gathered == 0, quantized == type.rank - 1 else {
        throw .invalid("data of bytes are picked in the first axis, and quantized in the last one")
      }
    } else {
      try b.require(data, "the data", isOneOf: .u8, .u4, .i4)
      guard given == 4 else { throw .invalid("attribute 'bits' is \(given), but the data have 4") }
    }
    let bits = type.element == .u8 ? given : 8
    var extents = type.shape
    extents[type.rank - 1] = extents[type.rank - 1] * (8 / bits)
    let shape = Array(extents[..<gathered]) + picked.shape + Array(extents[(gathered + 1)...])
    var body = ScalarGraph()
    let index = body.cast(
      body.read(1, picked.shape.indices.map { body.axis(gathered + $0) }, type: picked.element), to: .i64)
    let end = body.dim(extents[gathered])
    let isValid = body.binary(
      .and, body.compare(.less, index, end), body.compare(.lessOrEqual, body.minus(body.integer(0), end), index))
    var position = (0..<gathered).map { body.axis($0) }
    position.append(body.wrappedIndex(index, extent: extents[gathered]))
    position += (gathered + 1..<type.rank).map { body.axis($0 - 1 + picked.rank) }
    let block = try node.int("block_size", default: 128)
    guard block >= 16, block & (block - 1) == 0 else {
      throw .invalid("attribute 'block_size' is \(block), not a power of 2 from 16 on")
    }
    var blockPosition = position
    blockPosition[quantized] = body.binary(.floorDivide, position[quantized], body.integer(block))
    let stored = { (operand: Int, source: TensorType) in
      { (body: inout ScalarGraph, indices: [ScalarID]) in
        guard source.element == .u8 else { return body.read(operand, indices, type: source.element) }
        return body.unpacked(indices[source.rank - 1], bits: bits) { body, byte in
          body.read(operand, indices.dropLast() + [byte], type: .u8)
        }
      }
    }
    let value = body.cast(stored(0, type)(&body, position), to: .f32)
    let scaleType = b.type(of: scales)
    var blocks = extents
    blocks[quantized] = (extents[quantized] + (block - 1)).floorDivided(by: Dim(block))
    try b.requireShape(scales, blocks, "the scales")
    let zeros = node.optionalInput(3)
    var zeroPoint = body.number(type.element == .u8 ? Double(1 << (bits - 1)) : 0, .f32)
    if let zeros {
      try b.requireSameType([data, zeros])
      let perByte = 8 / bits
      let packed = (blocks[type.rank - 1] + (perByte - 1)).floorDivided(by: Dim(perByte))
      try b.requireShape(zeros, blocks.dropLast() + [packed], "the zero points")
      zeroPoint = body.cast(stored(3, b.type(of: zeros))(&body, blockPosition), to: .f32)
    }
    let scale = body.cast(body.read(2, blockPosition, type: scaleType.element), to: .f32)
    let restored = body.times(body.minus(value, zeroPoint), scale)
    body.results = [body.cast(body.select(isValid, restored, body.number(0, .f32)), to: scaleType.element)]
    return [b.map(shape, body, [data, indices, scales, zeros ?? data])]
  }
}
