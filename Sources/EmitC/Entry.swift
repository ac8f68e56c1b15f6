import EmitHeader
import LoopIR
import Support

/// The exported functions of a program.
func printEntry(_ program: Program, _ interface: Interface, _ constants: [String], _ kernels: CKernels) -> (
  text: String, helpers: Set<CHelper>
) {
  let names = Dictionary(zip(program.symbols, interface.symbols), uniquingKeysWith: { first, _ in first })
  func symbol(_ name: String) -> String {
    guard let text = names[name] else { fatalError("symbol \(name) is not declared") }
    return text
  }
  // Offsets in the arena are printed by a function of their own, whose helpers join those of the entry.
  var offsets = CFunction([], returnsStatus: false, buffer: { "b\($0.id)" }, symbol: symbol)
  var bases: [(text: String, element: ElementType?)] = []
  for storage in program.storage {
    switch storage {
    case .input(let index): bases.append((interface.inputs[index].identifier, interface.inputs[index].port.element))
    case .output(let index): bases.append((interface.outputs[index].identifier, interface.outputs[index].port.element))
    case .constant(let index): bases.append((constants[index], program.constants[index].element))
    case .arena(let offset): bases.append(("memory + \(offsets.print(offset).at(.sum))", nil))
    }
  }
  let isConstant = program.storage.map { storage in
    switch storage {
    case .input, .constant: true
    case .output, .arena: false
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
  function.kernelCall = { function, kernel, arguments, scalars in
    let texts =
      arguments.map { function.place($0.buffer, $0.offset) } + scalars.map { function.print($0).text }
      + kernels.symbols[kernel].map(symbol)
    let call = "\(kernels.names[kernel])(\(texts.joined(separator: ", ")))"
    guard program.kernels[kernel].mayFail else { return function.line("\(call);") }
    function.line("status = \(call);")
    function.line("if (status != 0) return status;")
  }
  let arenaText = offsets.print(program.arenaBytes)
  checkArguments(program, interface, arenaText, &function)
  for statement in program.entry { function.print(statement) }
  let usesMemory = function.lines.contains { $0.contains("memory + ") }
  let usesStatus = function.lines.contains { $0.contains("status = ") }
  var lines = ["int \(interface.prefix)_run(\(interface.parameters.joined(separator: ", "))) {"]
  if usesMemory { lines.append("  unsigned char *memory = (unsigned char *)arena;") }
  if usesStatus { lines.append("  int status;") }
  lines += function.lines + ["  return 0;", "}"]
  if !program.symbols.isEmpty {
    let unused = interface.symbols.map { "  (void)\($0);" }
    lines += ["", "uint64_t \(interface.prefix)_arena_bytes(\(interface.arenaParameters)) {"] + unused
    lines += ["  return \(arenaText.cast(to: "uint64_t").text);", "}"]
  }
  return (lines.joined(separator: "\n"), function.helpers.union(offsets.helpers))
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
  if interface.arenaBytes == 0 { return function.line("(void)arena;") }
  let isUnusable = "arena == NULL || ((uintptr_t)arena & \(Interface.arenaAlign - 1)) != 0"
  if interface.arenaBytes == nil {
    function.line("if (\(arenaBytes.at(.sum)) > 0 && (\(isUnusable))) \(failure)")
  } else {
    function.line("if (\(isUnusable)) \(failure)")
  }
}
