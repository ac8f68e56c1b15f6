public import LoopIR
public import ModelHost
import Support

/// A program with inputs and the outputs that every back end must give, bit for bit.
public struct LoopIRCase: Sendable, CustomTestStringConvertibleName {
  public var name: String
  public var program: Program
  public var inputs: [[UInt8]]
  public var outputs: [[UInt8]]
  public var symbols: [Int64] = []
  public var status: Int32 = 0
  /// The extents that a run reports; nil where they are not compared.
  public var dims: [Int64]?
  /// Whether an expression has more than one lane, which the C back end does not take.
  public var hasVectors = false

  /// Runs the model on the case's inputs; an empty text means that it gave what is expected.
  public func difference(of model: some RunnableModel) -> String {
    let arenaBytes = model.arenaBytes(symbols: symbols)
    let arena = UnsafeMutableRawPointer.allocate(byteCount: max(arenaBytes, 1), alignment: 64)
    defer { arena.deallocate() }
    let sources = inputs.map { Self.memory($0) }
    // A border behind each output shows writes out of bounds.
    let results = outputs.map { Self.memory(Array(repeating: 0xA5, count: $0.count + 64)) }
    defer { for memory in sources + results { memory.deallocate() } }
    var given: [UnsafeMutableRawPointer?] = program.outputs.indices.map {
      program.outputs[$0].memory == .acquired ? nil : results[$0]
    }
    var dims = [Int64](repeating: -1, count: program.outputs.reduce(0) { $0 + $1.extents.count })
    let memory = HostMemory()
    let status = model.run(
      arena: arenaBytes == 0 ? nil : arena, inputs: sources.map { UnsafeRawPointer($0) }, outputs: &given,
      symbols: symbols, dims: &dims, memory: memory, threads: nil)
    if status != self.status { return "status \(status) instead of \(self.status)" }
    if status != 0 { return "" }
    if let wanted = self.dims, dims != wanted { return "extents \(dims) instead of \(wanted)" }
    for (index, expected) in outputs.enumerated() where program.outputs[index].memory == .acquired {
      guard let place = given[index] else { return "output \(index) is not allocated" }
      let got = Array(UnsafeRawBufferPointer(start: place, count: expected.count))
      if got != expected { return "output \(index) is \(got) instead of \(expected)" }
    }
    for (index, expected) in outputs.enumerated() where program.outputs[index].memory != .acquired {
      let got = Array(UnsafeRawBufferPointer(start: results[index], count: expected.count + 64))
      if Array(got.prefix(expected.count)) != expected {
        return "output \(index) is \(Array(got.prefix(expected.count))) instead of \(expected)"
      }
      if got.suffix(64).contains(where: { $0 != 0xA5 }) { return "output \(index) is overrun" }
    }
    return ""
  }

  private static func memory(_ bytes: [UInt8]) -> UnsafeMutableRawPointer {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: max(bytes.count, 1), alignment: 64)
    memory.copyMemory(from: bytes, byteCount: bytes.count)
    return memory
  }
}

/// Gives cases their name in test reports.
public protocol CustomTestStringConvertibleName: CustomStringConvertible {
  var name: String { get }
}

extension CustomTestStringConvertibleName {
  public var description: String { name }
}
