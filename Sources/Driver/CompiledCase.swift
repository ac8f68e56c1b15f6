import CModelABI
import EmitC
import EmitHeader
import EmitLLVM
import Glibc
import LoopIR
import ModelHost
import ONNXReader
import Support
import TensorIR
import Verify

/// A program compiled into this process, with memory to run it.
final class CompiledCase: RunnableCase {
  private let program: Program
  private let model: any DescribedModel
  private let interface: EmitHeader.Interface
  private let threads: HostThreads?
  private let declared: [ValueInfo]
  /// Memory for the dimensions of the last run.
  private var room: Room?

  /// Compiles through the JIT, or, for the C back end and where a library is asked for, through a shared library.
  /// Libraries are removed as soon as they are loaded, so that none is left behind if this process is killed.
  ///
  /// `outputs` are the model's declarations, which say what the program's outputs are put together to.
  init(_ lowered: LoweredModel, outputs: [ValueInfo], options: CompileOptions) throws(ModelError) {
    program = lowered.program
    interface = try lowered.interface
    declared = outputs
    threads = interface.isDivided ? try HostThreads(count: interface.parts) : nil
    let custom = program.externals.filter { $0.provider == .user }
    try Self.requireCode(of: custom, options)
    if options.backend == .c || options.emit == .library {
      let folder = try TemporaryFolder()
      defer { withExtendedLifetime(folder) {} }
      var libraryOptions = options
      libraryOptions.emit = .library
      libraryOptions.output = folder.path + "/model.so"
      do {
        try Pipeline.emit(lowered, options: libraryOptions)
      } catch let error as ModelError {
        throw error
      } catch {
        throw ModelError.unsupported("\(error)")
      }
      model = try LibraryModel(path: libraryOptions.output, prefix: program.prefix)
    } else if custom.isEmpty {
      model = try JITModel(lowered.hostCode)
    } else {
      let folder = try TemporaryFolder()
      defer { withExtendedLifetime(folder) {} }
      let library = folder.path + "/operators.so"
      try Pipeline.linkCustomOperators(options.link, to: library)
      model = try JITModel(lowered.hostCode, library: library)
    }
  }

  /// Refuses functions of the user if there is no file with their code.
  static func requireCode(of functions: [ExternalFunction], _ options: CompileOptions) throws(ModelError) {
    guard let function = functions.first, options.link.isEmpty else { return }
    throw .invalid("the model calls \(function.name)", hint: "give the file with its code with --link")
  }

  /// The arena and the outputs for one choice of dimensions.
  private final class Room {
    let symbols: [Int64]
    let arena: UnsafeMutableRawPointer
    var outputs: [UnsafeMutableRawPointer?]
    var dims: [Int64]
    var memory = HostMemory()
    private let owned: [UnsafeMutableRawPointer]

    init(_ program: Program, _ model: any DescribedModel, _ symbols: [Int64]) throws(ModelError) {
      self.symbols = symbols
      arena = try CompiledCase.allocate(model.arenaBytes(symbols: symbols))
      var owned: [UnsafeMutableRawPointer] = []
      for index in program.outputs.indices {
        owned.append(try CompiledCase.allocate(model.outputBytes(index, symbols: symbols)))
      }
      self.owned = owned
      outputs = owned
      dims = [Int64](repeating: 0, count: program.outputs.reduce(0) { $0 + $1.extents.count })
    }

    deinit {
      free(arena)
      for block in owned { free(block) }
    }
  }

  private static func allocate(_ bytes: Int) throws(ModelError) -> UnsafeMutableRawPointer {
    var memory: UnsafeMutableRawPointer?
    guard bytes >= 0, bytes < TensorType.byteLimit, posix_memalign(&memory, 64, max(1, bytes)) == 0, let memory else {
      throw .invalid("there is no memory for \(bytes) bytes")
    }
    return memory
  }

  func run(_ inputs: [HostValue]) throws -> [HostValue] {
    let room = try withPointers(inputs) { pointers, room in
      room.memory = HostMemory()
      try call(pointers, room)
      return room
    }
    var axis = 0
    var results: [String: HostValue] = [:]
    for (index, port) in program.outputs.enumerated() {
      let dims = room.dims[axis..<axis + port.extents.count].map { Int($0) }
      axis += port.extents.count
      let count = dims.reduce(1, *) * port.element.bytes
      let bytes = Bytes(count: count) {
        $0.copyMemory(from: UnsafeRawBufferPointer(start: room.outputs[index], count: count))
      }
      results[port.name] = .tensor(TensorData(element: port.element, dims: dims, bytes: bytes))
    }
    return declared.compactMap { HostValue($0.name, $0.type, from: results) }
  }

