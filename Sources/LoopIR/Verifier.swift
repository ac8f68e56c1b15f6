import Support

/// A broken rule of Loop IR: a fault of the compiler, not of the model.
public struct LoopVerificationError: Error, CustomStringConvertible {
  public var description: String

  init(_ description: String) { self.description = description }
}

/// Checks a program:
/// - variables are introduced before use and once, used with the type that they were introduced with, and assigned
///   only where `declare` introduced them in an enclosing block;
/// - buffers are parameters, local arrays of an enclosing block, or storage of the entry, used with their element
///   type; what is only read is not written, and inputs and constants of the program are only read;
/// - element types are `bool`, the integers of 8 to 64 bits, `f32` and `f64`; operations have types that they are
///   defined for, and their operands agree in element type and lanes; literals are values of their type;
/// - positions, counts and loop bounds are `i64` scalars; literal positions are not negative;
/// - literal positions in local arrays, constants and ports lie within them, and arrays have at least one element;
/// - tile registers are numbered from 0 to 7 and have at most 16 rows of 16 elements of 4 bytes;
/// - loop steps are at least 1, and unrolled loops have literal bounds;
/// - calls give a kernel one argument for each parameter, of its element type (or `u8` or `u16` for `u32`, as groups), aligned as it asks where that is
///   known, and `i64` scalars; no argument that a kernel writes is passed twice, and an output comes
///   with the input that it updates only where both parameters may coincide;
/// - outputs update inputs of their type and extents, each its own;
/// - statuses of failure are not 0, and a kernel may fail exactly if it says so; kernels call earlier kernels only;
/// - ports and storage exist, arena offsets are multiples of 64 and within the arena where they are literal,
///   symbols are declared, measured symbols and acquired memory are given in the entry only, and the sizes of constants are whole numbers of elements.
public func verify(_ program: Program) throws(LoopVerificationError) {
  for (index, constant) in program.constants.enumerated() {
    guard isLoopType(constant.element), constant.bytes.count % constant.element.bytes == 0 else {
      throw LoopVerificationError("constant \(index) has \(constant.bytes.count) bytes of \(constant.element)")
    }
  }
  let symbols = Set(program.allSymbols)
  guard symbols.count == program.allSymbols.count else { throw LoopVerificationError("a symbol is declared twice") }
  let inside = BlockVerifier(symbols: symbols, kernels: [])
  for port in program.inputs + program.outputs {
    for extent in port.extents { try inside.position(extent.expr, "extent of \(port.name)") }
  }
  try verifyUpdates(program)
  var known = Set(program.symbols)
  for symbol in program.derived {
    try BlockVerifier(symbols: known, kernels: []).expect(symbol.value, ValueType(.i64))
    known.insert(symbol.name)
  }
  let outer = BlockVerifier(symbols: known, kernels: [])
  for port in program.outputs { if case .upTo(let count) = port.memory { try outer.position(count, "size of \(port.name)") } }
  try outer.position(program.arenaBytes, "size of the arena")
  for (index, kernel) in program.kernels.enumerated() {
    do throws(LoopVerificationError) { try verify(kernel, symbols: symbols, calling: program.kernels[..<index]) } catch {
      throw LoopVerificationError("kernel \(index) (\(kernel.name)): \(error)")
    }
  }
  var entry = BlockVerifier(symbols: symbols, kernels: program.kernels[...])
  entry.externals = program.externals
  entry.mayCoincide = program.mayCoincide
  entry.measured = Set(program.measured)
  var elements: [Int: ElementType] = [:]
  for buffer in program.entry.buffers {
    if let other = elements.updateValue(buffer.element, forKey: buffer.id), other != buffer.element {
      throw LoopVerificationError("\(buffer) is used as \(other) and \(buffer.element)")
    }
  }
  for (id, storage) in program.storage.enumerated() { try entry.declare(storage, id, elements[id], program) }
  try entry.block(program.entry)
}

private func verifyUpdates(_ program: Program) throws(LoopVerificationError) {
  var updated: Set<Int> = []
  for port in program.inputs where port.updates != nil { throw LoopVerificationError("\(port.name) is no output") }
  for port in program.outputs {
    guard let input = port.updates else { continue }
    guard program.inputs.indices.contains(input), updated.insert(input).inserted, port.memory == .exact,
      program.inputs[input].element == port.element,
      program.inputs[input].extents.map(\.expr) == port.extents.map(\.expr)
    else { throw LoopVerificationError("\(port.name) cannot be input \(input)") }
  }
}

