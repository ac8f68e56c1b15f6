import EmitHeader
import LoopIR
import Support

/// The kernels of a program that its entry calls, as C functions.
struct CKernels {
  /// Names by position in the program.
  var names: [String] = []
  /// Symbolic dimensions that each kernel reads, passed after its scalars.
  var symbols: [[String]] = []
  private var mayFail: [Bool] = []
  var texts: [String] = []
  var helpers: Set<CHelper> = []
  /// Whether a kernel or the entry declares an array.
  var usesAlignment = false

  init(_ program: Program) {
    var called: Set<Int> = []
    var divided: [Int: DividedCall] = [:]
    program.entry.walk { statement in
      if case .call(let kernel, _, _) = statement { called.insert(kernel) }
      if case .loop(let loop) = statement, let call = DividedCall(loop) { divided[call.kernel] = call }
    }
    for (index, kernel) in program.kernels.enumerated().reversed() where called.contains(index) {
      kernel.body.walk { if case .call(let callee, _, _) = $0 { called.insert(callee) } }
    }
    symbols = program.kernelSymbols
    mayFail = program.kernels.map(\.mayFail)
    for (index, kernel) in program.kernels.enumerated() {
      names.append("\(program.prefix)_\(index)_\(identifier(kernel.name))")
      if called.contains(index) { print(kernel, index) }
      if let call = divided[index] { texts.append(part(kernel, index, pieces: call.pieces)) }
    }
    for body in program.kernels.map(\.body) + [program.entry] {
      body.walk { if case .allocate = $0 { usesAlignment = true } }
    }
  }

  /// The arguments of a divided kernel as one object, and the function that runs one of its parts.
  private func part(_ kernel: Kernel, _ index: Int, pieces: Int) -> String {
    let name = names[index]
    let pointers = kernel.parameters.map { parameter in
      "  \(parameter.access == .read ? "const " : "")\(parameter.buffer.element.cType) *b\(parameter.buffer.id);"
    }
    let scalars = pieces > 1 ? ["piece", "(int64_t)part"] : ["(int64_t)part"]
    let values = kernel.parameters.map { "record->b\($0.buffer.id)" } + scalars
      + symbols[index].indices.map { "record->s\($0)" }
    var lines = ["struct \(name)_arguments {"] + pointers + symbols[index].indices.map { "  int64_t s\($0);" } + ["};", ""]
    lines += ["static void \(name)_part(void *arguments, uint32_t part) {"]
    lines += ["  const struct \(name)_arguments *record = (const struct \(name)_arguments *)arguments;"]
    let call = "\(name)(\(values.joined(separator: ", ")));"
    if pieces > 1 {
      lines += ["  const int64_t first = (int64_t)part * \(pieces);"]
      lines += ["  for (int64_t piece = first; piece < first + \(pieces); ++piece) \(call)", "}"]
    } else {
      lines += ["  \(call)", "}"]
    }
    return lines.joined(separator: "\n")
  }

  /// The function that runs all parts of a kernel.
  static func runner(_ program: Program) -> String {
    """
    static void \(program.prefix)_parts(
        const onnxc_parallel *parallel, void (*task)(void *arguments, uint32_t part), void *arguments, uint32_t parts) {
      if (parallel == NULL) {
        for (uint32_t part = 0; part < parts; ++part) task(arguments, part);
      } else {
        parallel->run(parallel->context, task, arguments, parts);
      }
    }
    """
  }

  /// Prints a call, after which a function ends that fails.
  func call(_ kernel: Int, _ arguments: [Argument], _ scalars: [Expr], in function: inout CFunction) {
    var texts = arguments.map { function.place($0.buffer, $0.offset) }
    texts += scalars.map { function.print($0).text }
    texts += symbols[kernel].map(function.symbol)
    let call = "\(names[kernel])(\(texts.joined(separator: ", ")))"
    guard mayFail[kernel] else { return function.line("\(call);") }
    function.line("{")
    function.line("  const int failure = \(call);")
    function.line("  if (failure != 0) return failure;")
    function.line("}")
  }

  private mutating func print(_ kernel: Kernel, _ index: Int) {
    let numbers = Dictionary(uniqueKeysWithValues: symbols[index].enumerated().map { ($1, $0) })
    func symbol(_ name: String) -> String { "s\(numbers[name] ?? 0)" }
    var function = CFunction(
      kernel.body, returnsStatus: kernel.mayFail, buffer: { "b\($0.id)" }, symbol: symbol)
    function.callees = self
    for scalar in kernel.scalars { function.positions.insert(scalar) }
    for statement in kernel.body { function.print(statement) }
    if kernel.mayFail { function.line("return 0;") }
    let unused =
      kernel.parameters.filter { !function.usedBuffers.contains($0.buffer.id) }.map { "  (void)b\($0.buffer.id);" }
      + kernel.scalars.filter { !function.usedVariables.contains($0.id) }.map { "  (void)v\($0.id);" }
    let parameters =
      kernel.parameters.map {
        "\($0.access == .read ? "const " : "")\($0.buffer.element.cType) *\($0.mayCoincide ? "" : "RESTRICT ")b\($0.buffer.id)"
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
