import EmitLLVM
import Schedule

extension Pipeline {
  /// The code generator's options for the asked processor.
  static func codegen(_ options: CompileOptions) -> LLVMOptions {
    let host = LLVMOptions.host()
    if options.target.isEmpty && options.cpu == "native" && options.features.isEmpty { return host }
    let triple = options.target.isEmpty ? host.triple : options.target
    let isNative = options.cpu == "native" && options.target.isEmpty
    let cpu = options.cpu == "native" ? (isNative ? host.cpu : "") : options.cpu
    let implied = isNative ? [host.features] : triple.hasPrefix("x86_64") ? X86Level(cpu: cpu)?.features ?? [] : []
    return LLVMOptions(triple: triple, cpu: cpu, features: (implied + options.features).joined(separator: ","))
  }

  /// The scheduler's description of the asked processor.
  static func target(_ options: CompileOptions) -> Target {
    if options.backend == .c || options.emit == .c { return .portable }
    let codegen = codegen(options)
    if codegen.triple.hasPrefix("aarch64") || codegen.triple.hasPrefix("arm64") { return .neon }
    guard codegen.triple.hasPrefix("x86_64") else { return .portable }
    if codegen.supports("avx512f") { return .avx512 }
    if codegen.supports("avx2") { return .avx2 }
    return .simd128
  }
}

/// The levels of the x86-64 psABI above the first, and the processors that have them.
private enum X86Level {
  case v2, v3, v4

  init?(cpu: String) {
    switch cpu {
    case "x86-64-v2", "nehalem", "westmere", "sandybridge", "ivybridge", "silvermont", "goldmont", "tremont": self = .v2
    case "x86-64-v3", "haswell", "broadwell", "skylake", "alderlake", "raptorlake", "gracemont", "arrowlake", "lunarlake",
      "znver1", "znver2", "znver3":
      self = .v3
    case "x86-64-v4", "skylake-avx512", "cascadelake", "cooperlake", "cannonlake", "icelake-client", "icelake-server",
      "tigerlake", "rocketlake", "sapphirerapids", "emeraldrapids", "graniterapids", "znver4", "znver5":
      self = .v4
    default: return nil
    }
  }

  /// What every processor of the level has, as LLVM spells it.
  var features: [String] {
    let second = ["+cx16", "+sahf", "+popcnt", "+sse3", "+ssse3", "+sse4.1", "+sse4.2"]
    let third = ["+avx", "+avx2", "+bmi", "+bmi2", "+f16c", "+fma", "+lzcnt", "+movbe", "+xsave"]
    let fourth = ["+avx512f", "+avx512bw", "+avx512cd", "+avx512dq", "+avx512vl"]
    switch self {
    case .v2: return second
    case .v3: return second + third
    case .v4: return second + third + fourth
    }
  }
}
