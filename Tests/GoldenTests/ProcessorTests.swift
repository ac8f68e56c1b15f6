import Glibc
import Support
import Testing
import Verify

@testable import Driver

#if arch(x86_64)
  private let runsX86 = true
#else
  private let runsX86 = false
#endif

/// Code for several processors in one file.
/// A product of matrices that are large enough for a matrix unit.
private let productFolder = goldenFolder + "/../Tests/Data/product"

@Suite(.enabled(if: runsX86)) struct ProcessorTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try AtomicFile.write(Self.main, path: "\(folder.path)/main.c")
  }

  /// Prints which code was chosen, and the results.
  private static let main = """
    #include <stdio.h>
    #include "model.h"
    extern int processor __asm__("model.processor");
    #pragma weak processor
    static _Alignas(64) unsigned char arena[MODEL_ARENA_BYTES + 1];
    static float x[MODEL_X_COUNT], y[MODEL_Y_COUNT];
    int main(void) {
      for (int i = 0; i < MODEL_X_COUNT; i++) x[i] = (float)(i * 37 % 101) / 50 - 1;
      int status = model_run(arena, x, y);
      printf("%d %s\\n", &processor ? processor : 0, onnxc_strerror(status));
      for (int i = 0; i < MODEL_Y_COUNT && status == 0; i++) printf("%a\\n", y[i]);
      return model_model()->arena_bytes != MODEL_ARENA_BYTES;
    }

    """

  private func options(_ cpu: String, _ output: String = "") -> CompileOptions {
    var options = CompileOptions()
    options.target = "x86_64-linux-gnu"
    options.cpu = cpu
    options.name = "model"
    options.output = output
    return options
  }

  private func compile(
    _ cpu: String, _ output: String = "model.o", emit: CompileOptions.EmitKind = .object
  ) throws -> [UInt8] {
    var options = options(cpu, "\(folder.path)/\(output)")
    options.emit = emit
    try Pipeline.compile(path: "\(goldenFolder)/residual_block/model.onnx", options: options)
    return try InputFile.bytes(path: options.output).array
  }

  /// The number of the chosen code and the results, on this machine or one of QEMU's.
  private func results(_ cpu: String, on machine: String? = nil) throws -> (chosen: String, values: String) {
    _ = try compile(cpu)
    let build = "objcopy --globalize-symbol=model.processor model.o && cc -static main.c model.o -o main"
    let emulator = machine.map { "qemu-x86_64 -cpu \($0) " } ?? ""
    let text = shell("cd \(folder.path) && \(build) && \(emulator)./main 2>/dev/null")
    let lines = text.split(separator: "\n", maxSplits: 1).map(String.init)
    return (lines.first ?? "", lines.count > 1 ? lines[1] : "")
  }

  private func shell(_ command: String) -> String {
    guard let pipe = popen("(\(command)) || echo FAILED", "r") else { return "cannot run" }
    defer { pclose(pipe) }
    var text = [UInt8](repeating: 0, count: 1 << 20)
    let count = fread(&text, 1, text.count, pipe)
    return String(decoding: text.prefix(count), as: UTF8.self)
  }

  static let hasEmulator = access("/usr/bin/qemu-x86_64", X_OK) == 0

  /// Processors, some without a feature, with what they run of `x86-64-v4`, `x86-64-v3` and `x86-64-v2`.
  @Test(
    .enabled(if: hasEmulator),
    arguments: [
      ("Haswell", 2), ("max", 2), ("EPYC", 2), ("Haswell,-fma", 3), ("Haswell,-xsave", 3), ("Haswell,-abm", 3),
      ("Nehalem", 3), ("Nehalem,-popcnt", 4), ("qemu64", 4),
    ])
  func theRichestThatTheMachineHas(_ machine: String, _ number: Int) throws {
    let levels = ["x86-64-v4", "x86-64-v3", "x86-64-v2"]
    let (chosen, values) = try results("x86-64-v3,x86-64-v2,x86-64-v4", on: machine)
    if number > levels.count {
      #expect(chosen == "4 the model has no code for this processor")
      #expect(values == "")
    } else {
      #expect(chosen == "\(number) success")
      #expect(values.count > 50)
      #expect(try results(levels[number - 1], on: machine) == ("0 success", values))
    }
  }

  /// The psABI's first level runs everywhere.
  @Test(.enabled(if: hasEmulator)) func theFirstLevelIsTheLastResort() throws {
    #expect(try results("x86-64-v3,x86-64", on: "qemu64").chosen == "2 success")
  }

  /// On the machine that runs the tests, with the level that it has.
  @Test func sameResultsAsTheCodeAlone() throws {
    let (chosen, values) = try results("x86-64,x86-64-v2,x86-64-v3,x86-64-v4")
    let number = try #require(Int(chosen.prefix(1)))
    let level = ["x86-64-v4", "x86-64-v3", "x86-64-v2", "x86-64"][number - 1]
    #expect(try results(level).values == values)
    #expect(values.count > 50)
    #expect(shell("grep -q avx512vl /proc/cpuinfo && echo 1") != "1\n" || number == 1)
  }

  @Test func orderDoesNotMatter() throws {
    let object = try compile("x86-64-v3,x86-64-v4")
    #expect(try compile("x86-64-v4,x86-64-v3") == object)
    #expect(try compile("x86-64-v4,x86-64-v3") == object)
    #expect(try compile("x86-64-v4") != object)
  }

  @Test func equalConstantsAreThereOnce() throws {
    // The program for both is the same.
    let text = String(decoding: try compile("x86-64-v4,icelake-server", "model.ll", emit: .llvm), as: UTF8.self)
    let alone = String(decoding: try compile("x86-64-v4", "model.ll", emit: .llvm), as: UTF8.self)
    func constants(_ text: String) -> Int { text.split(separator: "\n").count { $0.hasPrefix("@model.constant_") } }
    #expect(constants(text) == constants(alone))
    #expect(constants(text) > 0)
  }

  @Test(arguments: [CompileOptions.EmitKind.archive, .library, .llvm, .bitcode, .assembly])
  func everyKind(_ kind: CompileOptions.EmitKind) throws {
    #expect(try !compile("x86-64-v3,x86-64-v4", "model.\(kind.suffix)", emit: kind).isEmpty)
    let header = try InputFile.text(path: "\(folder.path)/model.h")
    #expect(header.contains("first code that it can of x86-64-v4, x86-64-v3; others get status 9"))
  }

  @Test(arguments: [1, 3]) func withThreads(_ threads: Int) throws {
    var options = options("x86-64,x86-64-v2,x86-64-v3,x86-64-v4")
    options.threads = threads
    for model in goldenModels {
      let test = try #require(TestCase.all(below: "\(goldenFolder)/\(model)").first)
      for emit in [CompileOptions.EmitKind.object, .library] {
        options.emit = emit
        let result = runCase(test, with: Pipeline.caseCompiler(options: options))
        #expect(result.status == .passed, "\(result.reason)")
      }
    }
  }

  /// Instructions by processor and precision; code with tile registers has a twin without them.
  @Test(
    arguments: [
      ("sapphirerapids", CompileOptions.Precision.f32, ["tdpbf16ps", "syscall"], ["vdpbf16ps"]),
      ("sapphirerapids", .fast, ["tdpbf16ps", "syscall"], []), ("sapphirerapids", .strict, [], ["tdpbf16ps", "cpuid"]),
      ("sapphirerapids", .bf16, ["tdpbf16ps", "vdpbf16ps"], []), ("znver4", .bf16, ["vdpbf16ps"], ["tdpbf16ps", "cpuid"]),
      ("znver4", .f32, [], ["bf16ps"]), ("sapphirerapids,x86-64-v4", .f32, ["tdpbf16ps", "syscall"], []),
      ("x86-64-v4", .bf16, [], ["bf16ps"]),
    ])
  func precision(
    _ cpu: String, _ precision: CompileOptions.Precision, _ used: [String], _ unused: [String]
  ) throws {
    var options = options(cpu, "\(folder.path)/model.s")
    (options.emit, options.precision) = (.assembly, precision)
    var text = ""
    // Columns that tiles suit, and narrow ones.
    for path in ["\(productFolder)/model.onnx", "\(goldenFolder)/../Examples/digits/digits.onnx"] {
      try Pipeline.compile(path: path, options: options)
      text += try InputFile.text(path: options.output)
    }
    for word in used { #expect(text.contains(word), "\(word)") }
    for word in unused { #expect(!text.contains(word), "\(word)") }
  }

  /// Whether this machine has tile registers or not.
  @Test func tilesWhereTheSystemGrantsThem() throws {
    var options = CompileOptions()
    options.features = ["+amx-tile", "+amx-bf16"]
    for folder in goldenModels.map({ "\(goldenFolder)/\($0)" }) + [productFolder] {
      let test = try #require(TestCase.all(below: folder).first)
      let result = runCase(test, with: Pipeline.caseCompiler(options: options))
      #expect(result.status == .passed, "\(result.reason)")
    }
  }

  @Test func roomForEveryProcessor() throws {
    let path = "\(goldenFolder)/attention/model.onnx"
    let alone = try ["x86-64", "x86-64-v3", "x86-64-v4"].map { try Pipeline.memory(path: path, options: options($0)) }
    let together = try Pipeline.memory(path: path, options: options("x86-64-v3,x86-64,x86-64-v4"))
    #expect(together.arena == alone.map(\.arena).max())
    #expect(together.processors == ["x86-64-v4", "x86-64-v3", "x86-64"])
    #expect(together.constants <= alone.reduce(0) { $0 + $1.constants })
  }

  @Test(arguments: [
    ("x86-64-v3,", "'' is not a processor"), ("native,x86-64-v3", "'native' is not a processor"),
    ("x86-64-v3,x86-64-v3", "same instructions"), ("haswell,x86-64-v3", "same instructions"),
  ])
  func namesOfProcessors(_ cpu: String, _ message: String) {
    let error = #expect(throws: ModelError.self) { try compile(cpu) }
    #expect(error?.description.contains(message) == true, "\(String(describing: error))")
  }

  @Test func whatCannotChoose() {
    let path = "\(goldenFolder)/attention/model.onnx"
    var (c, arm, feature) = (options("haswell,znver4"), options("x86-64-v2,x86-64-v3"), options("haswell,znver4"))
    c.backend = .c
    arm.target = "aarch64-linux-gnu"
    feature.features = ["+tbm"]
    feature.output = "\(folder.path)/model.o"
    for options in [c, arm, feature] {
      #expect(throws: ModelError.self) { try Pipeline.compile(path: path, options: options) }
    }
  }
}