private func verify(
  _ kernel: Kernel, symbols: Set<String>, calling kernels: ArraySlice<Kernel>
) throws(LoopVerificationError) {
  var verifier = BlockVerifier(symbols: symbols, kernels: kernels)
  for parameter in kernel.parameters { try verifier.declare(parameter) }
  for scalar in kernel.scalars {
    guard scalar.type == ValueType(.i64) else {
      throw LoopVerificationError("scalar \(scalar) has type \(scalar.type)")
    }
    try verifier.introduce(scalar, isMutable: false)
  }
  try verifier.block(kernel.body)
  guard verifier.mayFail == kernel.mayFail else {
    throw LoopVerificationError(
      kernel.mayFail ? "it says that it may fail, but does not" : "it may fail, but does not say so")
  }
}

/// Whether values may have the type: with those of `f16` there are only conversions, which some processors have instructions for.
func isComputed(_ element: ElementType) -> Bool { element == .f16 || isLoopType(element) }

/// Whether Loop IR has operations and memory of the type.
func isLoopType(_ element: ElementType) -> Bool {
  switch element {
  case .bool, .i8, .i16, .i32, .i64, .u8, .u16, .u32, .u64, .f32, .f64: true
  case .f16, .bf16, .i2, .i4, .u2, .u4, .f4e2m1, .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .f8e8m0, .c64, .c128,
    .string:
    false
  }
}

/// What is known of a buffer where it is used.
struct VerifiedBuffer {
  /// Nil for storage that is not used.
  var element: ElementType?
  var isReadable = true
  var isWritable = true
  /// The size, where it is a literal.
  var bytes: Int?
  /// In bytes, of the first element.
  var alignment = 64
}

/// Verifies the statements of a kernel or of the entry.
struct BlockVerifier {
  let symbols: Set<String>
  /// What may be called.
  let kernels: ArraySlice<Kernel>
  var externals: [ExternalFunction] = []
  /// Symbols that may be given a value.
  var measured: Set<String> = []
  /// Whether the first buffer may be given the memory of the second.
  var mayCoincide: (Buffer, Buffer) -> Bool = { _, _ in false }
  /// Buffers that may be given memory.
  private var acquirable: Set<Int> = []
  private(set) var mayFail = false
  var buffers: [Int: VerifiedBuffer] = [:]
  /// Variables in scope.
  private(set) var variables: [Int: (type: ValueType, isMutable: Bool)] = [:]
  /// Numbers of variables and local arrays that were introduced anywhere.
  private var usedVariables: Set<Int> = []
  private var usedBuffers: Set<Int> = []

  init(symbols: Set<String>, kernels: ArraySlice<Kernel>) {
    self.symbols = symbols
    self.kernels = kernels
  }

  mutating func introduce(_ variable: Variable, isMutable: Bool) throws(LoopVerificationError) {
    guard usedVariables.insert(variable.id).inserted else {
      throw LoopVerificationError("\(variable) is introduced twice")
    }
    guard isComputed(variable.type.element), variable.type.lanes >= 1 else {
      throw LoopVerificationError("\(variable) has type \(variable.type)")
    }
    variables[variable.id] = (variable.type, isMutable)
  }

  mutating func declare(_ parameter: Parameter) throws(LoopVerificationError) {
    let buffer = parameter.buffer
    guard usedBuffers.insert(buffer.id).inserted else { throw LoopVerificationError("\(buffer) is introduced twice") }
    guard isLoopType(buffer.element), parameter.alignment >= buffer.element.bytes,
      parameter.alignment.nonzeroBitCount == 1
    else { throw LoopVerificationError("\(buffer) of \(buffer.element) has alignment \(parameter.alignment)") }
    buffers[buffer.id] = VerifiedBuffer(
      element: buffer.element, isReadable: parameter.access != .write, isWritable: parameter.access != .read,
      alignment: parameter.alignment)
  }

