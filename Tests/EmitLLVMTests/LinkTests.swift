import EmitHeader
import EmitLLVM
import Glibc
import LoopIR
import LoopIRCases
import Testing

@Suite struct LinkTests {
  /// Two models and a C program that knows them only by their headers.
  @Test func twoModelsInOneExecutable() throws {
    var template = Array("/tmp/onnxc-XXXXXX".utf8CString)
    try #require(mkdtemp(&template) != nil)
    let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer { _ = shell("rm -rf \(folder)") }
    let test = try #require(programCases.first { $0.name == "constants and arena" })
    for prefix in ["first", "second"] {
      var program = test.program
      program.prefix = prefix
      write(try emitLLVM(program, options: .host()).object().array, "\(folder)/\(prefix).o")
      write(Array(emitHeader(program, try Interface(program)).utf8), "\(folder)/\(prefix).h")
    }
    write(Array(Self.main.utf8), "\(folder)/main.c")
    for flags in ["gcc -std=c99 -pie -fPIE", "gcc -std=c99 -static", "g++ -x c++ -std=c++11"] {
      let build = "\(flags) -Wall -Wextra -pedantic -Werror main.c -x none first.o second.o -o main"
      #expect(shell("cd \(folder) && \(build) && ./main") == "first 64 success\n", "\(flags)")
    }
  }

  private static let main = """
    #include <stdio.h>
    #include "first.h"
    #include "second.h"
    static unsigned char memory[FIRST_ARENA_BYTES + FIRST_ARENA_ALIGN];
    int main(void) {
      const float x[FIRST_FLOAT_2_COUNT] = {1, 2, 3};
      float y[FIRST_FLOAT_2_COUNT];
      unsigned char *arena = memory + (64 - (uintptr_t)memory % 64) % 64;
      if (first_run(arena, x, y) != 0 || y[2] != 1) return 1;
      if (second_run(arena + 1, x, y) != 1 || second_run(arena, NULL, y) != 1 || second_run(NULL, x, y) != 1) return 2;
      if (second_model()->arena_bytes != 128 || second_model()->inputs[0].bytes != 12) return 3;
      printf("%s %d %s\\n", first_model()->name, (int)first_model()->arena_align, onnxc_strerror(0));
      return 0;
    }

    """

  private func write(_ bytes: [UInt8], _ path: String) {
    guard let file = fopen(path, "w") else { return }
    fwrite(bytes, 1, bytes.count, file)
    fclose(file)
  }

  private func shell(_ command: String) -> String {
    guard let pipe = popen("(\(command)) 2>&1 || echo FAILED", "r") else { return "cannot run" }
    defer { pclose(pipe) }
    var text = [UInt8](repeating: 0, count: 1 << 14)
    let count = fread(&text, 1, text.count, pipe)
    return String(decoding: text.prefix(count), as: UTF8.self)
  }
}
