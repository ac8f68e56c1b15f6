public import CModelABI
import Glibc

/// Memory that runs of a model allocate, freed with the object.
public final class HostMemory {
  private var blocks: [UnsafeMutableRawPointer] = []

  public init() {}

  deinit { for block in blocks { free(block) } }

  private func allocate(_ bytes: UInt64) -> UnsafeMutableRawPointer? {
    guard bytes <= UInt64(Int.max) - 63, let block = aligned_alloc(64, (Int(bytes) + 63) / 64 * 64) else { return nil }
    blocks.append(block)
    return block
  }

  /// Calls `body` with what a compiled model takes as its allocator.
  public func withTable<Result>(_ body: (UnsafePointer<onnxc_memory>) -> Result) -> Result {
    let context = Unmanaged.passUnretained(self).toOpaque()
    var table = onnxc_memory(
      allocate: { context, bytes in
        guard let context else { return nil }
        return Unmanaged<HostMemory>.fromOpaque(context).takeUnretainedValue().allocate(bytes)
      }, context: context)
    return withExtendedLifetime(self) { body(&table) }
  }
}
