public import CModelABI
import Glibc
public import Support

/// A model in a shared library on disk.
public final class LibraryModel: DescribedModel {
  public let descriptor: UnsafePointer<onnxc_model>
  private let handle: UnsafeMutableRawPointer

  /// Loads the library at `path` and finds the descriptor of the model with this prefix.
  public init(path: String, prefix: String) throws(ModelError) {
    guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
      throw .invalid("cannot load '\(path)': \(Self.loaderMessage())")
    }
    typealias Descriptor = @convention(c) () -> UnsafePointer<onnxc_model>
    guard let symbol = dlsym(handle, prefix + "_model") else {
      dlclose(handle)
      throw .invalid("'\(path)' does not export \(prefix)_model", hint: "check the name given to --name")
    }
    descriptor = unsafeBitCast(symbol, to: Descriptor.self)()
    self.handle = handle
  }

  deinit { dlclose(handle) }

  /// What the library exports under a name, valid while the object lives.
  public func symbol(_ name: String) -> UnsafeMutableRawPointer? { dlsym(handle, name) }

  private static func loaderMessage() -> String {
    guard let text = dlerror() else { return "unknown error" }
    return String(cString: text)
  }
}
