import CONNXProto
import Support

/// Checks serialized messages before they are unpacked, because unpacking recurses and trusts its input.
///
/// - Messages nest at most `maximumDepth` deep, graphs at most `maximumGraphs`.
/// - Lengths stay within the enclosing message, and tags and numbers are well formed.
/// - A field that may occur once occurs once; merging repeats takes quadratic time.
struct WireCheck {
  static let maximumGraphs = 100
  static let maximumDepth = 4 * maximumGraphs

  /// A message whose fields are being read.
  private struct Frame {
    var descriptor: UnsafePointer<ProtobufCMessageDescriptor>
    var end: Int
    /// Bits of the singular message fields seen, by field index.
    var seen: UInt64 = 0
  }

  /// Throws when `bytes` is not a well-formed message of the type that `descriptor` describes; `found` is given the place of
  /// every run of bytes in it.
  static func check(
    _ bytes: Bytes, as descriptor: UnsafePointer<ProtobufCMessageDescriptor>, found: (Range<Int>) -> Void
  ) throws(ModelError) {
    try bytes.withUnsafeBytes { (buffer) throws(ModelError) in
      try check(WireCursor(buffer: buffer), descriptor, found)
    }
  }

  private static func check(
    _ start: WireCursor, _ descriptor: UnsafePointer<ProtobufCMessageDescriptor>, _ found: (Range<Int>) -> Void
  ) throws(ModelError) {
    let graph = withUnsafePointer(to: onnx__graph_proto__descriptor) { $0.pointee.name }
    var cursor = start
    var stack = [Frame(descriptor: descriptor, end: cursor.buffer.count)]
    var graphs = descriptor.pointee.name == graph ? 1 : 0
    while let frame = stack.last {
      if cursor.offset == frame.end {
        if frame.descriptor.pointee.name == graph { graphs -= 1 }
        stack.removeLast()
        continue
      }
      guard let tag = cursor.varint(end: frame.end), tag >> 3 > 0, tag >> 32 == 0 else { throw malformed(cursor) }
      guard let length = cursor.payload(wireType: tag & 7, end: frame.end) else { throw malformed(cursor) }
      let field = protobuf_c_message_descriptor_get_field(frame.descriptor, UInt32(tag >> 3))
      guard tag & 7 == 2, let field, field.pointee.type == PROTOBUF_C_TYPE_MESSAGE, let type = field.pointee.descriptor
      else {
        if field?.pointee.type == PROTOBUF_C_TYPE_BYTES { found(cursor.offset..<cursor.offset + length) }
        cursor.offset += length
        continue
      }
      if field.pointee.label != PROTOBUF_C_LABEL_REPEATED {
        let bit = UInt64(1) << UInt64(field - frame.descriptor.pointee.fields)
        guard frame.seen & bit == 0 else {
          throw .invalid(
            "field '\(String(cString: field.pointee.name))' of \(String(cString: frame.descriptor.pointee.short_name)) "
              + "is given twice at byte \(cursor.offset)")
        }
        stack[stack.count - 1].seen |= bit
      }
      let inner = type.assumingMemoryBound(to: ProtobufCMessageDescriptor.self)
      if inner.pointee.name == graph { graphs += 1 }
      guard graphs <= maximumGraphs, stack.count < maximumDepth else {
        throw .invalid("nesting at byte \(cursor.offset) is deeper than \(maximumGraphs) graphs")
      }
      stack.append(Frame(descriptor: inner, end: cursor.offset + length))
    }
  }

  private static func malformed(_ cursor: WireCursor) -> ModelError {
    .invalid("not an ONNX protobuf: malformed data at byte \(cursor.offset)", hint: "the file may be truncated")
  }
}

/// A position in serialized data.
private struct WireCursor {
  let buffer: UnsafeRawBufferPointer
  var offset = 0

  /// Reads a variable-length number that ends before `end`.
  mutating func varint(end: Int) -> UInt64? {
    var result: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      guard offset < end else { return nil }
      let byte = buffer[offset]
      offset += 1
      result |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return result }
    }
    return nil
  }

  /// The size of the value that follows a tag, with the cursor moved to its start; `nil` when it does not fit.
  mutating func payload(wireType: UInt64, end: Int) -> Int? {
    switch wireType {
    case 0: return varint(end: end) == nil ? nil : 0
    case 1: return end - offset >= 8 ? 8 : nil
    case 2:
      guard let length = varint(end: end), length <= UInt64(end - offset) else { return nil }
      return Int(length)
    case 5: return end - offset >= 4 ? 4 : nil
    case _: return nil
    }
  }
}
