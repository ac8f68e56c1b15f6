import EmitHeader
import LoopIR

/// The `onnxc_model` of a program and the function that gives it.
func descriptor(_ program: Program, _ interface: Interface) -> (text: String, helpers: Set<CHelper>) {
  let prefix = interface.prefix
  var lines: [String] = []
  func tensors(_ tensors: [InterfaceTensor], _ role: String) -> String {
    guard !tensors.isEmpty else { return "NULL" }
    var rows: [String] = []
    for (index, tensor) in tensors.enumerated() {
      var dims = "NULL"
      if !tensor.dims.isEmpty {
        dims = "\(prefix)_\(role)_\(index)_dims"
        let list = tensor.dims.map { "\($0 ?? -1)" }.joined(separator: ", ")
        lines.append("static const int64_t \(dims)[] = {\(list)};")
      }
      let facts = "\(tensor.port.element.onnxNumber), \(tensor.dims.count), \(dims), \(tensor.bytes ?? 0)"
      rows.append("  {\(quoted(tensor.port.name)), \(facts)},")
    }
    lines += ["static const onnxc_tensor \(prefix)_\(role)s[] = {"] + rows + ["};"]
    return "\(prefix)_\(role)s"
  }
  let inputs = tensors(interface.inputs, "input")
  let outputs = tensors(interface.outputs, "output")
  var symbols = "NULL"
  if !program.symbols.isEmpty {
    symbols = "\(prefix)_symbols"
    lines.append("static const char *const \(symbols)[] = {\(program.symbols.map(quoted).joined(separator: ", "))};")
  }
  let symbolValues = program.symbols.indices.map { "symbols[\($0)]" }
  let size = interface.arenaBytes.map { "\($0)" } ?? "\(prefix)_arena_bytes(\(symbolValues.joined(separator: ", ")))"
  lines += ["", "static uint64_t \(prefix)_size(const int64_t *symbols) {"]
  lines += ["  (void)symbols;", "  return \(size);", "}"]
  lines += ["", "static uint64_t \(prefix)_output_size(uint32_t output, const int64_t *symbols) {", "  (void)symbols;"]
  if interface.outputs.isEmpty {
    lines += ["  (void)output;", "  return 0;"]
  } else if interface.hasFixedOutputs {
    lines.append("  return output < \(interface.outputs.count) ? \(prefix)_outputs[output].bytes : 0;")
  } else {
    lines.append("  return \(prefix)_output_bytes(\((["output"] + symbolValues).joined(separator: ", ")));")
  }
  var extents = CFunction(
    [], returnsStatus: false, buffer: { "b\($0.id)" },
    symbol: { name in program.symbols.firstIndex(of: name).map { "symbols[\($0)]" } ?? "0" })
  lines += ["}"] + genericRun(interface, symbolValues, &extents)
  lines += ["", "static const onnxc_model \(prefix)_descriptor = {"]
  let counts = "\(interface.inputs.count), \(interface.outputs.count)"
  lines += ["  3, \(quoted(prefix)), \(quoted(program.modelHash)), \(counts),"]
  lines += ["  \(inputs), \(outputs), \(program.symbols.count), \(symbols),"]
  lines += ["  \(interface.arenaBytes ?? 0), \(Interface.arenaAlign), \(prefix)_size, \(prefix)_output_size,"]
  lines += ["  \(prefix)_generic_run,", "};"]
  lines += ["", "const onnxc_model *\(prefix)_model(void) { return &\(prefix)_descriptor; }"]
  return (lines.joined(separator: "\n"), extents.helpers)
}

/// The call with arrays of pointers.
private func genericRun(_ interface: Interface, _ symbolValues: [String], _ extents: inout CFunction) -> [String] {
  let prefix = interface.prefix
  var lines = ["", "static int \(prefix)_generic_run("]
  lines += ["    void *arena, const void *const *inputs, void **outputs, const int64_t *symbols, int64_t *output_dims,"]
  lines += ["    const onnxc_memory *memory, const onnxc_parallel *parallel) {"]
  lines += ["inputs", "outputs", "symbols", "output_dims", "memory", "parallel"].map { "  (void)\($0);" }
  var arguments = ["arena"] + symbolValues
  arguments += interface.inputs.enumerated().map { "(const \($1.port.element.cType) *)inputs[\($0)]" }
  var after: [String] = []
  for (index, tensor) in interface.outputs.enumerated() {
    let type = tensor.port.element.cType
    if tensor.port.memory == .acquired {
      lines.append("  \(type) *acquired_\(index) = NULL;")
      arguments.append("&acquired_\(index)")
      after.append("  outputs[\(index)] = acquired_\(index);")
    } else {
      arguments.append("(\(type) *)outputs[\(index)]")
    }
  }
  var axis = 0
  for tensor in interface.outputs {
    if tensor.port.memory == .exact {
      for (offset, extent) in tensor.port.extents.enumerated() {
        lines.append("  output_dims[\(axis + offset)] = \(extents.print(extent.expr).text);")
      }
    } else {
      arguments.append("output_dims + \(axis)")
    }
    axis += tensor.dims.count
  }
  if interface.acquiresMemory { arguments.append("memory") }
  if interface.isDivided { arguments.append("parallel") }
  lines.append("  int status = \(prefix)_run(\(arguments.joined(separator: ", ")));")
  return lines + after + ["  return status;", "}"]
}

/// A C string literal.
private func quoted(_ text: String) -> String {
  var result = "\""
  for byte in text.utf8 {
    if (32..<127).contains(byte), byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte != UInt8(ascii: "?") {
      result.unicodeScalars.append(Unicode.Scalar(byte))
    } else {
      // Always three digits, so that a digit that follows is not taken for a part of the escape.
      let digits = String(byte, radix: 8)
      result += "\\" + String(repeating: "0", count: 3 - digits.count) + digits
    }
  }
  return result + "\""
}