  mutating func declare(_ storage: Storage, _ id: Int, _ element: ElementType?, _ program: Program)
    throws(LoopVerificationError)
  {
    func bytes(_ port: Port) -> Int? {
      port.extents.reduce(port.element.bytes) { product, extent in
        product.flatMap { count in extent.expr.integerValue.map { count * $0 } }
      }
    }
    switch storage {
    case .input(let index):
      guard program.inputs.indices.contains(index) else { throw LoopVerificationError("b\(id): no \(storage)") }
      buffers[id] = VerifiedBuffer(
        element: element, isWritable: false, bytes: bytes(program.inputs[index]), alignment: 1)
    case .output(let index):
      guard program.outputs.indices.contains(index) else { throw LoopVerificationError("b\(id): no \(storage)") }
      let port = program.outputs[index]
      let isExact = port.memory == .exact
      buffers[id] = VerifiedBuffer(element: element, bytes: isExact ? bytes(port) : nil, alignment: 1)
      if port.memory == .acquired { acquirable.insert(id) }
    case .constant(let index):
      guard program.constants.indices.contains(index) else { throw LoopVerificationError("b\(id): no \(storage)") }
      let constant = program.constants[index]
      buffers[id] = VerifiedBuffer(element: constant.element, isWritable: false, bytes: constant.bytes.count)
    case .arena(let offset):
      try position(offset, "offset of b\(id)")
      if let offset = offset.integerValue {
        let isInside = program.arenaBytes.integerValue.map { offset <= $0 } ?? true
        guard offset % 64 == 0, isInside else { throw LoopVerificationError("b\(id) lies at \(offset) of the arena") }
      }
      buffers[id] = VerifiedBuffer(element: element)
    case .acquired:
      buffers[id] = VerifiedBuffer(element: element)
      acquirable.insert(id)
    }
  }

  /// Verifies statements; what they introduce ends with them.
  mutating func block(_ statements: [Statement]) throws(LoopVerificationError) {
    let (outerVariables, outerBuffers) = (variables, buffers)
    for statement in statements {
      do throws(LoopVerificationError) { try verify(statement) } catch {
        if case .loop = statement { throw error }
        let heading = statement.description.split(separator: "\n").first ?? ""
        throw LoopVerificationError("\(error)\n  in \(heading)")
      }
    }
    (variables, buffers) = (outerVariables, outerBuffers)
  }

  private mutating func verify(_ statement: Statement) throws(LoopVerificationError) {
    switch statement {
    case .bind(let variable, let value), .declare(let variable, let value):
      try expect(value, variable.type)
      if case .declare = statement {
        try introduce(variable, isMutable: true)
      } else {
        try introduce(variable, isMutable: false)
      }
    case .assign(let variable, let value):
      try expect(value, variable.type)
      guard let known = variables[variable.id], known.type == variable.type, known.isMutable else {
        throw LoopVerificationError("\(variable) is no mutable variable of type \(variable.type) here")
      }
    case .store(let buffer, let index, let value, let count):
      let type = try expression(value)
      guard type.element == buffer.element else {
        throw LoopVerificationError("\(type) is stored to \(buffer.element)")
      }
      try access(buffer, index, lanes: type.lanes, count: count, writes: true)
    case .loop(let loop): try verify(loop)
    case .conditional(let condition, let then, let otherwise):
      try expect(condition, ValueType(.bool))
      try block(then)
      try block(otherwise)
    case .whileLoop(let condition, let body):
      try expect(condition, ValueType(.bool))
      try block(body)
    case .allocate(let buffer, let count):
      guard usedBuffers.insert(buffer.id).inserted, buffers[buffer.id] == nil else {
        throw LoopVerificationError("\(buffer) is introduced twice")
      }
      guard count >= 1, isLoopType(buffer.element) else {
        throw LoopVerificationError("\(count) elements of \(buffer.element)")
      }
      buffers[buffer.id] = VerifiedBuffer(element: buffer.element, bytes: count * buffer.element.bytes)
    case .zero(let buffer, let index, let count):
      try access(buffer, index, lanes: nil, count: count, writes: true)
    case .prefetch(let buffer, let index):
      _ = try use(buffer, reads: false, writes: false)
      try expect(index, ValueType(.i64))
    case .tile(let operation): try tile(operation)
    case .copy(let to, let index, let from, let fromIndex, let count):
      guard to.element == from.element else {
        throw LoopVerificationError("\(from.element) is copied to \(to.element)")
      }
      try access(to, index, lanes: nil, count: count, writes: true)
      try access(from, fromIndex, lanes: nil, count: count, writes: false)
    case .call(let kernel, let arguments, let scalars): try call(kernel, arguments, scalars)
    case .define(let symbol, let value):
      guard measured.contains(symbol) else { throw LoopVerificationError("$\(symbol) is not measured") }
      try expect(value, ValueType(.i64))
    case .acquire(let buffer, let bytes):
      guard acquirable.contains(buffer.id) else { throw LoopVerificationError("\(buffer) has memory") }
      _ = try use(buffer, reads: false, writes: true)
      try expect(bytes, ValueType(.i64))
    case .external(let function, let arguments): try external(function, arguments)
    case .fail(let status):
      guard status != 0 else { throw LoopVerificationError("status 0 is success") }
      mayFail = true
    }
  }

