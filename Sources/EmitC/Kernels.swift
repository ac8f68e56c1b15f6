import EmitHeader
import LoopIR
import Support

/// The kernels of a program that its entry calls, as C functions.
struct CKernels {
  /// Names by position in the program.
  var names: [String] = []
  /// Symbolic dimensions that each kernel reads, passed after its scalars.
  var symbols: [[String]] = []
  var texts: [String] = []
  var helpers: Set<CHelper> = []
  /// Whether a kernel or the entry declares an array.
  var usesAlignment = false

  init(_ program: Program) {
    var called: Set<Int> = []
    program.entry.walk { if case .call(let kernel, _, _) = $0 { called.insert(kernel) } }
    for (index, kernel) in program.kernels.enumerated() {
      let used = kernel.body.symbols
      names.append("\(program.prefix)_\(index)_\(identifier(kernel.name))")
      symbols.append(program.allSymbols.filter(used.contains))
      if called.contains(index) { print(kernel, index) }
    }
    for body in program.kernels.map(\.body) + [program.entry] {
      body.walk { if case .allocate = $0 { usesAlignment = true } }
    }
  }

  private mutating func print(_ kernel: Kernel, _ index: Int) {
    let numbers = Dictionary(uniqueKeysWithValues: symbols[index].enumerated().map { ($1, $0) })
    func symbol(_ name: String) -> String { "s\(numbers[name] ?? 0)" }
    var function = CFunction(
      kernel.body, returnsStatus: kernel.mayFail, buffer: { "b\($0.id)" }, symbol: symbol)
    for scalar in kernel.scalars { function.positions.insert(scalar) }
    for statement in kernel.body { function.print(statement) }
    if kernel.mayFail { function.line("return 0;") }
    let unused =
      kernel.parameters.filter { !function.usedBuffers.contains($0.buffer.id) }.map { "  (void)b\($0.buffer.id);" }
      + kernel.scalars.filter { !function.usedVariables.contains($0.id) }.map { "  (void)v\($0.id);" }
    let parameters =
      kernel.parameters.map {
        "\($0.access == .read ? "const " : "")\($0.buffer.element.cType) *RESTRICT b\($0.buffer.id)"
      } + kernel.scalars.map { "int64_t v\($0.id)" } + symbols[index].map { "int64_t \(symbol($0))" }
    let list = parameters.isEmpty ? "void" : parameters.joined(separator: ", ")
    let head = "static \(kernel.mayFail ? "int" : "void") \(names[index])(\(list)) {"
    texts.append(([head] + unused + function.lines + ["}"]).joined(separator: "\n"))
    helpers.formUnion(function.helpers)
  }
}

/// The letters, digits and underscores of a name.
private func identifier(_ name: String) -> String {
  String(name.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
}
