import EmitC
import LoopIR
import LoopIRCases
import Testing

@Suite struct CompilerTests {
  /// One case per operation and type pair would repeat the same text, so every fifth stands for its neighbours.
  static let sample =
    programCases.filter { !$0.hasVectors } + CTests.scalar.enumerated().filter { $0.offset % 5 == 0 }.map(\.element)

  static let compilers = [
    "clang -x c -std=c99 -O1 -c -o /dev/null", "gcc -x c -std=c99 -O2 -c -o /dev/null",
    "gcc -x c -std=gnu17 -fsyntax-only",
    "g++ -x c++ -std=c++11 -fsyntax-only", "clang++ -x c++ -std=c++20 -fsyntax-only",
  ]

  @Test(arguments: sample) func warnings(_ test: LoopIRCase) throws {
    let compiled = try CompiledC(test.program)
    for compiler in Self.compilers {
      #expect(compiled.shell("\(compiler) \(strict) model.c") == "", "\(compiler)")
    }
  }

  @Test(arguments: CTests.scalar.enumerated().filter { $0.offset % 3 == 0 }.map(\.element))
  func undefinedBehaviour(_ test: LoopIRCase) throws {
    let compiled = try CompiledC(test.program)
    let flags = "-fsanitize=undefined -fno-sanitize=float-cast-overflow,float-divide-by-zero -fno-sanitize-recover=all"
    #expect(compiled.shell("gcc -std=c99 -O1 \(flags) -static-libubsan -shared -fPIC model.c -o model.so -lm") == "")
    #expect(test.difference(of: try compiled.loaded(test.program.prefix)) == "")
  }

  @Test func separateWeights() throws {
    let test = try #require(programCases.first { $0.name == "constants and arena" })
    let compiled = try CompiledC(test.program, weights: .separate)
    #expect(compiled.source.weights?.count == 64)
    #expect(test.difference(of: try compiled.load(test.program.prefix)) == "")
  }

  @Test func exportedSymbols() throws {
    let test = try #require(programCases.first { $0.name == "symbolic" })
    let compiled = try CompiledC(test.program)
    #expect(compiled.shell("gcc -std=c99 -O2 -c model.c -o model.o") == "")
    #expect(
      compiled.shell("nm -g model.o | sed 's/.* //' | sort | tr '\\n' ' '")
        == "case_model_arena_bytes case_model_model case_model_output_bytes case_model_run memcpy onnxc_strerror ")
  }

  @Test func headerIsForStaticAssertions() throws {
    let test = try #require(programCases.first { $0.name == "constants and arena" })
    let compiled = try CompiledC(test.program)
    let program = """
      #include "case_model.h"
      _Static_assert(CASE_MODEL_ARENA_BYTES == 128 && CASE_MODEL_ARENA_ALIGN == 64, "");
      _Static_assert(CASE_MODEL_FLOAT_2_RANK == 1 && CASE_MODEL_FLOAT_2_DIM0 == 3, "");
      _Static_assert(CASE_MODEL_FLOAT_2_COUNT == 3 && CASE_MODEL_FLOAT_2_BYTES == 12, "");
      """
    #expect(compiled.shell("echo '\(program)' | gcc -std=c11 \(strict) -I. -x c -fsyntax-only -") == "")
  }
}
