import Glibc

/// Output files that appear whole or not at all.
public enum AtomicFile {
  /// Writes `bytes` to `path`, or to standard output when `path` is `-`.
  public static func write(_ bytes: [UInt8], path: String) throws(FileError) {
    try write(Bytes(bytes), path: path)
  }

  private static func write(_ bytes: UnsafeRawBufferPointer, path: String) throws(FileError) {
    if path == "-" { return try write(bytes, descriptor: STDOUT_FILENO, path: "standard output") }
    try write(path: path) { (temporary) throws(FileError) in
      let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
      guard descriptor >= 0 else { throw .system("create", temporary) }
      defer { close(descriptor) }
      try write(bytes, descriptor: descriptor, path: temporary)
    }
  }

  /// Writes `bytes` to `path`, or to standard output when `path` is `-`.
  public static func write(_ bytes: Bytes, path: String) throws(FileError) {
    try bytes.withUnsafeBytes { (raw) throws(FileError) in try write(raw, path: path) }
  }

  /// Writes text to `path`, or to standard output when `path` is `-`.
  public static func write(_ text: String, path: String) throws(FileError) { try write(Array(text.utf8), path: path) }

  /// Lets `produce` write a file under a temporary name in the same folder, then renames it to `path`.
  public static func write(path: String, produce: (String) throws(FileError) -> Void) throws(FileError) {
    let temporary = "\(path).\(getpid()).tmp"
    do throws(FileError) {
      try produce(temporary)
      guard rename(temporary, path) == 0 else { throw FileError.system("write", path) }
    } catch {
      unlink(temporary)
      throw error
    }
  }

  private static func write(_ bytes: UnsafeRawBufferPointer, descriptor: Int32, path: String) throws(FileError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let done = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
      if done >= 0 { rest = rest.dropFirst(done) } else if errno != EINTR { throw .system("write", path) }
    }
  }
}
