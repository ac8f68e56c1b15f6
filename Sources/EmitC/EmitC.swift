import EmitHeader
public import LoopIR
public import Support

/// Where generated C keeps constants.
public enum CWeights: String, Sendable, CaseIterable {
  /// As array literals.
  case embed
  /// In a file that the assembler includes.
  case separate
}

/// What to generate.
public struct COptions: Sendable {
  /// Where constants go; nil embeds up to 1 MiB.
  public var weights: CWeights?
  /// The name by which the source includes the header.
  public var headerName: String
  /// The name by which the source includes the weights; `-D<PREFIX>_WEIGHTS_FILE` overrides it.
  public var weightsName: String

  public init(prefix: String, weights: CWeights? = nil) {
    self.weights = weights
    headerName = prefix + ".h"
    weightsName = prefix + ".weights"
  }
}

/// A program as C99.
public struct CSource: Sendable {
  public var header: String
  public var source: String
  /// Contents of the weights file, if the source includes one.
  public var weights: [UInt8]?
}

/// Prints a program, all of whose expressions have one lane, as C99.
public func emitC(_ program: Program, options: COptions) throws(ModelError) -> CSource {
  let interface = try Interface(program)
  let total = program.constants.reduce(0) { $0 + $1.bytes.count }
  let place = options.weights ?? (total > 1 << 20 ? .separate : .embed)
  let constants = place == .embed || total == 0 ? embeddedConstants(program) : separateConstants(program, options)
  let kernels = CKernels(program)
  let entry = printEntry(program, interface, constants.names, kernels)
  var sections = [
    fileComment(program), includes(options), contractionOff,
    kernels.usesAlignment || constants.text.contains("ALIGNED") ? alignedMacro : "",
    kernels.texts.isEmpty ? "" : restrictMacro,
  ]
  let descriptor = descriptor(program, interface)
  sections += kernels.helpers.union(entry.helpers).union(descriptor.helpers).sorted { $0.name < $1.name }.map(\.text)
  if interface.isDivided { sections.append(CKernels.runner(program)) }
  sections += [constants.text] + kernels.texts + [entry.text, descriptor.text, statusTexts]
  return CSource(
    header: emitHeader(program, interface), source: sections.filter { !$0.isEmpty }.joined(separator: "\n\n") + "\n",
    weights: constants.weights)
}

private func fileComment(_ program: Program) -> String {
  """
  /* The compiled model '\(program.prefix)'; its interface is in the header.
   * Link with the math library if the compiler asks for it. */
  """
}

private func includes(_ options: COptions) -> String {
  """
  #include "\(options.headerName)"

  #include <math.h>
  #include <stdbool.h>
  #include <string.h>
  """
}

/// Products and sums are rounded one by one except where the program asks otherwise.
private let contractionOff = """
  #if defined(__clang__)
  #pragma STDC FP_CONTRACT OFF
  #elif defined(__GNUC__) && !defined(__STRICT_ANSI__)
  #pragma GCC optimize("fp-contract=off")
  #endif
  """

private let alignedMacro = """
  #if defined(__GNUC__)
  #define ALIGNED(bytes) __attribute__((aligned(bytes)))
  #else
  #define ALIGNED(bytes)
  #endif
  """

private let restrictMacro = """
  #if defined(__cplusplus)
  #define RESTRICT __restrict
  #else
  #define RESTRICT restrict
  #endif
  """

private let statusTexts: String = {
  let cases = Status.allCases.map { "    case \($0.rawValue): return \"\($0.text)\";" }
  return """
    #if defined(__GNUC__)
    __attribute__((weak))
    #endif
    const char *onnxc_strerror(int status) {
      switch (status) {
    \(cases.joined(separator: "\n"))
        default: return "unknown status";
      }
    }
    """
}()
