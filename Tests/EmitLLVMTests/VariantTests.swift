import EmitLLVM
import LoopIR
import LoopIRCases
import Testing

/// Modules with programs for several processors.
@Suite(.enabled(if: LLVMOptions.host().triple.hasPrefix("x86_64"))) struct VariantTests {
  private static let features = ["", "+sse3,+ssse3,+sse4.1,+sse4.2,+popcnt,+cx16,+sahf", "+avx512f,+avx512fp16"]

  /// One program for each list of features, the richest first.
  private func variants(_ program: Program) -> [ProgramVariant] {
    let triple = LLVMOptions.host().triple
    return Self.features.enumerated().reversed().map { number, features in
      ProgramVariant(
        name: "v\(number)", program: program, options: LLVMOptions(triple: triple, cpu: "x86-64", features: features))
    }
  }

  @Test(arguments: programCases) func givesWhatOneProgramGives(_ test: LoopIRCase) throws {
    #expect(test.difference(of: try JITModel(variants(test.program))) == "")
  }

  @Test func arenaForTheMostDemanding() throws {
    let test = try #require(programCases.first { $0.name == "symbolic" })
    let alone = try JITModel(test.program).arenaBytes(symbols: test.symbols)
    var code = variants(test.program)
    code[1].program.arenaBytes = .binary(.add, test.program.arenaBytes, .index(640))
    #expect(try JITModel(code).arenaBytes(symbols: test.symbols) == alone + 640)
    #expect(test.difference(of: try JITModel(code)) == "")
  }

  @Test func symbolsStayLocal() throws {
    let test = try #require(programCases.first { $0.name == "constants and arena" })
    let text = String(decoding: try emitLLVM(variants(test.program)).text(), as: UTF8.self)
    let names = text.split(separator: "\n").filter { $0.hasPrefix("define ") && !$0.hasPrefix("define internal ") }
    #expect(names.count == 3, "\(names)")
    #expect(text.contains("@case_model.v0.") && text.contains("@case_model.v2."))
    #expect(text.contains("@case_model.find_processor()"))
  }

  @Test func unknownFeatures() throws {
    let test = try #require(programCases.first)
    var code = variants(test.program)
    code[0].options.features = "+avx2,+xop"
    #expect(throws: (any Error).self) { try emitLLVM(code) }
    #expect(try !emitLLVM([code[0]]).text().isEmpty)
  }
}
