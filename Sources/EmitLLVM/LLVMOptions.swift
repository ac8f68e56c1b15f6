import CLLVM

/// The machine that code is generated for, and how hard to try.
public struct LLVMOptions: Sendable {
  /// Target triple, processor name and feature list (`+avx2,-fma`) as LLVM spells them.
  public var triple: String
  public var cpu: String
  public var features: String
  /// The processor whose speed instructions are chosen and ordered for; empty for `cpu`.
  public var tuning = ""
  /// 0 to 3, as the `-O` flags of compilers.
  public var optimization: Int
  /// Whether `multiplyAdd` is one instruction; otherwise it may become two.
  public var hasFMA: Bool
  /// Whether floor, ceil, trunc and rint are instructions; otherwise they are computed by additions.
  public var hasRounding: Bool
  /// Whether conversions between `f16` and `f32` are instructions.
  public var hasHalves: Bool
  /// Whether threads can share counters without functions of others.
  let sharesCounters: Bool

  /// Options for a machine; what it can do is taken from the architecture and the features named in `features`.
  public init(triple: String, cpu: String = "", features: String = "", optimization: Int = 2) {
    self.triple = triple
    self.cpu = cpu
    self.features = features
    self.optimization = optimization
    let named = Set(features.split(separator: ",").map(String.init))
    let isArm64 = triple.hasPrefix("aarch64") || triple.hasPrefix("arm64")
    hasFMA = isArm64 || named.contains("+fma") || named.contains("+avx512f") || named.contains("+vfp4")
    hasHalves = isArm64 || named.contains("+f16c") || named.contains("+avx512f")
    sharesCounters = isArm64 || triple.hasPrefix("x86_64")
    hasRounding =
      isArm64 || triple.hasPrefix("wasm") || named.contains("+sse4.1") || named.contains("+avx")
      || named.contains("+avx2") || named.contains("+avx512f")
  }

  /// The machine that this process runs on.
  public static func host(optimization: Int = 2) -> LLVMOptions {
    LLVMOptions(
      triple: takeMessage(LLVMGetDefaultTargetTriple()), cpu: takeMessage(LLVMGetHostCPUName()),
      features: takeMessage(LLVMGetHostCPUFeatures()), optimization: optimization)
  }
}

/// Copies and frees a string that LLVM allocated.
func takeMessage(_ text: UnsafeMutablePointer<CChar>?) -> String {
  guard let text else { return "" }
  defer { LLVMDisposeMessage(text) }
  return String(cString: text)
}

extension LLVMOptions {
  /// Whether a feature is named as present.
  public func supports(_ feature: String) -> Bool {
    features.split(separator: ",").contains("+\(feature)")
  }
}
