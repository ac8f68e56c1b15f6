import Glibc

/// A failed operation on a file, with the system's reason.
public struct FileError: Error, Hashable, Sendable, CustomStringConvertible {
  public var description: String

  public init(_ description: String) { self.description = description }

  /// What went wrong with `path` according to `errno`.
  public static func system(_ action: String, _ path: String) -> FileError {
    FileError("cannot \(action) '\(path)': \(String(cString: strerror(errno)))")
  }
}

/// Reading whole files.
public enum InputFile {
  /// Maps the file at `path`, or reads standard input when `path` is `-`; pipes are read into memory.
  public static func bytes(path: String) throws(FileError) -> Bytes {
    if path == "-" { return Bytes(try readAll(STDIN_FILENO, path: "standard input")) }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system("open", path) }
    defer { close(descriptor) }
    var information = stat()
    guard fstat(descriptor, &information) == 0 else { throw .system("read", path) }
    switch information.st_mode & S_IFMT {
    case S_IFDIR: throw FileError("cannot read '\(path)': it is a folder")
    case S_IFREG: return try map(descriptor, size: Int(information.st_size), path: path)
    case _: return Bytes(try readAll(descriptor, path: path))
    }
  }

  /// The text of the file at `path`, with invalid UTF-8 repaired.
  public static func text(path: String) throws(FileError) -> String {
    try bytes(path: path).withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
  }

  private static func map(_ descriptor: Int32, size: Int, path: String) throws(FileError) -> Bytes {
    if size == 0 { return Bytes(try readAll(descriptor, path: path)) }
    guard let start = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), start != MAP_FAILED else {
      throw .system("map", path)
    }
    return Bytes(takingMapping: start, count: size)
  }

  private static func readAll(_ descriptor: Int32, path: String) throws(FileError) -> [UInt8] {
    var result: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let got = read(descriptor, &chunk, chunk.count)
      if got == 0 { return result }
      if got > 0 { result += chunk[..<got] } else if errno != EINTR { throw .system("read", path) }
    }
  }
}
