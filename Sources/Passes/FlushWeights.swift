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
    case .f32: withoutSubnormals(Float.self)
    case .f64: withoutSubnormals(Double.self)
    case .f16, .bf16, .f4e2m1, .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .f8e8m0, .bool, .i2, .i4, .i8, .i16, .i32,
      .i64, .u2, .u4, .u8, .u16, .u32, .u64, .c64, .c128, .string:
      nil
    }
  }

  private func withoutSubnormals<Number: BinaryFloatingPoint & BitwiseCopyable>(_: Number.Type) -> ConstantTensor? {
    let size = MemoryLayout<Number>.size
    let (isAny, greatest) = bytes.withUnsafeBytesOnce { input in
      var (isAny, greatest) = (false, Number.zero)
      for position in 0..<input.count / size {
        let number = input.loadUnaligned(fromByteOffset: position &* size, as: Number.self)
        isAny = isAny || number.isSubnormal
        greatest = max(greatest, number.magnitude)
      }
      return (isAny, greatest)
    }
    guard isAny, greatest >= Number.leastNormalMagnitude * 0x1p24 else { return nil }
    let flushed = Bytes(count: bytes.count) { output in
      bytes.withUnsafeBytesOnce { input in
        for position in 0..<input.count / size {
          let number = input.loadUnaligned(fromByteOffset: position &* size, as: Number.self)
          output.storeBytes(of: number.isSubnormal ? 0 : number, toByteOffset: position &* size, as: Number.self)
        }
      }
    }
    return ConstantTensor(type.element, dims: dims, bytes: flushed)
  }
}