  private func tile(_ operation: TileOperation) throws(LoopVerificationError) {
    func number(_ tiles: Int...) throws(LoopVerificationError) {
      guard tiles.allSatisfy((0..<8).contains) else { throw LoopVerificationError("there are 8 tile registers") }
    }
    func memory(_ buffer: Buffer, _ index: Expr, _ stride: Expr, writes: Bool) throws(LoopVerificationError) {
      guard buffer.element.bytes == 4 else { throw LoopVerificationError("tiles of \(buffer.element)") }
      try access(buffer, index, lanes: 1, count: nil, writes: writes)
      try expect(stride, ValueType(.i64))
    }
    switch operation {
    case .configure(let shapes):
      guard (1...8).contains(shapes.count) else { throw LoopVerificationError("there are 8 tile registers") }
      for shape in shapes {
        try expect(shape.rows, ValueType(.i64))
        guard (1...16).contains(shape.columns), (1...16).contains(shape.rows.integerValue ?? 1) else {
          throw LoopVerificationError("a tile register has at most 16 rows of 16 elements")
        }
      }
    case .release: break
    case .clear(let tile): try number(tile)
    case .load(let tile, let buffer, let index, let stride):
      try number(tile)
      try memory(buffer, index, stride, writes: false)
    case .store(let tile, let buffer, let index, let stride):
      try number(tile)
      try memory(buffer, index, stride, writes: true)
    case .multiplyAdd(let element, let sum, let left, let right):
      guard element == .f32 || element == .i32 else { throw LoopVerificationError("tiles of sums of \(element)") }
      try number(sum, left, right)
    }
  }

  private mutating func verify(_ loop: Loop) throws(LoopVerificationError) {
    let place = "bound of \(loop.variable)"
    try expect(loop.lower, ValueType(.i64))
    try expect(loop.upper, ValueType(.i64))
    guard loop.step >= 1 else { throw LoopVerificationError("\(place): step \(loop.step)") }
    if loop.kind == .unrolled, loop.lower.integerValue == nil || loop.upper.integerValue == nil {
      throw LoopVerificationError("\(place): an unrolled loop has literal bounds")
    }
    guard loop.variable.type == ValueType(.i64) else {
      throw LoopVerificationError("\(place): type \(loop.variable.type)")
    }
    let outer = variables
    try introduce(loop.variable, isMutable: false)
    try block(loop.body)
    variables = outer
  }

  private mutating func call(_ kernel: Int, _ arguments: [Argument], _ scalars: [Expr]) throws(LoopVerificationError) {
    guard kernels.indices.contains(kernel) else { throw LoopVerificationError("there is no kernel \(kernel)") }
    let called = kernels[kernel]
    guard arguments.count == called.parameters.count, scalars.count == called.scalars.count else {
      throw LoopVerificationError(
        "\(arguments.count) buffers and \(scalars.count) scalars for "
          + "\(called.parameters.count) and \(called.scalars.count)"
      )
    }
    for scalar in scalars { try expect(scalar, ValueType(.i64)) }
    for (argument, parameter) in zip(arguments, called.parameters) {
      let isGroups = parameter.buffer.element == .u32 && [.u8, .u16].contains(argument.buffer.element)
      guard argument.buffer.element == parameter.buffer.element || isGroups else {
        throw LoopVerificationError("\(argument.buffer) of \(argument.buffer.element) for \(parameter.buffer.element)")
      }
      let buffer = try use(
        argument.buffer, reads: parameter.access != .write, writes: parameter.access != .read)
      try position(argument.offset, "offset of \(argument.buffer)")
      if let offset = argument.offset.integerValue {
        // The caller's buffers are aligned for their elements at least.
        let known = max(buffer.alignment, argument.buffer.element.bytes)
        guard parameter.alignment <= known, offset * argument.buffer.element.bytes % parameter.alignment == 0 else {
          throw LoopVerificationError("\(argument.buffer) + \(offset) is not aligned to \(parameter.alignment) bytes")
        }
      }
    }
    for (position, parameter) in called.parameters.enumerated() where parameter.access != .read {
      let argument = arguments[position]
      for (other, second) in zip(called.parameters, arguments) where mayCoincide(argument.buffer, second.buffer) {
        guard parameter.mayCoincide, other.mayCoincide else {
          throw LoopVerificationError("\(argument.buffer) may be \(second.buffer), but the kernel does not say so")
        }
      }
      for (other, second) in arguments.enumerated() where other != position && second == argument {
        throw LoopVerificationError("\(argument.buffer) is written and passed twice")
      }
    }
    mayFail = mayFail || called.mayFail
  }

