import Support
import TensorIR

/// The 32-bit MurmurHash3 of the bytes of every element.
struct MurmurHash3: Operator {
  let name = OperatorName("MurmurHash3", domain: "com.microsoft", versions: 1)

  func build(_ node: OperatorNode, in b: inout GraphBuilder) throws(ModelError) -> [ValueID] {
    let x = try node.input(0)
    try b.require(x, "the argument", isOneOf: .u32, .i32, .u64, .i64, .f32, .f64)
    let seed = try node.int("seed", default: 0)
    let target: ElementType = try node.flag("positive", default: true) ? .u32 : .i32
    return [
      try b.elementwise([x]) { graph, values in
        let words = graph.words(values[0])
        var hash = graph.integer(Int(UInt32(truncatingIfNeeded: seed)), .u32)
        for word in words {
          let mixed = graph.rotated(graph.times(word, graph.integer(0xcc9e_2d51, .u32)), by: 15)
          hash = graph.binary(.xor, hash, graph.times(mixed, graph.integer(0x1b87_3593, .u32)))
          let turned = graph.times(graph.rotated(hash, by: 13), graph.integer(5, .u32))
          hash = graph.plus(turned, graph.integer(0xe654_6b64, .u32))
        }
        hash = graph.binary(.xor, hash, graph.integer(4 * words.count, .u32))
        for (shift, factor) in [(16, 0x85eb_ca6b), (13, 0xc2b2_ae35)] {
          hash = graph.times(graph.folded(hash, by: shift), graph.integer(factor, .u32))
        }
        return graph.bitcast(graph.folded(hash, by: 16), to: target)
      }
    ]
  }
}

extension ScalarGraph {
  /// The bits of a number as 32-bit words, the low one first.
  fileprivate mutating func words(_ x: ScalarID) -> [ScalarID] {
    guard type(of: x).bits == 64 else { return [bitcast(x, to: .u32)] }
    let bits = bitcast(x, to: .u64)
    return [cast(bits, to: .u32), cast(binary(.shiftRight, bits, integer(32, .u64)), to: .u32)]
  }

  fileprivate mutating func rotated(_ x: ScalarID, by count: Int) -> ScalarID {
    let high = binary(.shiftLeft, x, integer(count, .u32))
    return binary(.or, high, binary(.shiftRight, x, integer(32 - count, .u32)))
  }

  /// `x ^ (x >> count)`.
  fileprivate mutating func folded(_ x: ScalarID, by count: Int) -> ScalarID {
    binary(.xor, x, binary(.shiftRight, x, integer(count, .u32)))
  }
}
