import EmitC
import EmitLLVM
import EmitHeader
import Glibc
import LoopIR
import Support

extension Pipeline {
  /// Writes a model in the form that the options ask for, with its header beside it.
  static func emit(_ model: LoweredModel, options: CompileOptions) throws {
    let stem = stem(of: options.output)
    if options.backend == .c || options.emit == .c {
      try emitThroughC(model.program, options, stem)
      return
    }
    guard options.weights == .embed else {
      throw ModelError.unsupported("weights beside an output of this kind are not supported", hint: "use --emit c")
    }
    let module = try emitLLVM(model.code, isForObject: options.emit.isMadeOfObject)
    if options.output != "-" { try AtomicFile.write(emitHeader(model.program, try model.interface), path: stem + ".h") }
    switch options.emit {
    case .object where options.output == "-": try AtomicFile.write(try module.object(), path: options.output)
    case .object:
      try AtomicFile.write(path: options.output) { (path) throws(FileError) in try module.writeObject(to: path) }
    case .llvm: try AtomicFile.write(module.text(), path: options.output)
    case .bitcode: try AtomicFile.write(module.bitcode(), path: options.output)
    case .assembly: try AtomicFile.write(try module.assembly(), path: options.output)
    case .archive, .library: try link(module, options)
    case .c: fatalError("C goes through the C back end")
    }
  }

  private static func emitThroughC(_ program: Program, _ options: CompileOptions, _ stem: String) throws {
    var settings = COptions(prefix: program.prefix, weights: options.weights == .separate ? .separate : nil)
    let file = stem.split(separator: "/").last.map(String.init) ?? stem
    settings.headerName = file + ".h"
    settings.weightsName = file + ".weights"
    if options.emit == .c {
      let source = try emitC(program, options: settings)
      if options.output != "-" {
        try AtomicFile.write(source.header, path: stem + ".h")
        if let weights = source.weights { try AtomicFile.write(weights, path: stem + ".weights") }
      }
      try AtomicFile.write(source.source, path: options.output)
      return
    }
    let folder = try TemporaryFolder()
    settings.headerName = "model.h"
    settings.weightsName = folder.path + "/model.weights"
    let generated = try emitC(program, options: settings)
    try AtomicFile.write(generated.source, path: folder.path + "/model.c")
    try AtomicFile.write(generated.header, path: folder.path + "/model.h")
    if let weights = generated.weights { try AtomicFile.write(weights, path: folder.path + "/model.weights") }
    if options.output != "-" { try AtomicFile.write(generated.header, path: stem + ".h") }
    let compiler = getenv("CC").map { String(cString: $0) } ?? "cc"
    let flags = getenv("CFLAGS").map { String(cString: $0).split(separator: " ").map(String.init) } ?? []
    let kind = options.emit == .library ? ["-shared", "-fPIC"] : ["-c"]
    let source = folder.path + "/model.c"
    try AtomicFile.write(path: options.output) { (temporary) throws(FileError) in
      try Subprocess.run(
        [compiler, "-std=c99", "-O2", "-ffp-contract=off"] + flags + kind + [source, "-o", temporary]
          + (options.emit == .library ? linkArguments(options.link) : []) + ["-lm"])
    }
  }

  private static func link(_ module: LLVMModule, _ options: CompileOptions) throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/model.o"
    try module.writeObject(to: path)
    let isArchive = options.emit == .archive
    let command = isArchive ? ["ar", "rcsD"] : ["cc", "-shared", "-fPIC", "-O2", "-o"]
    try AtomicFile.write(path: options.output) { (temporary) throws(FileError) in
      try Subprocess.run(command + [temporary, path] + (isArchive ? [] : linkArguments(options.link)))
    }
  }

  /// Makes a shared library of the files that functions of custom operators come from.
  static func linkCustomOperators(_ files: [String], to path: String) throws(ModelError) {
    do throws(FileError) {
      try Subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", path] + linkArguments(files) + ["-lm"])
    } catch {
      throw .unsupported(error.description, hint: "see what the compiler says about the files of --link")
    }
  }

  /// Arguments of the compiler driver that link files; shared libraries are found again where they are now.
  private static func linkArguments(_ files: [String]) -> [String] {
    files.flatMap { file -> [String] in
      guard file.hasSuffix(".so"), let path = realpath(file, nil) else { return [file] }
      defer { free(path) }
      let whole = String(cString: path)
      return [whole, "-Wl,-rpath,\(whole.prefix(upTo: whole.lastIndex(of: "/") ?? whole.startIndex))"]
    }
  }

  /// The path without the suffix of its last component.
  private static func stem(of path: String) -> String {
    guard let dot = path.lastIndex(of: "."), !path[dot...].contains("/") else { return path }
    return String(path[..<dot])
  }
}
