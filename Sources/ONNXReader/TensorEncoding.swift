import Support

extension TensorData {
  /// The tensor as a serialized TensorProto.
  public func serialized() -> [UInt8] {
    var wire = WireWriter()
    for dim in dims { wire.number(1, UInt64(dim)) }
    wire.number(2, UInt64(element.onnxNumber))
    for string in strings { wire.bytes(6, string) }
    if !name.isEmpty { wire.bytes(8, Array(name.utf8)) }
    if element != .string { wire.bytes(9, PackedElements.packed(bytes, count: count, element).array) }
    return wire.output
  }
}

/// Writes the fields of one protobuf message.
public struct WireWriter {
  /// The message so far.
  public private(set) var output: [UInt8] = []

  public init() {}

  /// Appends a field that holds an integer.
  public mutating func number(_ field: Int, _ value: UInt64) {
    varint(UInt64(field) << 3)
    varint(value)
  }

  /// Appends a field that holds bytes, a string or a message.
  public mutating func bytes(_ field: Int, _ value: [UInt8]) {
    varint(UInt64(field) << 3 | 2)
    varint(UInt64(value.count))
    output += value
  }

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      output.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    output.append(UInt8(rest))
  }
}
