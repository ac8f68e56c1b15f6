public import LoopIR
public import Support

/// An input or output as the generated C interface shows it.
public struct InterfaceTensor: Sendable {
  public var port: Port
  /// The name in C.
  public var identifier: String
  /// Extents; nil where symbolic.
  public var dims: [Int?]
  /// The name in C of the array for the extents, where a call sets them.
  public var dimsIdentifier: String

  /// Number of elements, if no extent is symbolic.
  public var count: Int? { dims.reduce(1) { total, dim in total.flatMap { total in dim.map { total * $0 } } } }

  /// Size in bytes that the caller provides, if it is fixed.
  public var capacityBytes: Int? {
    switch port.memory {
    case .exact: bytes
    case .upTo(let count): count.integerValue.map { $0 * port.element.bytes }
    case .acquired: 0
    }
  }

  /// Size in bytes, if no extent is symbolic.
  public var bytes: Int? { count.map { $0 * port.element.bytes } }
}

/// The exported interface of a program, the same for every back end.
public struct Interface: Sendable {
  public var prefix: String
  public var inputs: [InterfaceTensor]
  public var outputs: [InterfaceTensor]
  /// The names of the symbolic dimensions in C.
  public var symbols: [String]
  /// Size of the arena, if it does not depend on symbols.
  public var arenaBytes: Int?

  /// Whether a call takes an allocator.
  public var acquiresMemory: Bool
  /// The number of parts of kernels that may run at the same time.
  public var parts: Int

  /// Whether kernels have parts that may run at the same time.
  public var isDivided: Bool { parts > 1 }

  /// Alignment in bytes of the arena.
  public static let arenaAlign = 64

  /// Names everything that the program exports.
  public init(_ program: Program) throws(ModelError) {
    for port in program.inputs + program.outputs where port.element == .string {
      throw .unsupported("'\(port.name)' is a tensor of strings, which compiled models cannot take or give")
    }
    let externals = program.externals.map(\.name)
    let own = ["run", "model", "arena_bytes", "output_bytes"].map { "\(program.prefix)_\($0)" }
    if let clash = externals.first(where: own.contains) {
      throw .unsupported("a custom operator and the model both have a function \(clash)", hint: "choose another --name")
    }
    var identifiers = Identifiers(besides: externals)
    prefix = program.prefix
    symbols = program.symbols.map { identifiers.make($0, fallback: "dim") }
    func tensors(_ ports: [Port], _ fallback: String) -> [InterfaceTensor] {
      ports.map { port in
        InterfaceTensor(
          port: port, identifier: identifiers.make(port.name, fallback: fallback),
          dims: port.extents.map(\.expr.integerValue),
          dimsIdentifier: port.memory == .exact ? "" : identifiers.make(port.name + "_dims", fallback: fallback))
      }
    }
    inputs = tensors(program.inputs, "input")
    outputs = tensors(program.outputs, "output")
    arenaBytes = program.arenaBytes.integerValue
    acquiresMemory = program.acquiresMemory
    parts = program.parts
  }

  /// The interface of programs of one model for several processors, which has room for the most demanding.
  public init(_ programs: [Program]) throws(ModelError) {
    try self.init(programs[0])
    for program in programs.dropFirst() {
      guard program.outputs.map(\.memory) == outputs.map(\.port.memory) else {
        throw .unsupported("the sizes of outputs have other bounds for other processors", hint: "give one --cpu")
      }
      for (index, port) in program.outputs.enumerated() where port.updates != outputs[index].port.updates {
        outputs[index].port.updates = nil
      }
      if let first = arenaBytes { arenaBytes = program.arenaBytes.integerValue.map { max(first, $0) } }
      acquiresMemory = acquiresMemory || program.acquiresMemory
      parts = max(parts, program.parts)
    }
  }
}