  /// An address in the shared library that the model is in, or that the files of `link` are in.
  func symbol(_ name: String) throws(ModelError) -> UnsafeMutableRawPointer {
    let symbol = (model as? LibraryModel)?.symbol(name) ?? (model as? JITModel)?.symbol(name)
    guard let symbol else { throw .unsupported("there is no \(name)") }
    return symbol
  }

  func time(_ inputs: [HostValue], count: Int) throws -> [Double] { try time(inputs, count: count) { _ in } }

  /// Calls `afterEach` after every run, with whether it was the last.
  func time(_ inputs: [HostValue], count: Int, afterEach: (Bool) -> Void) throws -> [Double] {
    try withPointers(inputs) { pointers, room in
      var seconds: [Double] = []
      seconds.reserveCapacity(count)
      for run in 0..<count {
        if interface.acquiresMemory { room.memory = HostMemory() }
        let start = monotonicSeconds()
        try call(pointers, room)
        seconds.append(monotonicSeconds() - start)
        afterEach(run == count - 1)
      }
      return seconds
    }
  }

  private func call(_ pointers: [UnsafeRawPointer?], _ room: Room) throws(ModelError) {
    let status = Int(
      model.run(
        arena: room.arena, inputs: pointers, outputs: &room.outputs, symbols: room.symbols, dims: &room.dims,
        memory: room.memory, threads: threads))
    guard status != 0 else { return }
    throw .invalid("the model returned status \(status): \(Status(rawValue: status)?.text ?? "unknown")")
  }

  private func withPointers<Result>(
    _ inputs: [HostValue], _ body: ([UnsafeRawPointer?], Room) throws -> Result
  ) throws -> Result {
    var tensors: [TensorData] = []
    var symbols: [String: Int] = [:]
    let parts = try Self.parts(inputs)
    for (tensor, port) in zip(parts, program.inputs) {
      guard tensor.element == port.element, match(tensor.dims, port, &symbols) else {
        throw ModelError.invalid("input '\(port.name)' does not have the type that the model was compiled for")
      }
      tensors.append(tensor)
    }
    guard parts.count == program.inputs.count else {
      throw ModelError.invalid("\(parts.count) inputs are given, not \(program.inputs.count)")
    }
    let values = program.symbols.map { Int64(symbols[$0] ?? 0) }
    let room: Room
    if let last = self.room, last.symbols == values {
      room = last
    } else {
      room = try Room(program, model, values)
      self.room = room
    }
    // Copies are aligned as the interface asks; the caller's buffers need not be.
    var copies: [UnsafeMutableRawPointer] = []
    defer { for copy in copies { free(copy) } }
    for tensor in tensors {
      let copy = try Self.allocate(tensor.bytes.count)
      copies.append(copy)
      tensor.bytes.withUnsafeBytes { if let start = $0.baseAddress { copy.copyMemory(from: start, byteCount: $0.count) } }
    }
    return try body(copies.map { UnsafeRawPointer($0) }, room)
  }

  /// The tensors of numbers that stand for the inputs.
  private static func parts(_ inputs: [HostValue]) throws(ModelError) -> [TensorData] {
    var tensors: [TensorData] = []
    for value in inputs {
      for case .tensor(let tensor) in try value.parts("").map(\.value) {
        if tensor.element == .string {
          let parts = tensor.stringParts
          tensors += [parts.spans, parts.bytes]
        } else {
          tensors.append(tensor)
        }
      }
    }
    return tensors
  }

  /// Whether given extents are those of a port, with symbols standing for what they meet first.
  private func match(_ dims: [Int], _ port: Port, _ symbols: inout [String: Int]) -> Bool {
    guard dims.count == port.extents.count else { return false }
    return zip(dims, port.extents).allSatisfy { dim, extent in
      guard case .symbol(let name) = extent.expr else { return extent.expr.integerValue == dim }
      if let known = symbols[name] { return known == dim }
      symbols[name] = dim
      return true
    }
  }
}
