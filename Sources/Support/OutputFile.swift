import Glibc

/// An existing file whose parts are written anew.
public final class OutputFile {
  /// Throws if a file of so many bytes certainly has no room at `path`.
  public static func requireRoom(for bytes: Int, at path: String) throws(FileError) {
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    var system = statvfs()
    guard statvfs(folder, &system) == 0, system.f_frsize > 0 else { return }
    guard UInt(bytes) / system.f_frsize < system.f_bavail else {
      errno = ENOSPC
      throw .system("write", path)
    }
  }

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
