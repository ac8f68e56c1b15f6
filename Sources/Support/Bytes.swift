import Glibc

/// An immutable run of bytes in memory or in a mapped file, shared without copying.
public struct Bytes: Sendable {
  private let owner: BytesOwner
  private let offset: Int
  public let count: Int

  private init(owner: BytesOwner, offset: Int, count: Int) {
    self.owner = owner
    self.offset = offset
    self.count = count
  }

  /// No bytes.
  public init() { self.init([]) }

  /// The bytes of an array.
  public init(_ array: [UInt8]) {
    self.init(count: array.count) { $0.copyBytes(from: array) }
  }

  /// `count` zero bytes that `fill` may overwrite.
  public init(count: Int, fill: (UnsafeMutableRawBufferPointer) -> Void) {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(count, 1), alignment: 64)
    memory.initializeMemory(as: UInt8.self, repeating: 0)
    fill(UnsafeMutableRawBufferPointer(start: memory.baseAddress, count: count))
    self.init(
      owner: BytesOwner(start: UnsafeRawPointer(memory.baseAddress!), count: memory.count, release: .deallocate),
      offset: 0, count: count)
  }

  /// Takes over memory from `malloc`, which is freed with the last user.
  public init(takingMalloc start: UnsafeMutableRawPointer, count: Int) {
    self.init(owner: BytesOwner(start: UnsafeRawPointer(start), count: count, release: .free), offset: 0, count: count)
  }

  /// Takes over a mapping from `mmap`, which is unmapped with the last user.
  public init(takingMapping start: UnsafeMutableRawPointer, count: Int) {
    self.init(owner: BytesOwner(start: UnsafeRawPointer(start), count: count, release: .unmap), offset: 0, count: count)
  }

  /// Bytes in memory that `owner` keeps alive and unchanged.
  public init(start: UnsafeRawPointer, count: Int, owner: AnyObject) {
    self.init(owner: BytesOwner(start: start, count: count, release: .owner(owner)), offset: 0, count: count)
  }

  /// A part of these bytes; the range must lie within them.
  public subscript(range: Range<Int>) -> Bytes {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "byte range \(range) outside 0..<\(count)")
    return Bytes(owner: owner, offset: offset + range.lowerBound, count: range.count)
  }

  public subscript(index: Int) -> UInt8 {
    precondition(index >= 0 && index < count, "byte \(index) outside 0..<\(count)")
    return owner.start.load(fromByteOffset: offset + index, as: UInt8.self)
  }

  /// Calls `body` with the bytes, which may be unaligned and must not escape.
  public func withUnsafeBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(UnsafeRawBufferPointer(start: owner.start + offset, count: count))
  }

  /// Calls `body` with the bytes for what may be the last time: a mapped file gives its memory back, and is read again where it is needed.
  public func withUnsafeBytesOnce<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    defer { owner.releasePages(offset..<offset + count) }
    return withUnsafeBytes(body)
  }

  /// The value at `index` of an array of `T`, which these bytes hold in little-endian order.
  public func load<T: BitwiseCopyable>(_ index: Int, as type: T.Type) -> T {
    let size = MemoryLayout<T>.size
    precondition(index >= 0 && (index + 1) * size <= count, "element \(index) outside \(count) bytes")
    return owner.start.loadUnaligned(fromByteOffset: offset + index * size, as: type)
  }

  /// A copy as an array.
  public var array: [UInt8] { withUnsafeBytes { Array($0) } }
}

extension Bytes: Hashable {
  public static func == (a: Bytes, b: Bytes) -> Bool {
    a.count == b.count
      && a.withUnsafeBytes { x in
        b.withUnsafeBytes { y in x.baseAddress == y.baseAddress || memcmp(x.baseAddress!, y.baseAddress!, a.count) == 0 }
      }
  }

  public func hash(into hasher: inout Hasher) { withUnsafeBytes { hasher.combine(bytes: $0) } }
}

/// The memory behind `Bytes`; immutable after initialisation, so sharing it is safe.
private final class BytesOwner: @unchecked Sendable {
  enum Release {
    case deallocate, free, unmap
    /// The memory belongs to an object that lives as long as this one.
    case owner(AnyObject)
  }

  let start: UnsafeRawPointer
  let count: Int
  let release: Release

  init(start: UnsafeRawPointer, count: Int, release: Release) {
    self.start = start
    self.count = count
    self.release = release
  }

  /// Lets go of the whole pages in a range of a mapped file.
  func releasePages(_ range: Range<Int>) {
    guard case .unmap = release else { return }
    let page = sysconf(Int32(_SC_PAGESIZE))
    let first = (range.lowerBound + page - 1) / page * page
    let length = range.upperBound / page * page - first
    if length > 0 { madvise(UnsafeMutableRawPointer(mutating: start + first), length, MADV_DONTNEED) }
  }

  deinit {
    let memory = UnsafeMutableRawPointer(mutating: start)
    switch release {
    case .deallocate: memory.deallocate()
    case .free: Glibc.free(memory)
    case .unmap: munmap(memory, count)
    case .owner: break
    }
  }
}
