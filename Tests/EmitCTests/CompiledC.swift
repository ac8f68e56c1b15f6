import EmitC
import Glibc
import LoopIR
import ModelHost

/// Generated C in a folder of its own, for compilers of the system to work on.
final class CompiledC {
  let folder: String
  let source: CSource

  init(_ program: Program, weights: CWeights? = nil) throws {
    source = try emitC(program, options: COptions(prefix: program.prefix, weights: weights))
    var template = Array("/tmp/onnxc-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { fatalError("no temporary folder") }
    folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    write(Array(source.header.utf8), "\(program.prefix).h")
    write(Array(source.source.utf8), "model.c")
    if let weights = source.weights { write(weights, "\(program.prefix).weights") }
  }

  deinit { _ = shell("rm -rf \(folder)") }

  /// Runs a command in the folder and gives what it prints, with a last line for a failure.
  func shell(_ command: String) -> String {
    guard let pipe = popen("cd \(folder) && (\(command)) 2>&1 || echo FAILED", "r") else { return "cannot run" }
    defer { pclose(pipe) }
    var text: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while case let count = fread(&chunk, 1, chunk.count, pipe), count > 0 { text += chunk.prefix(count) }
    return String(decoding: text, as: UTF8.self)
  }

  /// Builds a shared library and loads it.
  func load(_ prefix: String) throws -> LibraryModel {
    let output = shell("cc \(strict) -std=c99 -O1 -shared -fPIC model.c -o model.so -lm")
    if !output.isEmpty { return try LibraryModel(path: "\(output)\n\(source.source)", prefix: prefix) }
    return try loaded(prefix)
  }

  /// Loads the shared library that was built.
  func loaded(_ prefix: String) throws -> LibraryModel { try LibraryModel(path: folder + "/model.so", prefix: prefix) }

  private func write(_ bytes: [UInt8], _ name: String) {
    guard let file = fopen("\(folder)/\(name)", "w") else { fatalError("cannot write \(name)") }
    fwrite(bytes, 1, bytes.count, file)
    fclose(file)
  }
}

/// The warnings that generated code must not give.
let strict = "-Wall -Wextra -Wconversion -pedantic -Werror"
