import EmitHeader
import LoopIR
import Support

/// The exported functions of a program.
func printEntry(_ program: Program, _ interface: Interface, _ constants: [String], _ kernels: CKernels) -> (
  text: String, helpers: Set<CHelper>
) {
  var names = Dictionary(zip(program.symbols, interface.symbols), uniquingKeysWith: { first, _ in first })
  for (index, symbol) in program.derived.enumerated() { names[symbol.name] = "d\(index)_" }
  for (index, symbol) in program.measured.enumerated() { names[symbol] = "n\(index)_" }
  let known = names
  func symbol(_ name: String) -> String {
    guard let text = known[name] else { fatalError("symbol \(name) is not declared") }
    return text
  }
  // Offsets in the arena are printed by a function of their own, whose helpers join those of the entry.
  var offsets = CFunction([], returnsStatus: false, buffer: { "b\($0.id)" }, symbol: symbol)
  var bases: [(text: String, element: ElementType?)] = []
  for storage in program.storage {
    switch storage {
    case .input(let index): bases.append((interface.inputs[index].identifier, interface.inputs[index].port.element))
    case .output(let index) where program.outputs[index].memory == .acquired: bases.append(("a\(bases.count)_", nil))
    case .output(let index): bases.append((interface.outputs[index].identifier, interface.outputs[index].port.element))
    case .constant(let index): bases.append((constants[index], program.constants[index].element))
    case .arena(let offset): bases.append(("memory_ + \(offsets.print(offset).at(.sum))", nil))
    case .acquired: bases.append(("a\(bases.count)_", nil))
    }
  }
  let isConstant = program.storage.map { storage in
    switch storage {
    case .input, .constant: true
    case .output, .arena, .acquired: false
    }
  }
  func buffer(_ buffer: Buffer) -> String {
    guard buffer.id < bases.count else { return "b\(buffer.id)_" }
    let base = bases[buffer.id]
    if base.element?.cType == buffer.element.cType { return base.text }
    let qualifier = isConstant[buffer.id] ? "const " : ""
    let place = base.element == nil ? "(\(base.text))" : base.text
    return "((\(qualifier)\(buffer.element.cType) *)(\(qualifier)void *)\(place))"
  }
  var function = CFunction(program.entry, returnsStatus: true, buffer: buffer, symbol: symbol)
  function.localSuffix = "_"
  function.mayCoincide = program.mayCoincide
  function.callees = kernels
  if interface.isDivided { function.parallelLoop = { printDivided($1, program, kernels, symbol, &$0) } }
  function.externalCall = { function, number, arguments in
    let external = program.externals[number]
    let texts = zip(arguments, external.parameters).map { argument, parameter in
      switch argument {
      case .place(let place):
        let text = function.place(place.buffer, place.offset)
        return parameter.pointerType.map { "(\($0))(\(text))" } ?? text
      case .absent: return "NULL"
      case .value(let value): return function.print(value).text
      }
    }
    line(&function, "if (\(external.name)(\(texts.joined(separator: ", "))) != 0) {")
    line(&function, "  return \(external.provider.failure.rawValue);")
    line(&function, "}")
  }
  function.acquisition = { function, buffer, bytes in
    let size = function.print(.binary(.max, bytes, .index(1))).cast(to: "uint64_t").text
    line(&function, "a\(buffer.id)_ = (unsigned char *)memory->allocate(memory->context, \(size));")
    line(&function, "if (a\(buffer.id)_ == NULL) return \(Status.outOfMemory.rawValue);")
  }
  let arenaText = offsets.print(program.arenaBytes)
  let derived = program.derived.enumerated().map { index, symbol in
    "const int64_t d\(index)_ = \(offsets.print(symbol.value).text);"
  }
  checkArguments(program, interface, arenaText, &function)
  for statement in program.entry { function.print(statement) }
  report(program, interface, &function)
  let usesMemory = function.lines.contains { $0.contains("memory_ + ") }
  let usesStatus = function.lines.contains { $0.contains("status = ") }
  var lines = ["int \(interface.prefix)_run(\(interface.parameters.joined(separator: ", "))) {"]
  if usesMemory { lines.append("  unsigned char *memory_ = (unsigned char *)arena;") }
  if usesStatus { lines.append("  int status;") }
  lines += program.measured.indices.map { "  int64_t n\($0)_ = 0;" }
  for (id, storage) in program.storage.enumerated() where isAcquired(storage, program) {
    lines.append("  unsigned char *a\(id)_ = NULL;")
  }
  if !program.derived.isEmpty {
    lines += derived.map { "  " + $0 } + program.derived.indices.map { "  (void)d\($0)_;" }
  }
  lines += function.lines + ["  return 0;", "}"]
  let unused = interface.symbols.map { "  (void)\($0);" } + derived.map { "  " + $0 }
  if !program.symbols.isEmpty {
    lines += ["", "uint64_t \(interface.prefix)_arena_bytes(\(interface.arenaParameters)) {"] + unused
    lines += program.derived.indices.map { "  (void)d\($0)_;" }
    lines += ["  return \(arenaText.cast(to: "uint64_t").text);", "}"]
  }
  if !interface.hasFixedOutputs {
    let parameters = ["uint32_t output"] + interface.symbols.map { "int64_t \($0)" }
    lines += ["", "uint64_t \(interface.prefix)_output_bytes(\(parameters.joined(separator: ", "))) {"] + unused
    lines += program.derived.indices.map { "  (void)d\($0)_;" } + ["  switch (output) {"]
    for (index, port) in program.outputs.enumerated() {
      lines.append("    case \(index): return \(offsets.print(port.capacityBytes).cast(to: "uint64_t").text);")
    }
    lines += ["    default: return 0;", "  }", "}"]
  }
  return (lines.joined(separator: "\n"), function.helpers.union(offsets.helpers))
}

