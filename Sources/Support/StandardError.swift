import Glibc

/// The stream for diagnostics and reports that are not results.
public enum StandardError {
  /// Prints text to standard error.
  public static func print(_ text: String, terminator: String = "\n") {
    let bytes = Array((text + terminator).utf8)
    _ = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }
}
