import EmitLLVM
import LoopIR
import ModelHost
import Schedule
import Support
import TensorIR
import Testing

/// The program of a graph, which is verified and comes back from its text.
func scheduled(_ graph: Graph, _ target: Target) throws -> Program {
  func ports(_ values: [ValueID]) -> [Port] {
    values.map { value in
      let type = graph.type(of: value)
      let extents = type.shape.map { Extent($0.expr, text: "\($0)") }
      return Port(name: "p\(value.index)", element: type.element, extents: extents)
    }
  }
  let (program, _, _) = try schedule(
    graph, inputs: ports(graph.inputs), outputs: ports(graph.outputs), prefix: "m", target: target)
  try LoopIR.verify(program)
  let text = program.description
  #expect(try Program(parsing: text) { number, _ in program.constants[number].bytes }.description == text)
  return program
}

/// The numbers that a compiled program with one output gives; `rows` is its symbol, if it has one.
func run(_ program: Program, _ options: LLVMOptions, rows: Int?, _ inputs: [ConstantTensor]) throws -> [Float] {
  let model = try JITModel([ProgramVariant(name: "", program: program, options: options)])
  let symbols = rows.map { [Int64($0)] } ?? []
  let arena = UnsafeMutableRawPointer.allocate(byteCount: max(1, model.arenaBytes(symbols: symbols)), alignment: 64)
  let bytes = model.outputBytes(0, symbols: symbols)
  let output = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
  let copies = inputs.map { tensor in
    let copy = UnsafeMutableRawPointer.allocate(byteCount: max(1, tensor.bytes.count), alignment: 64)
    copy.copyMemory(from: tensor.storage, byteCount: tensor.bytes.count)
    return copy
  }
  defer { for memory in copies + [arena, output] { memory.deallocate() } }
  var outputs: [UnsafeMutableRawPointer?] = [output]
  var dims = [Int64](repeating: 0, count: 8)
  let status = model.run(
    arena: arena, inputs: copies.map { UnsafeRawPointer($0) }, outputs: &outputs, symbols: symbols, dims: &dims,
    memory: HostMemory(), threads: nil)
  #expect(status == 0)
  return (0..<bytes / 4).map { output.load(fromByteOffset: $0 * 4, as: Float.self) }
}

/// The results of a graph of constants, from the evaluator.
func results(of graph: Graph, _ inputs: [ConstantTensor]) throws -> [ConstantTensor] {
  var values = Dictionary(uniqueKeysWithValues: zip(graph.inputs, inputs))
  for node in graph.nodes {
    let operands = node.operands.compactMap { values[$0] }
    for (value, result) in zip(node.results, try #require(Evaluator.evaluate(node.primitive, operands))) {
      values[value] = result
    }
  }
  return try graph.outputs.map { try #require(values[$0]) }
}

extension Contraction {
  /// The value of the program's symbol, if there is one.
  var symbolicRows: Int? { isSymbolic ? rows : nil }
}

extension ConstantTensor {
  var storage: [UInt8] { bytes.withUnsafeBytes { Array($0) } }
}
