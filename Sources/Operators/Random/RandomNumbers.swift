import Support
import TensorIR

/// Random numbers as a function of a key and an element's position: compiled code has no state and repeats itself.
///
/// The bits are those of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014),
/// whose state at a position is the key plus a multiple of an odd constant.
struct RandomNumbers {
  private let key: UInt64
  private static let step: UInt64 = 0x9e37_79b9_7f4a_7c15

  /// The key of attribute `seed`; without it, one made of the node's name and its place in the graph.
  init(_ node: OperatorNode, _ b: GraphBuilder) throws(ModelError) {
    var bits: UInt64
    switch node.definition.attributes["seed"] {
    case nil:
      // FNV-1a
      bits = 0xcbf2_9ce4_8422_2325
      for byte in b.origin.utf8 { bits = (bits ^ UInt64(byte)) &* 0x100_0000_01b3 }
      bits &+= UInt64(b.graph.nodes.count)
    case .int: bits = UInt64(bitPattern: Int64(try node.int("seed", default: 0)))
    case .some: bits = try node.float("seed", default: 0).bitPattern
    }
    key = RandomNumbers.mixed(bits)
  }

  private static func mixed(_ bits: UInt64) -> UInt64 {
    var z = bits
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// 64 random bits (`u64`) for a position.
  private func bits(_ position: ScalarID, _ graph: inout ScalarGraph) -> ScalarID {
    func constant(_ bits: UInt64) -> ScalarID { graph.integer(Int(bitPattern: UInt(bits)), .u64) }
    func folded(_ z: ScalarID, _ places: UInt64) -> ScalarID {
      graph.binary(.xor, z, graph.binary(.shiftRight, z, constant(places)))
    }
    let count = graph.plus(graph.cast(position, to: .u64), constant(1))
    var z = graph.plus(graph.times(count, constant(RandomNumbers.step)), constant(key))
    z = graph.times(folded(z, 30), constant(0xbf58_476d_1ce4_e5b9))
    z = graph.times(folded(z, 27), constant(0x94d0_49bb_1331_11eb))
    return folded(z, 31)
  }

  /// A number of `0 ..< 1` with as many random digits as the type holds; of `0 <... 1` on request.
  func uniform(
    _ position: ScalarID, _ type: ElementType, excludesZero: Bool = false, _ graph: inout ScalarGraph
  ) -> ScalarID {
    let digits =
      switch type {
      case .f64: 53
      case .f16: 11
      case .bf16: 8
      default: 24
      }
    let shifted = graph.binary(.shiftRight, bits(position, &graph), graph.integer(64 - digits, .u64))
    let count = graph.plus(graph.cast(shifted, to: .i64), graph.integer(excludesZero ? 1 : 0))
    return graph.times(graph.cast(count, to: type), graph.number(1 / Double(1 << digits), type))
  }

  /// A number of the standard normal distribution, as `f64`, by the transformation of Box and Muller.
  func normal(_ position: ScalarID, _ graph: inout ScalarGraph) -> ScalarID {
    let first = graph.times(position, graph.integer(2))
    let radius = uniform(first, .f64, excludesZero: true, &graph)
    let angle = uniform(graph.plus(first, graph.integer(1)), .f64, &graph)
    let length = graph.unary(.sqrt, graph.times(graph.unary(.log, radius), graph.number(-2, .f64)))
    return graph.times(length, graph.unary(.cos, graph.times(angle, graph.number(2 * Double.pi, .f64))))
  }
}

extension ScalarGraph {
  /// The row-major position of the iteration axes of a shape.
  mutating func linearPosition(_ shape: [Dim]) -> ScalarID {
    var position = integer(0)
    for (axis, extent) in shape.enumerated() { position = plus(times(position, dim(extent)), self.axis(axis)) }
    return position
  }
}
