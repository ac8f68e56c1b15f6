import CModelABI
import EmitC
import EmitLLVM
import Glibc
import LoopIR
import ModelHost
import ONNXReader
import Support
import Verify

/// A program compiled into this process, with memory to run it.
final class CompiledCase: RunnableCase {
  private let program: Program
  private let model: any DescribedModel
  private let arena: UnsafeMutableRawPointer
  private let outputs: [UnsafeMutableRawPointer]
  private let outputTypes: [(element: ElementType, dims: [Int])]
  private let folder: TemporaryFolder?

  /// Compiles through the JIT, or, for the C back end and where a library is asked for, through a shared library.
  init(_ program: Program, options: CompileOptions) throws(ModelError) {
    self.program = program
    if options.backend == .c || options.emit == .library {
      let folder = try TemporaryFolder()
      var libraryOptions = options
      libraryOptions.emit = .library
      libraryOptions.output = folder.path + "/model.so"
      do {
        try Pipeline.emit(program, options: libraryOptions)
      } catch let error as ModelError {
        throw error
      } catch {
        throw ModelError.unsupported("\(error)")
      }
      model = try LibraryModel(path: libraryOptions.output, prefix: program.prefix)
      self.folder = folder
    } else {
      model = try JITModel(program)
      folder = nil
    }
    arena = Self.allocate(model.arenaBytes(symbols: []))
    outputTypes = program.outputs.map { port in (port.element, port.extents.compactMap(\.expr.integerValue)) }
    outputs = outputTypes.map { Self.allocate($0.dims.reduce(1, *) * $0.element.bytes) }
  }

  deinit {
    free(arena)
    for output in outputs { free(output) }
  }

  private static func allocate(_ bytes: Int) -> UnsafeMutableRawPointer {
    guard let memory = aligned_alloc(64, max(64, (bytes + 63) / 64 * 64)) else { fatalError("out of memory: \(bytes) bytes") }
    return memory
  }

  func run(_ inputs: [HostValue]) throws -> [HostValue] {
    try withPointers(inputs) { try call($0) }
    return zip(outputs, outputTypes).map { output, type in
      let count = type.dims.reduce(1, *) * type.element.bytes
      let bytes = Bytes(count: count) { $0.copyMemory(from: UnsafeRawBufferPointer(start: output, count: count)) }
      return .tensor(TensorData(element: type.element, dims: type.dims, bytes: bytes))
    }
  }

  func time(_ inputs: [HostValue], count: Int) throws -> [Double] {
    try withPointers(inputs) { pointers in
      var seconds: [Double] = []
      seconds.reserveCapacity(count)
      for _ in 0..<count {
        let start = monotonicSeconds()
        try call(pointers)
        seconds.append(monotonicSeconds() - start)
      }
      return seconds
    }
  }

  private func call(_ pointers: [UnsafeRawPointer?]) throws(ModelError) {
    let status = Int(model.run(arena: arena, inputs: pointers, outputs: outputs, symbols: []))
    guard status != 0 else { return }
    throw .invalid("the model returned status \(status): \(Status(rawValue: status)?.text ?? "unknown")")
  }

  private func withPointers<Result>(_ inputs: [HostValue], _ body: ([UnsafeRawPointer?]) throws -> Result) throws -> Result {
    var tensors: [TensorData] = []
    for (value, port) in zip(inputs, program.inputs) {
      guard case .tensor(let tensor) = value, tensor.element == port.element,
        tensor.dims == port.extents.compactMap(\.expr.integerValue)
      else { throw ModelError.invalid("input '\(port.name)' does not have the type that the model was compiled for") }
      tensors.append(tensor)
    }
    guard tensors.count == program.inputs.count else {
      throw ModelError.invalid("\(tensors.count) inputs are given, not \(program.inputs.count)")
    }
    // Copies are aligned as the interface asks; the caller's buffers need not be.
    let copies = tensors.map { tensor in
      let copy = Self.allocate(tensor.bytes.count)
      tensor.bytes.withUnsafeBytes { if let start = $0.baseAddress { copy.copyMemory(from: start, byteCount: $0.count) } }
      return copy
    }
    defer { for copy in copies { free(copy) } }
    return try body(copies.map { UnsafeRawPointer($0) })
  }
}
