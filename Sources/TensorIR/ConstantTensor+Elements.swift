import Support

extension ConstantTensor {
  /// The elements of an integer or `bool` tensor.
  public var integers: [Int] {
    let element = type.element
    return (0..<count).map { ConstantTensor.integer(element, at: $0, in: bytes) }
  }

  /// The elements of a numeric tensor converted to double.
  public var doubles: [Double] {
    type.element.isFloat ? ConstantTensor.floats(type.element, bytes, 0..<count) : integers.map { Double($0) }
  }

  static func integer(_ element: ElementType, at index: Int, in bytes: Bytes) -> Int {
    func load<T: FixedWidthInteger>(_: T.Type) -> Int {
      bytes.withUnsafeBytes { Int(truncatingIfNeeded: $0.loadUnaligned(fromByteOffset: index * MemoryLayout<T>.size, as: T.self)) }
    }
    switch element {
    case .i8, .i4, .i2: return load(Int8.self)
    case .i16: return load(Int16.self)
    case .i32: return load(Int32.self)
    case .i64: return load(Int64.self)
    case .bool, .u8, .u4, .u2, .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .f8e8m0, .f4e2m1: return load(UInt8.self)
    case .u16, .f16, .bf16: return load(UInt16.self)
    case .u32: return load(UInt32.self)
    case .u64: return load(UInt64.self)
    case .f32, .f64, .c64, .c128, .string: fatalError("\(element) is not an integer type")
    }
  }

  static func floats(_ element: ElementType, _ bytes: Bytes, _ range: Range<Int>) -> [Double] {
    bytes.withUnsafeBytes { raw in
      switch element {
      case .f32: return range.map { Double(raw.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self)) }
      case .f64: return range.map { raw.loadUnaligned(fromByteOffset: $0 * 8, as: Double.self) }
      default: return range.map { SmallFloat.decode(element, integer(element, at: $0, in: bytes)) }
      }
    }
  }

  /// A tensor of the given numbers, rounded or wrapped to the element type.
  public init(_ element: ElementType, dims: [Int], doubles: [Double]) {
    self.init(element, dims: dims, bytes: ConstantTensor.encode(element, doubles))
  }

  /// A tensor of the given integers, wrapped to the element type.
  public init(_ element: ElementType, dims: [Int], integers: [Int]) {
    self.init(element, dims: dims, bytes: ConstantTensor.encode(element, integers))
  }

  /// A 1-D `i64` tensor.
  public static func integers(_ values: [Int]) -> ConstantTensor {
    ConstantTensor(.i64, dims: [values.count], integers: values)
  }

  /// A rank-0 tensor.
  public static func scalar(_ value: Double, _ element: ElementType) -> ConstantTensor {
    element.isFloat
      ? ConstantTensor(element, dims: [], doubles: [value]) : ConstantTensor(element, dims: [], integers: [Int(value)])
  }

  static func encode(_ element: ElementType, _ values: [Double]) -> [UInt8] {
    switch element {
    case .f32: return values.map { Float($0) }.withUnsafeBytes { Array($0) }
    case .f64: return values.withUnsafeBytes { Array($0) }
    default:
      precondition(element.isFloat, "floats for \(element)")
      return encode(element, values.map { SmallFloat.encode(element, $0) })
    }
  }

  static func encode(_ element: ElementType, _ values: [Int]) -> [UInt8] {
    switch element.bytes {
    case 1: return values.map { UInt8(truncatingIfNeeded: $0) }
    case 2: return values.map { UInt16(truncatingIfNeeded: $0) }.withUnsafeBytes { Array($0) }
    case 4: return values.map { UInt32(truncatingIfNeeded: $0) }.withUnsafeBytes { Array($0) }
    case 8: return values.withUnsafeBytes { Array($0) }
    default: fatalError("integers for \(element)")
    }
  }
}
