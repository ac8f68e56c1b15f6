/// A compiled model that this process can run, by raw pointers.
public protocol RunnableModel {
  /// Bytes of working memory that a run needs with these symbolic dimensions.
  func arenaBytes(symbols: [Int64]) -> Int

  /// Alignment in bytes that the working memory must have.
  var arenaAlign: Int { get }

  /// Runs the model once and gives the status code; the pointers are in the order of the model's inputs and outputs.
  func run(
    arena: UnsafeMutableRawPointer?, inputs: [UnsafeRawPointer?], outputs: [UnsafeMutableRawPointer?], symbols: [Int64]
  ) -> Int32
}
