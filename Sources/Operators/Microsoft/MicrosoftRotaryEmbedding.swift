import Support
import TensorIR

/// Pairs of elements turned by angles from caches, with positions by element or from one on.
struct MicrosoftRotaryEmbedding: Operator {
  let name = OperatorName("RotaryEmbedding", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    let positions = try node.input(1)
    let cosines = try node.input(2)
    let sines = try node.input(3)
    try b.requireFloat(x)
    try b.requireSameType([x, cosines, sines])
    try b.require(positions, "the positions", isOneOf: .i64)
    guard b.shape(of: cosines).count == 2, b.shape(of: sines) == b.shape(of: cosines),
      let half = b.shape(of: cosines)[1].constant
    else { throw .invalid("the caches have shapes \(b.shape(of: cosines)) and \(b.shape(of: sines)), not the same of rank 2") }
    let rotated = try node.int("rotary_embedding_dim", default: 0)
    guard rotated == 0 || rotated == 2 * half else {
      throw .invalid("attribute 'rotary_embedding_dim' is \(rotated), but the caches have \(half) columns")
    }
    var count = try node.int("num_heads", default: 0)
    if rotated == 0, b.shape(of: x).count == 3, half > 0 { count = (b.shape(of: x)[2].constant ?? 0) / (2 * half) }
    let heads = try Heads(x, count: count, "the argument", &b)
    let isOffset = b.shape(of: positions).count == 1
    let rotation = Rotation(
      cosines: cosines, sines: sines, rotated: 2 * half, isInterleaved: try node.flag("interleaved"), precision: .f32,
      offset: isOffset ? positions : nil, positions: isOffset ? nil : positions)
    return [b.reshape(try b.turned(heads, by: rotation).value, b.shape(of: x))]
  }
}
