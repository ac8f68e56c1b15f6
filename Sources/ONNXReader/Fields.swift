import CONNXProto

/// The elements of a repeated message field.
func messages<T>(_ count: Int, _ start: UnsafeMutablePointer<UnsafeMutablePointer<T>?>?) -> [UnsafeMutablePointer<T>] {
  UnsafeBufferPointer(start: start, count: start == nil ? 0 : count).compactMap { $0 }
}

/// The elements of a repeated field of numbers.
func numbers<T>(_ count: Int, _ start: UnsafeMutablePointer<T>?) -> UnsafeBufferPointer<T> {
  UnsafeBufferPointer(start: start, count: start == nil ? 0 : count)
}

/// The elements of a repeated string field.
func texts(_ count: Int, _ start: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> [String] {
  numbers(count, start).map(text)
}

/// The elements of a repeated field of byte strings.
func byteStrings(_ count: Int, _ start: UnsafeMutablePointer<ProtobufCBinaryData>?) -> [[UInt8]] {
  numbers(count, start).map(byteString)
}

/// A string field; empty when absent.
func text(_ pointer: UnsafeMutablePointer<CChar>?) -> String { pointer.map { String(cString: $0) } ?? "" }

/// A field of bytes; empty when absent.
func byteString(_ data: ProtobufCBinaryData) -> [UInt8] {
  [UInt8](UnsafeBufferPointer(start: data.data, count: data.data == nil ? 0 : data.len))
}

/// The operator domain as this reader spells it: the standard domain is "".
func domainName(_ pointer: UnsafeMutablePointer<CChar>?) -> String {
  let name = text(pointer)
  return name == "ai.onnx" ? "" : name
}
