import EmitLLVM
import LoopIR
import ModelHost
import Schedule
import Support
import TensorIR

/// A scalar function compiled into this process, mapped over arrays.
struct CompiledFunction {
  private let model: JITModel
  private let result: ElementType

  /// Compiles `body` for operands of the given types and arrays of `count` elements.
  init(_ operands: [ElementType], count: Int, _ body: (inout ScalarGraph, [ScalarID]) -> ScalarID) throws {
    var builder = GraphBuilder()
    let inputs = operands.map { builder.input(TensorType($0, [Dim(count)])) }
    let output = try builder.elementwise(inputs, body)
    result = builder.type(of: output).element
    let graph = builder.finish(outputs: [output])
    let extent = [Extent(.index(count), text: "\(count)")]
    let ports = operands.enumerated().map { Port(name: "x\($0.offset)", element: $0.element, extents: extent) }
    let (program, _) = try schedule(
      graph, inputs: ports, outputs: [Port(name: "y", element: result, extents: extent)], prefix: "test", target: .avx2)
    model = try JITModel(program, optimization: 1)
  }

  func callAsFunction<Input: BitwiseCopyable, Output: BitwiseCopyable>(_ inputs: [[Input]], _: Output.Type) -> [Output] {
    let count = inputs[0].count
    precondition(MemoryLayout<Output>.size == result.bytes)
    let arena = UnsafeMutableRawPointer.allocate(byteCount: max(1, model.arenaBytes(symbols: [])), alignment: 64)
    let pointers = inputs.map { values in
      let pointer = UnsafeMutablePointer<Input>.allocate(capacity: count)
      pointer.initialize(from: values, count: count)
      return pointer
    }
    let output = UnsafeMutablePointer<Output>.allocate(capacity: count)
    defer {
      arena.deallocate()
      output.deallocate()
      for pointer in pointers { pointer.deallocate() }
    }
    let status = model.run(
      arena: arena, inputs: pointers.map { UnsafeRawPointer($0) }, outputs: [UnsafeMutableRawPointer(output)], symbols: [])
    precondition(status == 0)
    return Array(UnsafeBufferPointer(start: output, count: count))
  }
}
