import Glibc
import Support

/// Runs tools of the system.
enum Subprocess {
  /// Runs a command found on the path and waits for it.
  ///
  /// - Throws: `FileError` if it cannot be started or does not succeed.
  static func run(_ arguments: [String]) throws(FileError) {
    var argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
    argv.append(nil)
    defer { for argument in argv { free(argument) } }
    var id: pid_t = 0
    guard posix_spawnp(&id, arguments[0], nil, nil, &argv, environ) == 0 else {
      throw FileError("cannot run '\(arguments[0])', which is needed for this kind of output")
    }
    var status: Int32 = 0
    while waitpid(id, &status, 0) < 0 && errno == EINTR {}
    guard status == 0 else { throw FileError("'\(arguments.joined(separator: " "))' failed") }
  }
}
