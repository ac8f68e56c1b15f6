import EmitLLVM
import LoopIRCases
import Testing

@Suite struct CodeTests {
  static let avx512 = LLVMOptions(
    triple: "x86_64-linux-gnu", cpu: "skylake-avx512", features: "+avx512f,+avx512bw,+avx512dq,+avx512vl,+fma,+avx2")

  @Test(arguments: [
    ("min f32 x16", "vminps"), ("max f32 x16", "vmaxps"), ("multiplyAdd f32 x16", "vfmadd"),
    ("broadcast", "vbroadcastss"),
    ("add f32 x16", "%zmm"), ("floor f32 x16", "vrndscaleps"),
  ]) func instruction(_ name: String, _ expected: String) throws {
    let test = try #require((operationCases + programCases).first { $0.name == name })
    let text = String(decoding: try emitLLVM(test.program, options: Self.avx512).assembly().array, as: UTF8.self)
    #expect(text.contains(expected), "\(text)")
  }
}
