import Support
import Testing

@testable import ONNXReader

/// The tensor that a serialized TensorProto holds.
private func decode(_ build: (inout WireWriter) -> Void) throws -> TensorData {
  var wire = WireWriter()
  build(&wire)
  guard case .tensor(let tensor) = try HostValue.decode(Bytes(wire.output), type: .tensor(.f32, nil)).value else {
    throw ModelError.invalid("not a tensor")
  }
  return tensor
}

struct TensorTests {
  @Test func readsEveryField() throws {
    func numbers(_ element: ElementType, field: Int, _ values: [UInt64], count: Int) throws -> [Double]? {
      try decode {
        $0.number(1, UInt64(count))
        $0.number(2, UInt64(element.onnxNumber))
        for value in values { $0.number(field, value) }
      }.doubles()
    }
    #expect(try numbers(.i32, field: 5, [1, UInt64(bitPattern: -2)], count: 2) == [1, -2])
    #expect(try numbers(.i8, field: 5, [UInt64(bitPattern: -128)], count: 1) == [-128])
    #expect(try numbers(.u8, field: 5, [255], count: 1) == [255])
    #expect(try numbers(.u16, field: 5, [65535], count: 1) == [65535])
    #expect(try numbers(.bool, field: 5, [1, 0], count: 2) == [1, 0])
    #expect(try numbers(.f16, field: 5, [0x3c00, 0xc000], count: 2) == [1, -2])
    #expect(try numbers(.bf16, field: 5, [0x3f80, 0xc000], count: 2) == [1, -2])
    #expect(try numbers(.i64, field: 7, [UInt64(bitPattern: -5)], count: 1) == [-5])
    #expect(try numbers(.u32, field: 11, [4_000_000_000], count: 1) == [4e9])
    #expect(try numbers(.u64, field: 11, [7], count: 1) == [7])
    #expect(try numbers(.i4, field: 5, [0x8f, 0x07], count: 3) == [-1, -8, 7])
    #expect(try numbers(.u4, field: 5, [0x8f, 0x07], count: 3) == [15, 8, 7])
    #expect(try numbers(.i2, field: 5, [0b1110_0100], count: 4) == [0, 1, -2, -1])
    #expect(throws: ModelError.self) { try numbers(.u8, field: 5, [256], count: 1) }
    #expect(throws: ModelError.self) { try numbers(.i32, field: 5, [1], count: 2) }
  }

  @Test func packsAndUnpacksNarrowElements() throws {
    for element in [ElementType.i2, .u2, .i4, .u4, .f4e2m1] {
      let limit = element.bits == 2 ? 4 : 16
      let stored = Bytes((0..<5).map { UInt8(($0 * 37) % 256) }[0..<PackedElements.storedBytes(count: 5, element)] + [])
      let tensor = TensorData(
        name: "t", element: element, dims: [5], bytes: PackedElements.unpacked(stored, count: 5, element))
      #expect(tensor.doubles()!.allSatisfy { abs($0) < Double(limit) })
      let back = try HostValue.decode(Bytes(tensor.serialized()), type: .tensor(element, nil))
      #expect(back.value == .tensor(tensor))
      #expect(back.name == "t")
    }
  }

  @Test func readsStrings() throws {
    let tensor = TensorData(name: "s", dims: [2], strings: [[0x61], []])
    #expect(try HostValue.decode(Bytes(tensor.serialized()), type: .tensor(.string, nil)).value == .tensor(tensor))
  }

  @Test func decodesSmallFloats() {
    #expect(SmallFloat(.f8e4m3fn).double(bits: 0x7e) == 448)
    #expect(SmallFloat(.f8e4m3fn).double(bits: 0x7f).isNaN)
    #expect(SmallFloat(.f8e4m3fnuz).double(bits: 0x7f) == 240)
    #expect(SmallFloat(.f8e4m3fnuz).double(bits: 0x80).isNaN)
    #expect(SmallFloat(.f8e5m2).double(bits: 0x7b) == 57344)
    #expect(SmallFloat(.f8e5m2).double(bits: 0xfc) == -.infinity)
    #expect(SmallFloat(.f8e5m2fnuz).double(bits: 0x7f) == 57344)
    #expect(SmallFloat(.f8e8m0).double(bits: 0) == 0x1p-127)
    #expect(SmallFloat(.f8e8m0).double(bits: 128) == 2)
    #expect((0..<8).map { SmallFloat(.f4e2m1).double(bits: $0) } == [0, 0.5, 1, 1.5, 2, 3, 4, 6])
    #expect(SmallFloat(.f16).double(bits: 1) == 0x1p-24)
    #expect(SmallFloat(.f16).double(bits: 0x7bff) == 65504)
  }

  @Test func makesSparseTensorsDense() {
    let values = TensorData(element: .u8, dims: [2], bytes: Bytes([7, 9]))
    let indices = TensorData(element: .i64, dims: [2], bytes: Bytes([1] + [UInt8](repeating: 0, count: 7) + [3] + [UInt8](repeating: 0, count: 7)))
    let sparse = SparseTensorData(values: values, indices: indices, dims: [2, 2])
    #expect(sparse.dense()?.doubles() == [0, 7, 0, 9])
    #expect(SparseTensorData(values: values, indices: indices, dims: [3]).dense() == nil)
  }
}

struct NPYTests {
  @Test func roundTrips() throws {
    let tensors = [
      TensorData(element: .f32, dims: [2, 1], bytes: Bytes([0, 0, 0x80, 0x3f, 0, 0, 0, 0x40])),
      TensorData(element: .bool, dims: [3], bytes: Bytes([1, 0, 1])),
      TensorData(element: .i64, dims: [], bytes: Bytes([1, 2, 3, 4, 5, 6, 7, 8])),
      TensorData(element: .u16, dims: [0, 4], bytes: Bytes()),
      TensorData(dims: [2], strings: [[0x61, 0x62], [0x63]]),
    ]
    for tensor in tensors {
      let file = NPY.encode(tensor)
      #expect(tensor.element == .string || file.count % 64 == tensor.bytes.count % 64)
      #expect(try NPY.decode(Bytes(file)) == tensor)
      for length in 0..<file.count where tensor.count > 0 {
        #expect(throws: ModelError.self) { try NPY.decode(Bytes(Array(file.prefix(length)))) }
      }
    }
  }

  @Test func widensTypesThatNumPyLacks() throws {
    let half = TensorData(element: .bf16, dims: [1], bytes: Bytes([0x80, 0x3f]))
    #expect(try NPY.decode(Bytes(NPY.encode(half))).doubles() == [1])
    let nibble = TensorData(element: .i4, dims: [1], bytes: Bytes([0xff]))
    #expect(try NPY.decode(Bytes(NPY.encode(nibble))).element == .i8)
  }
}
