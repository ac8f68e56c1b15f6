import EmitHeader
import LoopIR
import Support

/// Prints the body of one function; its other files add expressions and statements.
struct CFunction {
  /// Added to the names of locals, which must not meet the parameters of the entry.
  var localSuffix = ""
  var returnsStatus: Bool
  var lines: [String] = []
  var depth = 1
  var helpers: Set<CHelper> = []
  var positions = IndexMath()
  /// C text of each buffer, wanted with this element type.
  let bufferText: (Buffer) -> String
  /// The buffers and variables that occur in the printed text.
  private(set) var usedBuffers: Set<Int> = []
  private(set) var usedVariables: Set<Int> = []
  /// C name of each symbolic dimension.
  var symbol: (String) -> String
  /// Whether the first buffer, which a copy writes, may be the second, which it reads; only in the entry.
  var mayCoincide: (Buffer, Buffer) -> Bool = { _, _ in false }
  /// Prints a request for memory; only the entry has them.
  var acquisition: ((inout CFunction, Buffer, Expr) -> Void)?
  /// The kernels that may be called.
  var callees: CKernels?
  /// Prints a parallel loop; only the entry has them.
  var parallelLoop: ((inout CFunction, Loop) -> Void)?
  /// Prints a call of a function outside of the program; only the entry has them.
  var externalCall: ((inout CFunction, Int, [ExternalArgument]) -> Void)?
  /// Variables that some expression reads; others need no code.
  let read: Set<Int>

  init(
    _ body: [Statement], returnsStatus: Bool, buffer: @escaping (Buffer) -> String, symbol: @escaping (String) -> String
  ) {
    self.returnsStatus = returnsStatus
    bufferText = buffer
    self.symbol = symbol
    read = readVariables(body)
  }

  func name(_ variable: Variable) -> String { "v\(variable.id)\(localSuffix)" }

  /// Prints a buffer where it is accessed.
  mutating func buffer(_ buffer: Buffer) -> String {
    usedBuffers.insert(buffer.id)
    return bufferText(buffer)
  }

  /// Prints a variable where it is read.
  mutating func value(_ variable: Variable) -> String {
    usedVariables.insert(variable.id)
    return name(variable)
  }

  mutating func line(_ text: String) { lines.append(String(repeating: "  ", count: depth) + text) }

  /// Prints statements between braces that the caller's lines open and close.
  mutating func nested(_ body: [Statement]) {
    depth += 1
    for statement in body { print(statement) }
    depth -= 1
  }

  mutating func use(_ helper: CHelper, _ arguments: [CText]) -> CText {
    helpers.insert(helper)
    return CText("\(helper.name)(\(arguments.map(\.text).joined(separator: ", ")))")
  }
}
