import CLLVM
import Glibc
public import CModelABI
public import LoopIR
public import ModelHost
public import Support

/// A model compiled into this process.
public final class JITModel: DescribedModel {
  public let descriptor: UnsafePointer<onnxc_model>
  private let object: Bytes
  private let jit: LLVMOrcLLJITRef

  /// Compiles the program for the machine that this process runs on.
  ///
  /// The shared library at `path` has the functions outside of the program.
  public init(_ program: Program, optimization: Int = 2, library path: String? = nil) throws(ModelError) {
    if let path { try require(program.externals, in: path) }
    let compiled = try emitLLVM(program, options: .host(optimization: optimization))
    var created: LLVMOrcLLJITRef?
    check(LLVMOrcCreateLLJIT(&created, nil))
    guard let jit = created else { fatalError("no JIT") }
    let library = LLVMOrcLLJITGetMainJITDylib(jit)
    // Generated code may call memcpy and memset of this process.
    var generator: LLVMOrcDefinitionGeneratorRef?
    check(
      LLVMOrcCreateDynamicLibrarySearchGeneratorForProcess(
        &generator, LLVMOrcLLJITGetGlobalPrefix(jit), nil, nil))
    LLVMOrcJITDylibAddGenerator(library, generator)
    if let path {
      var functions: LLVMOrcDefinitionGeneratorRef?
      check(
        LLVMOrcCreateDynamicLibrarySearchGeneratorForPath(
          &functions, path, LLVMOrcLLJITGetGlobalPrefix(jit), nil, nil))
      LLVMOrcJITDylibAddGenerator(library, functions)
    }
    // The JIT may keep the buffer as long as it lives, and so does this object.
    object = try compiled.object()
    let buffer = object.withUnsafeBytes { bytes in
      LLVMCreateMemoryBufferWithMemoryRange(
        bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count, program.prefix, 0)
    }
    check(LLVMOrcLLJITAddObjectFile(jit, library, buffer))
    var address: LLVMOrcExecutorAddress = 0
    check(LLVMOrcLLJITLookup(jit, &address, program.prefix + "_model"))
    typealias Descriptor = @convention(c) () -> UnsafePointer<onnxc_model>
    guard let getter = UnsafeRawPointer(bitPattern: UInt(address)) else { fatalError("descriptor at null") }
    descriptor = unsafeBitCast(getter, to: Descriptor.self)()
    self.jit = jit
  }

  deinit { check(LLVMOrcDisposeLLJIT(jit)) }
}

/// Throws unless a library has all functions.
private func require(_ functions: [ExternalFunction], in path: String) throws(ModelError) {
  guard let library = dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
    throw .invalid("the code of custom operators cannot be loaded: \(dlerror().map { String(cString: $0) } ?? "")")
  }
  defer { dlclose(library) }
  for function in functions where dlsym(library, function.name) == nil {
    throw .invalid("the model calls \(function.name)", hint: "give the file with its code with --link")
  }
}

/// Stops if the JIT reports a failure, which no program should cause.
private func check(_ error: LLVMErrorRef?) {
  guard let error else { return }
  let message = LLVMGetErrorMessage(error)
  defer { LLVMDisposeErrorMessage(message) }
  fatalError("JIT: " + (message.map { String(cString: $0) } ?? ""))
}
