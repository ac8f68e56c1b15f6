import Support

/// Strings as tensors of numbers: spans, `i64` elements of `start << 32 | count`, into a vector of bytes.
extension TensorData {
  /// The strings as spans and bytes, in which equal strings are one.
  public var stringParts: (spans: TensorData, bytes: TensorData) {
    var pool: [UInt8] = []
    var known: [[UInt8]: Int] = [:]
    let spans = strings.map { string in
      if let span = known[string] { return span }
      let span = pool.count << 32 | string.count
      pool += string
      known[string] = span
      return span
    }
    let bytes = Bytes(count: spans.count * 8) { target in
      for (index, span) in spans.enumerated() { target.storeBytes(of: span.littleEndian, toByteOffset: index * 8, as: Int.self) }
    }
    return (
      TensorData(name: name, element: .i64, dims: dims, bytes: bytes),
      TensorData(name: "\(name).bytes", element: .u8, dims: [pool.count], bytes: Bytes(pool))
    )
  }

  /// The strings that spans and bytes stand for; nil if a span is out of range.
  public init?(spans: TensorData, bytes: TensorData) {
    guard spans.element == .i64, bytes.element == .u8 else { return nil }
    var strings: [[UInt8]] = []
    for index in 0..<spans.count {
      let span = spans.bytes.load(index, as: Int.self)
      let (start, count) = (span >> 32, span & 0xffff_ffff)
      guard start >= 0, start + count <= bytes.bytes.count else { return nil }
      strings.append((start..<start + count).map { bytes.bytes[$0] })
    }
    self.init(name: spans.name, dims: spans.dims, strings: strings)
  }
}
