/// The levels of the x86-64 psABI.
enum X86Level: String, CaseIterable {
  case v1 = "x86-64"
  case v2 = "x86-64-v2"
  case v3 = "x86-64-v3"
  case v4 = "x86-64-v4"

  /// What every processor of the level has, as LLVM spells it.
  var features: [String] {
    let second = ["cx16", "sahf", "popcnt", "sse3", "ssse3", "sse4.1", "sse4.2"]
    let third = ["avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe", "xsave"]
    let fourth = ["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"]
    switch self {
    case .v1: return []
    case .v2: return second
    case .v3: return second + third
    case .v4: return second + third + fourth
    }
  }
}

/// A processor by LLVM's name: the level that it has, and what code gains from beyond it.
struct X86Processor {
  var name: String
  var level: X86Level
  private var further: [String] = []

  /// Nil for names that are not known here; LLVM may know them.
  init?(_ name: String) {
    self.name = name
    if let level = X86Level(rawValue: name) {
      self.level = level
      return
    }
    let icelake = ["avx512ifma", "avx512vbmi", "avx512vbmi2", "avx512vnni", "avx512bitalg", "avx512vpopcntdq", "gfni"]
    switch name {
    case "nehalem", "westmere", "sandybridge", "ivybridge", "silvermont", "goldmont", "tremont": level = .v2
    case "haswell", "broadwell", "skylake", "znver1", "znver2", "znver3": level = .v3
    case "alderlake", "raptorlake", "gracemont", "arrowlake", "lunarlake": (level, further) = (.v3, ["avxvnni", "gfni"])
    case "skylake-avx512": level = .v4
    case "cascadelake": (level, further) = (.v4, ["avx512vnni"])
    case "cooperlake": (level, further) = (.v4, ["avx512vnni", "avx512bf16"])
    case "cannonlake": (level, further) = (.v4, ["avx512ifma", "avx512vbmi"])
    case "icelake-client", "icelake-server", "tigerlake", "rocketlake": (level, further) = (.v4, icelake)
    case "sapphirerapids", "emeraldrapids", "graniterapids":
      let tiles = ["amx-tile", "amx-bf16", "amx-int8"]
      (level, further) = (.v4, icelake + ["avx512bf16", "avx512fp16", "avxvnni"] + tiles)
    case "znver4": (level, further) = (.v4, icelake + ["avx512bf16"])
    case "znver5": (level, further) = (.v4, icelake + ["avx512bf16", "avxvnni"])
    default: return nil
    }
  }

  var features: [String] { level.features + further }
}
