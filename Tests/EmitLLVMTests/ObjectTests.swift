import EmitLLVM
import Glibc
import LoopIR
import LoopIRCases
import Support
import Testing

@Suite struct ObjectTests {
  static let targets = [
    LLVMOptions(triple: "x86_64-linux-gnu", cpu: "x86-64"),
    LLVMOptions(triple: "x86_64-linux-gnu", cpu: "haswell", features: "+avx2,+fma"),
    LLVMOptions(triple: "aarch64-linux-gnu"), LLVMOptions(triple: "riscv64-linux-gnu", features: "+m,+f,+d"),
  ]
  static let sample =
    programCases
    + operationCases.enumerated().filter { $0.offset % 7 == 0 || $0.element.name.hasPrefix("floor f") }.map(\.element)

  /// The only functions of others that objects may need.
  static let allowed: Set<String> = ["memcpy", "memset", "memmove"]

  @Test(arguments: sample) func needsNoLibrary(_ test: LoopIRCase) throws {
    for options in Self.targets {
      let names = try undefinedSymbols(try emitLLVM(test.program, options: options).object().array)
      #expect(names.subtracting(Self.allowed) == [], "\(options.triple)")
    }
  }

  /// Dictionaries have an order of their own in each copy, so several would show one that matters.
  @Test(arguments: programCases) func sameBytesEveryTime(_ test: LoopIRCase) throws {
    let options = LLVMOptions(triple: "x86_64-linux-gnu")
    let object = try emitLLVM(test.program, options: options).object().array
    for _ in 0..<6 { #expect(try emitLLVM(test.program, options: options).object().array == object) }
  }

  /// Data that LLVM does not see lie where it left room for them, in every format of objects.
  @Test func largeDataAreInTheirPlace() throws {
    var program = try #require(programCases.first { $0.name == "constants and arena" }).program
    var state: UInt64 = 1
    let data = (0..<70_000).map { _ -> UInt8 in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(truncatingIfNeeded: state >> 56)
    }
    program.constants[0] = ConstantData(element: .f32, bytes: Bytes(data))
    for triple in [
      "x86_64-linux-gnu", "thumbv7em-none-eabihf", "arm64-apple-macosx", "x86_64-pc-windows-msvc", "wasm32-unknown-unknown",
    ] {
      let options = LLVMOptions(triple: triple)
      let module = try emitLLVM([ProgramVariant(name: "", program: program, options: options)], isForObject: true)
      let object = try module.object().array
      let seen = try emitLLVM(program, options: options).object().array
      let place = object.indices.first { object[$0] == data[0] && object[$0...].starts(with: data) }
      #expect(place != nil, "\(triple)")
      #expect(seen.indices.contains { seen[$0] == data[0] && seen[$0...].starts(with: data) }, "\(triple)")
      try withTemporaryFile { path in
        try module.writeObject(to: path)
        #expect(try InputFile.bytes(path: path).array == object, "\(triple)")
      }
    }
  }

  @Test func everyForm() throws {
    let test = try #require(programCases.first { $0.name == "symbolic" })
    let module = try emitLLVM(test.program, options: LLVMOptions(triple: "x86_64-linux-gnu"))
    #expect(module.bitcode().array.starts(with: [0x42, 0x43, 0xC0, 0xDE]))
    #expect(String(decoding: module.text(), as: UTF8.self).contains("@case_model_run("))
    #expect(String(decoding: try module.assembly().array, as: UTF8.self).contains("case_model_run:"))
    for triple in ["wasm32-unknown-unknown", "thumbv7em-none-eabihf", "arm64-apple-macosx", "x86_64-pc-windows-msvc"] {
      #expect(try !emitLLVM(test.program, options: LLVMOptions(triple: triple)).object().array.isEmpty)
    }
    #expect(throws: (any Error).self) { try emitLLVM(test.program, options: LLVMOptions(triple: "abacus")) }
  }

  /// What `nm -u` prints for an object.
  private func undefinedSymbols(_ object: [UInt8]) throws -> Set<String> {
    try withTemporaryFile { name in
      let file = try #require(fopen(name, "w"))
      #expect(fwrite(object, 1, object.count, file) == object.count)
      fclose(file)
      let pipe = try #require(popen("nm -u \(name)", "r"))
      defer { pclose(pipe) }
      var text = [UInt8](repeating: 0, count: 1 << 16)
      let count = fread(&text, 1, text.count, pipe)
      let words = String(decoding: text.prefix(count), as: UTF8.self).split { $0 == " " || $0 == "\n" }
      return Set(words.map(String.init)).subtracting(["U"])
    }
  }

  private func withTemporaryFile<Result>(_ body: (String) throws -> Result) throws -> Result {
    var path = Array("/tmp/onnxc-XXXXXX".utf8CString)
    let descriptor = mkstemp(&path)
    try #require(descriptor >= 0)
    close(descriptor)
    let name = String(decoding: path.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer { unlink(name) }
    return try body(name)
  }
}
