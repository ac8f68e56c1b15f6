import EmitLLVM
import Schedule

extension Pipeline {
  /// The code generator's options for the asked processor.
  static func codegen(_ options: CompileOptions) -> LLVMOptions {
    let optimization = 2
    if options.target.isEmpty && options.cpu == "native" && options.features.isEmpty {
      return .host(optimization: optimization)
    }
    let host = LLVMOptions.host()
    let triple = options.target.isEmpty ? host.triple : options.target
    let cpu = options.cpu == "native" ? (options.target.isEmpty ? host.cpu : "") : options.cpu
    let inherited = options.cpu == "native" && options.target.isEmpty ? [host.features] : []
    return LLVMOptions(
      triple: triple, cpu: cpu, features: (inherited + options.features).joined(separator: ","),
      optimization: optimization)
  }

  /// The scheduler's description of the asked processor.
  static func target(_ options: CompileOptions) -> Target {
    if options.backend == .c { return .portable }
    let codegen = codegen(options)
    if codegen.triple.hasPrefix("aarch64") || codegen.triple.hasPrefix("arm64") { return .neon }
    guard codegen.triple.hasPrefix("x86_64") else { return .portable }
    if codegen.supports("avx512f") { return .avx512 }
    if codegen.supports("avx2") { return .avx2 }
    return .simd128
  }
}