  private mutating func external(_ number: Int, _ arguments: [ExternalArgument]) throws(LoopVerificationError) {
    guard externals.indices.contains(number) else { throw LoopVerificationError("there is no x\(number) here") }
    let function = externals[number]
    guard arguments.count == function.parameters.count else {
      throw LoopVerificationError("\(arguments.count) arguments for \(function)")
    }
    for (argument, parameter) in zip(arguments, function.parameters) {
      switch (argument, parameter.kind) {
      case (.place(let place), .input), (.place(let place), .output), (.place(let place), .text):
        guard place.buffer.element.bytes == parameter.element.bytes else {
          throw LoopVerificationError("\(place.buffer) of \(place.buffer.element) for \(parameter.name)")
        }
        _ = try use(place.buffer, reads: parameter.kind != .output, writes: parameter.kind == .output)
        try position(place.offset, "offset of \(place.buffer)")
      case (.absent, .input): continue
      case (.value(let value), .value): try expect(value, ValueType(parameter.element))
      case (.place, .value), (.absent, _), (.value, _):
        throw LoopVerificationError("\(argument) for \(parameter.kind.rawValue) \(parameter.name)")
      }
    }
    mayFail = true
  }

  /// Verifies the use of a buffer and gives what is known of it.
  func use(_ buffer: Buffer, reads: Bool, writes: Bool) throws(LoopVerificationError) -> VerifiedBuffer {
    guard let known = buffers[buffer.id] else { throw LoopVerificationError("there is no \(buffer) here") }
    guard isLoopType(buffer.element), known.element == nil || known.element == buffer.element else {
      throw LoopVerificationError("\(buffer) is used with type \(buffer.element)")
    }
    if reads, !known.isReadable { throw LoopVerificationError("\(buffer) is read") }
    if writes, !known.isWritable { throw LoopVerificationError("\(buffer) is written") }
    return known
  }

  /// Verifies an access to a range of elements: `count` of them, else `lanes`.
  func access(_ buffer: Buffer, _ index: Expr, lanes: Int?, count: Expr?, writes: Bool) throws(LoopVerificationError) {
    let known = try use(buffer, reads: !writes, writes: writes)
    try expect(index, ValueType(.i64))
    if let count { try expect(count, ValueType(.i64)) }
    let length = count.map(\.integerValue) ?? lanes
    guard let first = index.integerValue, let length, length > 0 else { return }
    let capacity = known.bytes.map { $0 / buffer.element.bytes }
    guard first >= 0, capacity.map({ first + length <= $0 }) ?? true else {
      throw LoopVerificationError("\(length) elements of \(buffer) at \(first)\(capacity.map { " of \($0)" } ?? "")")
    }
  }

  /// Verifies an `i64` scalar that is not negative.
  func position(_ expr: Expr, _ what: String) throws(LoopVerificationError) {
    try expect(expr, ValueType(.i64))
    if let value = expr.integerValue, value < 0 { throw LoopVerificationError("\(what): \(value)") }
  }

  func expect(_ expr: Expr, _ type: ValueType) throws(LoopVerificationError) {
    let found = try expression(expr)
    guard found == type else { throw LoopVerificationError("\(expr) has type \(found), not \(type)") }
  }
}
