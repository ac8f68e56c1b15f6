import Glibc
import Support

/// The files beside a model that hold large tensors, mapped once each.
struct ExternalFiles {
  /// The model's folder; `nil` when the model does not come from a file.
  let folder: String?
  private var mapped: [String: Bytes] = [:]

  /// Files beside the model at `path`, where `-` means standard input.
  init(modelPath path: String) {
    guard path != "-" else {
      folder = nil
      return
    }
    let slash = path.lastIndex(of: "/")
    folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
  }

  /// The bytes of the file `location`, a relative path that may not leave the model's folder.
  mutating func bytes(location: String) throws(ModelError) -> Bytes {
    if let bytes = mapped[location] { return bytes }
    guard let folder else {
      throw .invalid("external data '\(location)' needs a model that is read from a file, not from standard input")
    }
    guard !location.isEmpty, !location.hasPrefix("/"), !location.split(separator: "/").contains("..") else {
      throw .invalid("external data location '\(location)' is not a path within the model's folder")
    }
    let path = folder + "/" + location
    guard let root = Self.resolved(folder), let target = Self.resolved(path) else {
      throw .invalid("external data file '\(path)' is missing", hint: "keep it beside the model")
    }
    guard target.hasPrefix(root == "/" ? root : root + "/") else {
      throw .invalid("external data file '\(path)' is a link that leaves the model's folder")
    }
    var information = stat()
    guard stat(target, &information) == 0, information.st_mode & S_IFMT == S_IFREG else {
      throw .invalid("external data location '\(location)' is not a regular file")
    }
    do {
      let bytes = try InputFile.bytes(path: target)
      mapped[location] = bytes
      return bytes
    } catch {
      throw .invalid(error.description)
    }
  }

  private static func resolved(_ path: String) -> String? {
    guard let pointer = realpath(path, nil) else { return nil }
    defer { free(pointer) }
    return String(cString: pointer)
  }
}
