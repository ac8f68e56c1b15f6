import ONNXReader
import Support
import Verify

/// Values for a model's inputs when the user gives none, the same in every run.
///
/// Open dimensions are 1 unless `bindings` size them; floats are from -1 to 1, integers 0 or 1, which most tables have rows for.
func madeUpInputs(_ model: Model, bindings: [String: Int]) throws(ModelError) -> [(info: ValueInfo, value: HostValue)] {
  var state: UInt64 = 0x9e37_79b9_7f4a_7c15
  func random() -> Double {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Double(state >> 11) / Double(UInt64(1) << 53)
  }
  var result: [(info: ValueInfo, value: HostValue)] = []
  for info in model.requiredInputs {
    guard case .tensor(let element, let dims?)? = info.type else {
      throw .unsupported("input '\(info.name)' needs a value", hint: "give --inputs")
    }
    let sizes = dims.map { dim in
      switch dim {
      case .value(let size): size
      case .param(let name): bindings[name] ?? 1
      case .unknown: 1
      }
    }
    var count = 1
    for size in sizes {
      guard case (let product, false) = count.multipliedReportingOverflow(by: size), product < 1 << 36 else {
        throw .unsupported("input '\(info.name)' is too large to be made up", hint: "give --inputs")
      }
      count = product
    }
    if element == .string {
      let strings = [[UInt8]](repeating: Array("text".utf8), count: count)
      result.append((info, .tensor(TensorData(dims: sizes, strings: strings))))
      continue
    }
    let bytes = Bytes(count: count * element.bytes) { target in
      for index in 0..<count {
        let position = index * element.bytes
        switch element {
        case .f32: target.storeBytes(of: Float(random() * 2 - 1), toByteOffset: position, as: Float.self)
        case .f64: target.storeBytes(of: random() * 2 - 1, toByteOffset: position, as: Double.self)
        case .f16, .bf16:
          let float = Float(random() * 2 - 1)
          let bits = element == .f16 ? Float16(float).bitPattern : UInt16(float.bitPattern >> 16)
          target.storeBytes(of: bits, toByteOffset: position, as: UInt16.self)
        case .bool, .u2, .u4, .i2, .i4: target[position] = random() < 0.5 ? 0 : 1
        case .i8, .i16, .i32, .i64, .u8, .u16, .u32, .u64: target[position] = UInt8(random() * 2)
        case .f4e2m1, .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .f8e8m0, .c64, .c128, .string: continue
        }
      }
    }
    result.append((info, .tensor(TensorData(element: element, dims: sizes, bytes: bytes))))
  }
  return result
}
