import Support

/// A scalar literal; floats compare by bit pattern, so that NaN equals itself and -0 differs from 0.
public enum Literal: Hashable, Sendable {
  case integer(Int)
  case floatBits(UInt64)

  public static func float(_ value: Double) -> Literal { .floatBits(value.bitPattern) }

  /// The value as a float, whichever kind it is.
  public var double: Double {
    switch self {
    case .integer(let value): Double(value)
    case .floatBits(let bits): Double(bitPattern: bits)
    }
  }
}

/// A tensor whose elements are known at compile time, shared by reference and compared by content.
public struct ConstantTensor: Hashable, Sendable {
  public let type: TensorType
  /// Extents, all constant.
  public let dims: [Int]
  /// Little-endian elements of `element.bytes` each, in row-major order.
  public let bytes: Bytes

  /// Wraps elements; the byte count matches the shape.
  public init(_ element: ElementType, dims: [Int], bytes: Bytes) {
    precondition(bytes.count == dims.reduce(1, *) * element.bytes, "constant of \(dims) has \(bytes.count) bytes")
    type = TensorType(element, dims.map { Dim($0) })
    self.dims = dims
    self.bytes = bytes
  }

  public init(_ element: ElementType, dims: [Int], bytes: [UInt8]) {
    self.init(element, dims: dims, bytes: Bytes(bytes))
  }

  public var count: Int { dims.reduce(1, *) }

  /// Elements between neighbours along each dimension.
  public var strides: [Int] { dims.rowMajorStrides }

  /// The same elements under another shape of equal size.
  public func reshaped(_ dims: [Int]) -> ConstantTensor {
    ConstantTensor(type.element, dims: dims, bytes: bytes)
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(type)
    for index in 0..<min(64, bytes.count) { hasher.combine(bytes[index]) }
  }
}

extension Array where Element == Int {
  /// Elements between neighbours along each axis of a tensor with these extents in row-major order.
  public var rowMajorStrides: [Int] { indices.map { self[($0 + 1)...].reduce(1, *) } }
}
