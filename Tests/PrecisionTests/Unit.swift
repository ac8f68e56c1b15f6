import CTileEmulator
import EmitLLVM
import Passes
import Schedule
import Testing

/// A unit that multiplies pairs, with how factors are split for it.
struct Unit: Sendable, CustomTestStringConvertible {
  var pairUnit: GroupUnit
  var split: FactorSplit

  init(_ pairUnit: GroupUnit, parts: Int) {
    self.pairUnit = pairUnit
    split = FactorSplit(parts: parts, depth: pairUnit == .tiles ? 32 : 2)
  }

  var testDescription: String { "\(pairUnit), \(split.parts) parts" }

  var target: Target {
    var target = Target.avx512
    target.pairUnit = pairUnit
    return target
  }

  /// What code for the unit is compiled with, if this machine can run it.
  var options: LLVMOptions? {
    let host = LLVMOptions.host()
    guard host.triple.hasPrefix("x86_64") else { return nil }
    switch pairUnit {
    case .vectors: return host.supports("avx512bf16") ? host : nil
    case .tiles:
      guard tile_emulator_install() != 0 else { return nil }
      return LLVMOptions(triple: host.triple, cpu: host.cpu, features: host.features + ",+amx-tile,+amx-bf16")
    }
  }

  static let all = [
    Unit(.vectors, parts: 1), Unit(.tiles, parts: 1), Unit(.tiles, parts: 2), Unit(.tiles, parts: 3),
  ]
}
