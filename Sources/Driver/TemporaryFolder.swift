import Glibc
import Support

/// A folder that is removed, with the files in it, when it is no longer used.
final class TemporaryFolder {
  let path: String

  init() throws(ModelError) {
    let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(base)/onnxc-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw .unsupported("no temporary folder can be made in \(base)") }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit {
    if let stream = opendir(path) {
      while let entry = readdir(stream) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != "." && name != ".." { unlink(path + "/" + name) }
      }
      closedir(stream)
    }
    rmdir(path)
  }
}