/// The call of all parts of a kernel.
private func printDivided(
  _ loop: Loop, _ program: Program, _ kernels: CKernels, _ symbol: (String) -> String, _ function: inout CFunction
) {
  guard let call = DividedCall(loop) else { fatalError("a parallel loop is not around one call") }
  let texts = call.arguments.map { function.place($0.buffer, $0.offset) } + kernels.symbols[call.kernel].map(symbol)
  let name = kernels.names[call.kernel]
  function.line("{")
  function.line("  struct \(name)_arguments part_arguments = {\(texts.joined(separator: ", "))};")
  function.line("  \(program.prefix)_parts(parallel, \(name)_part, &part_arguments, \(call.parts));")
  function.line("}")
}

private func line(_ function: inout CFunction, _ text: String) { function.line(text) }

private func isAcquired(_ storage: Storage, _ program: Program) -> Bool {
  switch storage {
  case .acquired: true
  case .output(let index): program.outputs[index].memory == .acquired
  case .input, .constant, .arena: false
  }
}

/// Tells the caller the extents of measured outputs, and where acquired ones are.
private func report(_ program: Program, _ interface: Interface, _ function: inout CFunction) {
  for tensor in interface.measuredOutputs {
    for (axis, extent) in tensor.port.extents.enumerated() {
      function.line("\(tensor.dimsIdentifier)[\(axis)] = \(function.print(extent.expr).text);")
    }
    if tensor.port.extents.isEmpty { function.line("(void)\(tensor.dimsIdentifier);") }
  }
  for (id, storage) in program.storage.enumerated() {
    guard case .output(let index) = storage, program.outputs[index].memory == .acquired else { continue }
    let tensor = interface.outputs[index]
    function.line("*\(tensor.identifier) = (\(tensor.port.element.cType) *)(void *)a\(id)_;")
  }
}

/// Leaves with `nullArgument` if a pointer is null or the arena is missing or misaligned.
private func checkArguments(
  _ program: Program, _ interface: Interface, _ arenaBytes: CText, _ function: inout CFunction
) {
  let failure = "return \(Status.nullArgument.rawValue);"
  for symbol in interface.symbols { function.line("(void)\(symbol);") }
  for tensor in interface.inputs + interface.outputs {
    function.line("if (\(tensor.identifier) == NULL) \(failure)")
  }
  for tensor in interface.measuredOutputs { function.line("if (\(tensor.dimsIdentifier) == NULL) \(failure)") }
  if interface.acquiresMemory { function.line("if (memory == NULL) \(failure)") }
  if interface.arenaBytes == 0 { return function.line("(void)arena;") }
  let isUnusable = "arena == NULL || ((uintptr_t)arena & \(Interface.arenaAlign - 1)) != 0"
  if interface.arenaBytes == nil {
    function.line("if (\(arenaBytes.at(.sum)) > 0 && (\(isUnusable))) \(failure)")
  } else {
    function.line("if (\(isUnusable)) \(failure)")
  }
}
