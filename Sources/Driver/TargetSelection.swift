import CSystem
import EmitLLVM
import Passes
import Schedule
import Support

/// What code is generated for.
struct Processor {
  /// The name that the user gave.
  var name: String
  /// The code generator's options.
  var codegen: LLVMOptions
  /// The name under which choices are measured; empty for C, whose compiler is not known.
  var model: String
  /// The scheduler's description.
  var target: Target
  /// The features that code asks for when it runs, if not all: those by which it differs from its twin.
  var asked: String?
}

extension CompileOptions.Precision {
  /// What passes know of a target.
  func vectorUnits(of target: Target) -> VectorUnits {
    VectorUnits(
      vectorBytes: target.vectorBytes, split: split(for: target),
      byteDepth: target.byteUnit.map { $0 == .tiles ? 64 : 4 }, roundsHalves: self == .strict)
  }

  /// How factors are split for a target; nil where they stay whole.
  private func split(for target: Target) -> FactorSplit? {
    guard let unit = target.pairUnit else { return nil }
    let depth = unit == .tiles ? 32 : 2
    let costs = unit == .tiles ? Self.tileCosts : nil
    switch self {
    case .strict: return nil
    case .f32: return FactorSplit(parts: 3, depth: depth, costs: costs)
    case .fast: return FactorSplit(parts: 2, depth: depth, costs: costs)
    case .bf16: return FactorSplit(parts: 1, depth: depth)
    }
  }

  /// Measured with layers of ResNet-50, MobileNetV2, BERT and GPT-2 on a Xeon with AMX.
  ///
  /// Products of parts take 0.06 at best and 0.15 where other cores are busy, which is usual; so contractions that gain
  /// little stay whole.
  private static let tileCosts = SplitCosts(
    product: 0.1, part: 19, weight: 12, result: 9, wholeWeight: 6, windowProduct: 0.6, rows: 13)

  /// Vectors multiply pairs twice as fast as numbers, so only one product of parts pays; tiles pay for six.
  fileprivate func pairUnit(_ codegen: LLVMOptions) -> GroupUnit? {
    guard self != .strict, codegen.triple.hasPrefix("x86_64"), codegen.supports("avx512f") else { return nil }
    if codegen.supports("amx-tile") && codegen.supports("amx-bf16") { return .tiles }
    return self == .bf16 && codegen.supports("avx512bf16") ? .vectors : nil
  }

  /// What multiplies bytes, whose sums are exact.
  fileprivate func byteUnit(_ codegen: LLVMOptions) -> GroupUnit? {
    guard codegen.triple.hasPrefix("x86_64") else { return nil }
    if pairUnit(codegen) == .tiles && codegen.supports("amx-int8") { return .tiles }
    return codegen.supports("avx512vnni") || codegen.supports("avxvnni") ? .vectors : nil
  }
}

