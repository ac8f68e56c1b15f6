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

  public func outputBytes(_ output: Int, symbols: [Int64]) -> Int {
    guard let size = descriptor.pointee.output_size else { fatalError("descriptor without sizes") }
    return Int(symbols.withUnsafeBufferPointer { size(UInt32(output), $0.baseAddress) })
  }

  public func run(
    arena: UnsafeMutableRawPointer?, inputs: [UnsafeRawPointer?], outputs: inout [UnsafeMutableRawPointer?],
    symbols: [Int64], dims: inout [Int64], memory: HostMemory, threads: HostThreads?
  ) -> Int32 {
    guard let run = descriptor.pointee.run else { fatalError("descriptor without an entry") }
    return inputs.withUnsafeBufferPointer { inputs in
      outputs.withUnsafeMutableBufferPointer { outputs in
        symbols.withUnsafeBufferPointer { symbols in
          dims.withUnsafeMutableBufferPointer { dims in
            memory.withTable { memory in
              func call(_ parallel: UnsafePointer<onnxc_parallel>?) -> Int32 {
                run(
                  arena, inputs.baseAddress, outputs.baseAddress, symbols.baseAddress, dims.baseAddress, memory, parallel)
              }
              return threads?.withTable { call($0) } ?? call(nil)
            }
          }
        }
      }
    }
  }
}
