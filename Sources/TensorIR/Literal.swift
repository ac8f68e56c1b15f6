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
  final class Storage: Sendable {
    let bytes: [UInt8]
    init(_ bytes: [UInt8]) { self.bytes = bytes }
  }

  public let type: TensorType
  /// Extents, all constant.
  public let dims: [Int]
  private let storage: Storage

  /// Wraps little-endian elements of `element.bytes` each; the byte count matches the shape.
  public init(_ element: ElementType, dims: [Int], bytes: [UInt8]) {
    precondition(bytes.count == dims.reduce(1, *) * element.bytes, "constant of \(dims) has \(bytes.count) bytes")
    type = TensorType(element, dims.map { Dim($0) })
    self.dims = dims
    storage = Storage(bytes)
  }

  public var bytes: [UInt8] { storage.bytes }
  public var count: Int { dims.reduce(1, *) }

  /// The same elements under another shape of equal size.
  public func reshaped(_ dims: [Int]) -> ConstantTensor {
    ConstantTensor(type.element, dims: dims, bytes: bytes)
  }

  public static func == (a: ConstantTensor, b: ConstantTensor) -> Bool {
    a.type == b.type && (a.storage === b.storage || a.bytes == b.bytes)
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(type)
    hasher.combine(bytes.count)
    for byte in bytes.prefix(64) { hasher.combine(byte) }
  }
}