extension Pipeline {
  /// The processors that the options name, the richest first.
  static func processors(_ options: CompileOptions) throws(ModelError) -> [Processor] {
    let names = options.cpu.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    let isC = options.backend == .c || options.emit == .c
    guard names.count > 1 else {
      let codegen = codegen(options)
      let processor = Processor(
        name: options.cpu, codegen: codegen, model: isC ? "" : codegen.cpu,
        target: isC ? .portable : target(codegen, options))
      return processor.target.pairUnit == .tiles ? withAndWithoutTiles(processor, options) : [processor]
    }
    guard !isC else {
      throw .unsupported("C has one form for all processors", hint: "give one --cpu, or use the LLVM back end")
    }
    let triple = options.target.isEmpty ? LLVMOptions.host().triple : options.target
    guard triple.hasPrefix("x86_64") else {
      throw .unsupported("code for several processors is for x86-64 only, not for \(triple)", hint: "give one --cpu")
    }
    var processors: [Processor] = []
    for name in names {
      guard let processor = X86Processor(name) else {
        throw .unsupported(
          "'\(name)' is not a processor that code can choose when it runs",
          hint: "use levels: " + X86Level.allCases.map(\.rawValue).joined(separator: ", "))
      }
      let features = processor.features.map { "+\($0)" } + options.features
      var codegen = LLVMOptions(
        triple: triple, cpu: processor.level.rawValue, features: features.joined(separator: ","))
      codegen.tuning = name
      if let same = processors.first(where: { $0.codegen.features == codegen.features }) {
        throw .unsupported("\(same.name) and \(name) have the same instructions", hint: "give one of them")
      }
      processors.append(Processor(name: name, codegen: codegen, model: name, target: target(codegen, options)))
    }
    // A system may refuse tile registers, so there is code of the same width without them.
    let lacksOthers = !processors.contains { $0.target.pairUnit != .tiles && $0.target.vectorBytes == 64 }
    if lacksOthers, let tiles = processors.first(where: { $0.target.pairUnit == .tiles }) {
      processors.append(withoutTiles(tiles, options))
    }
    func rank(_ processor: Processor) -> (Int, Int, String) {
      (processor.target.vectorBytes, processor.codegen.features.split(separator: ",").count, processor.name)
    }
    return processors.sorted { rank($0) > rank($1) }
  }

  /// One processor twice: the system may refuse tile registers. Code that is measured runs here, where that is known.
  private static func withAndWithoutTiles(_ processor: Processor, _ options: CompileOptions) -> [Processor] {
    var (tiles, others) = (processor, withoutTiles(processor, options))
    if options.isMeasured { return [csystem_may_use_tiles() != 0 ? tiles : others] }
    let bytes = tiles.target.byteUnit == .tiles ? ",+amx-int8" : ""
    (tiles.asked, others.asked) = ("+amx-tile,+amx-bf16" + bytes, "")
    return [tiles, others]
  }

  private static func withoutTiles(_ processor: Processor, _ options: CompileOptions) -> Processor {
    var changed = processor
    changed.name += "-without-tiles"
    let features = processor.codegen.features.split(separator: ",").filter { !$0.hasPrefix("+amx") }
    changed.codegen.features = features.joined(separator: ",") + ",-amx-tile,-amx-bf16,-amx-int8"
    changed.target = target(changed.codegen, options)
    return changed
  }

  /// The processors that the options name and that their tuning table says nothing of, each once.
  public static func processorsWithoutTuning(_ options: CompileOptions) -> [String] {
    let names = (try? processors(options))?.map(\.model) ?? []
    return Set(names.filter { options.tuning.processors[$0] == nil }).sorted()
  }

  private static func codegen(_ options: CompileOptions) -> LLVMOptions {
    let host = LLVMOptions.host()
    if options.target.isEmpty && options.cpu == "native" && options.features.isEmpty { return host }
    let triple = options.target.isEmpty ? host.triple : options.target
    let isNative = options.cpu == "native" && options.target.isEmpty
    let cpu = options.cpu == "native" ? (isNative ? host.cpu : "") : options.cpu
    let processor = triple.hasPrefix("x86_64") ? X86Processor(cpu) : nil
    let implied = isNative ? [host.features] : processor?.features.map { "+\($0)" } ?? []
    return LLVMOptions(triple: triple, cpu: cpu, features: (implied + options.features).joined(separator: ","))
  }

  private static func target(_ codegen: LLVMOptions, _ options: CompileOptions) -> Target {
    var target = target(codegen)
    target.convertsHalves = codegen.hasHalves
    target.pairUnit = options.precision.pairUnit(codegen)
    target.byteUnit = options.precision.byteUnit(codegen)
    return target
  }

  private static func target(_ codegen: LLVMOptions) -> Target {
    if codegen.triple.hasPrefix("aarch64") || codegen.triple.hasPrefix("arm64") { return .neon }
    guard codegen.triple.hasPrefix("x86_64") else { return .portable }
    if codegen.supports("avx512f") { return .avx512 }
    if codegen.supports("avx2") { return .avx2 }
    return .simd128
  }
}
