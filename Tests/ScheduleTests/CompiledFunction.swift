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
  private let count: Int

  /// Compiles `body` for operands of the given types and arrays of `count` elements.
  init(
    _ operands: [ElementType], count: Int, convertsHalves: Bool = false,
    _ body: (inout ScalarGraph, [ScalarID]) -> ScalarID
  ) throws {
    try self.init(operands, counts: operands.map { _ in count }, convertsHalves: convertsHalves) { builder, inputs in
      try builder.elementwise(inputs, body)
    }
  }

  /// Compiles a graph of one-dimensional operands and a one-dimensional result.
  init(
    _ operands: [ElementType], counts: [Int], convertsHalves: Bool = false,
    _ build: (inout GraphBuilder, [ValueID]) throws -> ValueID
  ) throws {
    var builder = GraphBuilder()
    let inputs = zip(operands, counts).map { builder.input(TensorType($0, [Dim($1)])) }
    let output = try build(&builder, inputs)
    let type = builder.type(of: output)
    result = type.element
    count = type.shape.product.constant ?? 0
    let graph = builder.finish(outputs: [output])
    func port(_ name: String, _ element: ElementType, _ count: Int) -> Port {
      Port(name: name, element: element, extents: [Extent(.index(count), text: "\(count)")])
    }
    let ports = operands.indices.map { port("x\($0)", operands[$0], counts[$0]) }
    var target = Target.avx2
    target.convertsHalves = convertsHalves
    let (program, _, _) = try schedule(
      graph, inputs: ports, outputs: [port("y", result, count)], prefix: "test", target: target)
    model = try JITModel(program, optimization: 1)
  }

  func callAsFunction<Input: BitwiseCopyable, Output: BitwiseCopyable>(
    _ inputs: [[Input]], _: Output.Type
  ) -> [Output] {
    precondition(MemoryLayout<Output>.size == result.bytes)
    let arena = UnsafeMutableRawPointer.allocate(byteCount: max(1, model.arenaBytes(symbols: [])), alignment: 64)
    let pointers = inputs.map { values in
      let pointer = UnsafeMutablePointer<Input>.allocate(capacity: values.count)
      pointer.initialize(from: values, count: values.count)
      return pointer
    }
    let output = UnsafeMutablePointer<Output>.allocate(capacity: count)
    defer {
      arena.deallocate()
      output.deallocate()
      for pointer in pointers { pointer.deallocate() }
    }
    var outputs: [UnsafeMutableRawPointer?] = [UnsafeMutableRawPointer(output)]
    var dims = [Int64](repeating: 0, count: 8)
    let status = model.run(
      arena: arena, inputs: pointers.map { UnsafeRawPointer($0) }, outputs: &outputs, symbols: [], dims: &dims,
      memory: HostMemory(), threads: nil)
    precondition(status == 0)
    return Array(UnsafeBufferPointer(start: output, count: count))
  }
}
