public import CModelABI

/// A model known by the descriptor that its code exports.
public protocol DescribedModel: RunnableModel {
  /// The descriptor; valid while the object lives.
  var descriptor: UnsafePointer<onnxc_model> { get }
}

extension DescribedModel {
  public var arenaAlign: Int { Int(descriptor.pointee.arena_align) }

  public func arenaBytes(symbols: [Int64]) -> Int {
    guard let size = descriptor.pointee.arena_size else { return Int(descriptor.pointee.arena_bytes) }
    return Int(symbols.withUnsafeBufferPointer { size($0.baseAddress) })
  }

  public func run(
    arena: UnsafeMutableRawPointer?, inputs: [UnsafeRawPointer?], outputs: [UnsafeMutableRawPointer?], symbols: [Int64]
  ) -> Int32 {
    guard let run = descriptor.pointee.run else { fatalError("descriptor without an entry") }
    return inputs.withUnsafeBufferPointer { inputs in
      outputs.withUnsafeBufferPointer { outputs in
        symbols.withUnsafeBufferPointer { run(arena, inputs.baseAddress, outputs.baseAddress, $0.baseAddress) }
      }
    }
  }
}
