import Glibc

/// An existing file whose parts are written anew.
public final class OutputFile {
  private let descriptor: Int32
  private let path: String

  public init(updating path: String) throws(FileError) {
    self.path = path
    descriptor = open(path, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system("open", path) }
  }

  deinit { close(descriptor) }

  /// Replaces what is in the file from `offset` on.
  public func write(_ bytes: Bytes, at offset: Int) throws(FileError) {
    try bytes.withUnsafeBytes { (raw) throws(FileError) in
      var done = 0
      while done < raw.count {
        let count = pwrite(descriptor, raw.baseAddress! + done, raw.count - done, off_t(offset + done))
        if count >= 0 { done += count } else if errno != EINTR { throw .system("write", path) }
      }
    }
  }
}
