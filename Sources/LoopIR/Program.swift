import Support

/// What a kernel does with a buffer that it is given.
public enum Access: String, Hashable, Sendable, CaseIterable {
  case read, write, readWrite
}

/// A buffer parameter of a kernel.
public struct Parameter: Hashable, Sendable {
  public var buffer: Buffer
  public var access: Access
  /// Guaranteed alignment of the address in bytes; at least the element's size.
  public var alignment: Int
  /// Whether it may be the same place as another such parameter: each element is read before it is written, and by the
  /// same position of the loops.
  public var mayCoincide = false

  public init(_ buffer: Buffer, access: Access, alignment: Int) {
    self.buffer = buffer
    self.access = access
    self.alignment = alignment
  }
}

/// A function of the generated code that computes one fusion group.
///
/// Kernels are compared by everything but their name, so that equal layers share code.
public struct Kernel: Hashable, Sendable {
  public var name: String
  public var parameters: [Parameter]
  /// `i64` scalar parameters, after the buffers.
  public var scalars: [Variable]
  public var body: [Statement]
  /// Whether a `fail` statement occurs, so that the kernel returns a status.
  public var mayFail: Bool
  /// Whether back ends should not make vectors of scalar code: its loads wait for each other.
  public var staysScalar: Bool

  public init(
    name: String, parameters: [Parameter], scalars: [Variable] = [], body: [Statement], mayFail: Bool = false,
    staysScalar: Bool = false
  ) {
    self.name = name
    self.parameters = parameters
    self.scalars = scalars
    self.body = body
    self.mayFail = mayFail
    self.staysScalar = staysScalar
  }

  public static func == (a: Kernel, b: Kernel) -> Bool {
    a.parameters == b.parameters && a.scalars == b.scalars && a.body == b.body
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(parameters)
    hasher.combine(scalars)
    hasher.combine(body)
  }
}

/// One extent of an input or output: a literal, or an expression over symbolic dimensions.
public struct Extent: Hashable, Sendable {
  /// `i64` scalar over literals and symbols.
  public var expr: Expr
  /// The dimension as the model writes it, for comments.
  public var text: String

  public init(_ expr: Expr, text: String) {
    self.expr = expr
    self.text = text
  }
}

/// Where a call finds memory for an output.
public enum OutputMemory: Hashable, Sendable {
  /// The caller gives as many elements as the extents say.
  case exact
  /// The extents depend on data; the caller gives room for this many elements (`i64` scalar over literals and symbols).
  case upTo(Expr)
  /// The extents depend on data without a bound; the call acquires memory and tells where.
  case acquired
}

/// An input or output of the compiled model.
public struct Port: Hashable, Sendable {
  /// The name in the model, not necessarily an identifier.
  public var name: String
  public var element: ElementType
  public var extents: [Extent]
  /// The model's documentation of the value, for comments.
  public var documentation: String
  public var memory = OutputMemory.exact
  /// For an output, the input that the caller may give the same memory: nothing reads the input once the output is
  /// written.
  public var updates: Int?

  public init(name: String, element: ElementType, extents: [Extent], documentation: String = "") {
    self.name = name
    self.element = element
    self.extents = extents
    self.documentation = documentation
  }
}

extension Port {
  /// The bytes that the caller provides for an output, `i64` scalar.
  public var capacityBytes: Expr {
    let count: Expr
    switch memory {
    case .exact: count = extents.reduce(.index(1)) { .binary(.multiply, $0, $1.expr) }
    case .upTo(let limit): count = limit
    case .acquired: return .index(0)
    }
    return .binary(.multiply, count, .index(element.bytes))
  }
}

/// Where a buffer of the program's entry lives.
public enum Storage: Hashable, Sendable {
  case input(Int)
  case output(Int)
  /// Position in `Program.constants`.
  case constant(Int)
  /// Byte offset in the caller's arena (`i64` scalar), a multiple of 64.
  case arena(offset: Expr)
  /// Memory that an `acquire` statement gets while the call runs.
  case acquired
}

/// Read-only data of the program.
public struct ConstantData: Sendable {
  public var element: ElementType
  /// Little-endian elements without padding; `bool` takes a byte.
  public var bytes: Bytes

  public init(element: ElementType, bytes: Bytes) {
    self.element = element
    self.bytes = bytes
  }
}

/// A symbol with a value that follows from those before it.
public struct DerivedSymbol: Hashable, Sendable {
  public var name: String
  /// `i64` scalar over literals, the caller's symbols and earlier derived ones.
  public var value: Expr

  public init(_ name: String, _ value: Expr) {
    self.name = name
    self.value = value
  }
}

/// A compiled model, ready for a back end to print.
public struct Program: Sendable {
  /// Prefix of all symbols, a C identifier.
  public var prefix: String
  public var inputs: [Port]
  public var outputs: [Port]
  /// Symbolic dimensions, which become parameters of the entry, in order.
  public var symbols: [String]
  /// Symbols that the layout of the arena uses.
  public var derived: [DerivedSymbol]
  /// Symbols that `define` statements of the entry give a value.
  public var measured: [String]
  public var constants: [ConstantData]
  /// Size of the arena in bytes over literals and symbols.
  public var arenaBytes: Expr
  public var kernels: [Kernel]
  /// The number of parts into which kernels are divided, one for each thread.
  public var parts: Int
  /// Functions that the program which links the model supplies.
  public var externals: [ExternalFunction]
  /// Storage of the entry's buffers, by `Buffer.id`.
  public var storage: [Storage]
  /// The entry: calls of kernels, and the control flow around them.
  public var entry: [Statement]
  /// Facts for header comments: producer, documentation, metadata.
  public var comments: [String]
  /// Hexadecimal hash of the model file and the options that shape the code.
  public var modelHash: String

  public init(prefix: String, inputs: [Port], outputs: [Port]) {
    self.prefix = prefix
    self.inputs = inputs
    self.outputs = outputs
    symbols = []
    derived = []
    measured = []
    constants = []
    arenaBytes = .index(0)
    kernels = []
    parts = 1
    externals = []
    storage = []
    entry = []
    comments = []
    modelHash = ""
  }

  /// All symbols that kernels and the entry may use.
  public var allSymbols: [String] { symbols + derived.map(\.name) + measured }

  /// Whether a buffer of the entry is an output that may be the input which another is, or both have one place in the
  /// arena.
  public func mayCoincide(_ output: Buffer, _ input: Buffer) -> Bool {
    guard storage.indices.contains(output.id), storage.indices.contains(input.id), output != input else { return false }
    if case .output(let updated) = storage[output.id], case .input(let source) = storage[input.id] {
      return outputs[updated].updates == source
    }
    if case .arena(let offset) = storage[output.id], case .arena(let other) = storage[input.id] { return offset == other }
    return false
  }

  /// Whether a call acquires memory.
  public var acquiresMemory: Bool {
    storage.contains(.acquired) || outputs.contains { $0.memory == .acquired }
  }
}
