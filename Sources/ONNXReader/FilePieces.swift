import Support

/// Large runs of bytes in a serialized model, which are used where they lie: what is mapped from a file takes memory only while it is read.
struct FilePieces {
  private static let threshold = 1 << 16

  private let file: Bytes
  /// Where runs begin, by their length.
  private var offsets: [Int: [Int]] = [:]

  /// No pieces.
  init() { file = Bytes() }

  /// The large ones of some runs of bytes in a file.
  init(_ file: Bytes, runs: [Range<Int>]) {
    self.file = file
    for run in runs where run.count >= Self.threshold { offsets[run.count, default: []].append(run.lowerBound) }
  }

  /// The piece that is equal to some bytes, if there is one.
  func piece(equalTo bytes: Bytes) -> Bytes? {
    offsets[bytes.count]?.lazy.map { file[$0..<$0 + bytes.count] }.first { $0 == bytes }
  }
}
