import Support
import TensorIR

/// Takes 0 for subnormal weights of contractions, which regularization leaves of what a model does not need, beside
/// others that are at least 2^24 times as large.
///
/// They change no sum of usual size, and processors take a hundred times as long to multiply subnormal numbers.
func flushWeights(_ graph: Graph) -> Graph {
  var result = graph
  let producers = graph.producers()
  var flushed: [ValueID: ValueID] = [:]
  result.nodes = []
  for var node in graph.nodes {
    if case .contract = node.primitive {
      for position in 0..<2 {
        let factor = node.operands[position]
        if flushed[factor] == nil {
          let weights = graph.constant(factor, producers)?.withoutSubnormals
          flushed[factor] = weights.map { result.add(.constant($0), [], origin: node.origin) } ?? factor
        }
        node.operands[position] = flushed[factor] ?? factor
      }
    }
    result.nodes.append(node)
  }
  return eliminateDeadCode(result)
}

extension ConstantTensor {
  /// With zeros for subnormal numbers; nil if there are none, or no numbers that are much larger.
  fileprivate var withoutSubnormals: ConstantTensor? {
    switch type.element {
    case .f32: flushed(leastNormal: Float(0x1p-126).bitPattern, sign: 1 << 31, enough: Float(0x1p-102).bitPattern)
    case .f64: flushed(leastNormal: 0x1p-1022.bitPattern, sign: 1 << 63, enough: 0x1p-998.bitPattern)
    case .f16, .bf16, .f4e2m1, .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .f8e8m0, .bool, .i2, .i4, .i8, .i16, .i32,
      .i64, .u2, .u4, .u8, .u16, .u32, .u64, .c64, .c128, .string:
      nil
    }
  }

  /// The same for the bits of numbers, given the bits of some magnitudes and that of the sign.
  private func flushed<Bits: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
    leastNormal: Bits, sign: Bits, enough: Bits
  ) -> ConstantTensor? {
    let size = MemoryLayout<Bits>.size
    func isSubnormal(_ bits: Bits) -> Bool { (bits & ~sign) &- 1 < leastNormal - 1 }
    let (count, greatest) = bytes.withUnsafeBytesOnce { input in
      var (count, greatest) = (0, Bits(0))
      for position in 0..<input.count / size {
        let bits = input.loadUnaligned(fromByteOffset: position &* size, as: Bits.self)
        count &+= isSubnormal(bits) ? 1 : 0
        greatest = max(greatest, bits & ~sign)
      }
      return (count, greatest)
    }
    guard count > 0, greatest >= enough else { return nil }
    let flushed = Bytes(count: bytes.count) { output in
      bytes.withUnsafeBytesOnce { input in
        for offset in stride(from: 0, to: input.count, by: size) {
          let bits = input.loadUnaligned(fromByteOffset: offset, as: Bits.self)
          output.storeBytes(of: isSubnormal(bits) ? 0 : bits, toByteOffset: offset, as: Bits.self)
        }
      }
    }
    return ConstantTensor(type.element, dims: dims, bytes: flushed)
  }
}
