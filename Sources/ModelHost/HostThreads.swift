public import CModelABI
import CThreads
public import Support

/// Threads that run the parts of divided kernels, ended with the object.
public final class HostThreads {
  private let threads: OpaquePointer

  /// - Throws: `ModelError.invalid` if no thread can be started.
  public init(count: Int) throws(ModelError) {
    guard let threads = onnxc_threads_create(UInt32(clamping: count)) else {
      throw .invalid("\(count) threads cannot be started")
    }
    self.threads = threads
  }

  deinit { onnxc_threads_destroy(threads) }

  /// Calls `body` with what a compiled model takes as its hook.
  public func withTable<Result>(_ body: (UnsafePointer<onnxc_parallel>) -> Result) -> Result {
    var table = onnxc_parallel(run: onnxc_threads_run, context: UnsafeMutableRawPointer(threads))
    return withExtendedLifetime(self) { body(&table) }
  }
}
