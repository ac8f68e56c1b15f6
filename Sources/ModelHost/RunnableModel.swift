/// A compiled model that this process can run, by raw pointers.
public protocol RunnableModel {
  /// Bytes of working memory that a run needs with these symbolic dimensions.
  func arenaBytes(symbols: [Int64]) -> Int

  /// Alignment in bytes that the working memory must have.
  var arenaAlign: Int { get }

  /// Bytes to provide for an output; 0 for one that a run allocates.
  func outputBytes(_ output: Int, symbols: [Int64]) -> Int

  /// Runs the model once and gives the status code; the pointers are in the order of the model's inputs and outputs.
  ///
  /// Kernels are divided among `threads`; without, their parts run one after the other. Outputs that the run allocates from `memory` are put into `outputs`. `dims`, the extents of all outputs one after the other, is
  /// set, and must have room for them.
  func run(
    arena: UnsafeMutableRawPointer?, inputs: [UnsafeRawPointer?], outputs: inout [UnsafeMutableRawPointer?],
    symbols: [Int64], dims: inout [Int64], memory: HostMemory, threads: HostThreads?
  ) -> Int32
}
