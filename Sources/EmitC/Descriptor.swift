import EmitHeader
import LoopIR

/// The `onnxc_model` of a program and the function that gives it.
func descriptor(_ program: Program, _ interface: Interface) -> String {
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
  let arguments =
    ["arena"] + symbolValues
    + interface.inputs.enumerated().map { "(const \($1.port.element.cType) *)inputs[\($0)]" }
    + interface.outputs.enumerated().map { "(\($1.port.element.cType) *)outputs[\($0)]" }
  lines += ["", "static uint64_t \(prefix)_size(const int64_t *symbols) {"]
  lines += ["  (void)symbols;", "  return \(size);", "}"]
  lines += ["", "static int \(prefix)_generic_run("]
  lines += ["    void *arena, const void *const *inputs, void *const *outputs, const int64_t *symbols) {"]
  lines += ["  (void)inputs;", "  (void)outputs;", "  (void)symbols;"]
  lines += ["  return \(prefix)_run(\(arguments.joined(separator: ", ")));", "}"]
  lines += ["", "static const onnxc_model \(prefix)_descriptor = {"]
  let counts = "\(interface.inputs.count), \(interface.outputs.count)"
  lines += ["  1, \(quoted(prefix)), \(quoted(program.modelHash)), \(counts),"]
  lines += ["  \(inputs), \(outputs), \(program.symbols.count), \(symbols),"]
  lines += ["  \(interface.arenaBytes ?? 0), \(Interface.arenaAlign), \(prefix)_size, \(prefix)_generic_run,", "};"]
  lines += ["", "const onnxc_model *\(prefix)_model(void) { return &\(prefix)_descriptor; }"]
  return lines.joined(separator: "\n")
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
