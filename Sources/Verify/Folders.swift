import Glibc
import Support

/// What a path leads to.
enum FileKind { case file, folder, other }

/// The kind of what `path` leads to; `nil` when there is nothing.
func fileKind(_ path: String) -> FileKind? {
  var information = stat()
  guard stat(path, &information) == 0 else { return nil }
  switch information.st_mode & S_IFMT {
  case S_IFREG: return .file
  case S_IFDIR: return .folder
  case _: return .other
  }
}

/// The names in a folder, sorted, without hidden ones; empty when it cannot be read.
func names(inFolder path: String) -> [String] {
  guard let directory = opendir(path) else { return [] }
  defer { closedir(directory) }
  var result: [String] = []
  while let entry = readdir(directory) {
    let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
      tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
    }
    if !name.hasPrefix(".") { result.append(name) }
  }
  return result.sorted()
}
