import CONNXProto
import Support

/// Large runs of bytes in a serialized model, which are used where they lie: what is mapped from a file takes memory only while it is read.
struct FilePieces {
  private static let threshold = 1 << 16

  private let file: Bytes
  /// Where runs begin, by their length.
  private var offsets: [Int: [Int]] = [:]

  /// No pieces.
  init() { file = Bytes() }

  /// The pieces of a well-formed model.
  init(_ file: Bytes, as descriptor: ProtobufCMessageDescriptor) throws(ModelError) {
    self.file = file
    var found: [Range<Int>] = []
    try withUnsafePointer(to: descriptor) { (pointer) throws(ModelError) in
      try WireCheck.check(file, as: pointer) { if $0.count >= Self.threshold { found.append($0) } }
    }
    for range in found { offsets[range.count, default: []].append(range.lowerBound) }
  }

  /// The piece that is equal to some bytes, if there is one.
  func piece(equalTo bytes: Bytes) -> Bytes? {
    offsets[bytes.count]?.lazy.map { file[$0..<$0 + bytes.count] }.first { $0 == bytes }
  }
}
