import ONNXReader
import Support
import Testing

struct HostValueTests {
  private let one = TensorData(element: .u8, dims: [1], bytes: Bytes([1]))

  private func message(_ build: (inout WireWriter) -> Void) -> [UInt8] { ModelBuilder.message(build) }

  private var sequence: [UInt8] {
    message {
      $0.bytes(1, ModelBuilder.text("s"))
      $0.number(2, 1)
      for _ in 0..<3 { $0.bytes(3, one.serialized()) }
    }
  }

  private var map: [UInt8] {
    message {
      $0.number(2, UInt64(ElementType.i64.onnxNumber))
      for key in [5, 6, 7] as [UInt64] { $0.number(3, key) }
      $0.bytes(5, sequence)
    }
  }

  private var optional: [UInt8] {
    message {
      $0.number(2, 3)
      $0.bytes(5, sequence)
    }
  }

  private let anyTensor = TypeDef.tensor(.u8, nil)

  @Test func readsContainers() throws {
    let items = [HostValue](repeating: .tensor(one), count: 3)
    let decoded = try HostValue.decode(Bytes(sequence), type: .sequence(anyTensor))
    #expect(decoded.name == "s")
    #expect(decoded.value == .sequence(items))
    #expect(
      try HostValue.decode(Bytes(optional), type: .optional(.sequence(anyTensor))).value == .optional(.sequence(items)))
    #expect(try HostValue.decode(Bytes(), type: .optional(anyTensor)).value == .optional(nil))
    guard case .map(let map) = try HostValue.decode(Bytes(map), type: .map(key: .i64, value: anyTensor)).value else {
      Issue.record("not a map")
      return
    }
    #expect(map.keys.doubles() == [5, 6, 7])
    #expect(map.values == items)
  }

  /// Damaged values give a value or a diagnostic, never a crash.
  @Test func survivesDamage() {
    let originals: [([UInt8], TypeDef)] = [
      (sequence, .sequence(anyTensor)), (map, .map(key: .i64, value: anyTensor)),
      (optional, .optional(.sequence(anyTensor))), (one.serialized(), anyTensor),
    ]
    var state: UInt64 = 7
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    var refused = 0
    for round in 0..<4000 {
      var (bytes, type) = originals[round % originals.count]
      if random(3) == 0 { bytes = Array(bytes.prefix(random(bytes.count))) }
      for _ in 0..<random(4) where !bytes.isEmpty { bytes[random(bytes.count)] = UInt8(random(256)) }
      if (try? HostValue.decode(Bytes(bytes), type: type)) == nil { refused += 1 }
    }
    #expect(refused > 1000)
  }
}
