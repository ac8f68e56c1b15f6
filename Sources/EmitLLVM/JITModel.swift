import CLLVM
public import CModelABI
public import LoopIR
public import ModelHost
public import Support

/// A model compiled into this process.
public final class JITModel: DescribedModel {
  public let descriptor: UnsafePointer<onnxc_model>
  private let object: Bytes
  private let jit: LLVMOrcLLJITRef

  /// Compiles the program for the machine that this process runs on; `library` has the functions outside of the program.
  public init(_ program: Program, optimization: Int = 2, library path: String? = nil) throws(ModelError) {
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
      try require(
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
    try require(LLVMOrcLLJITLookup(jit, &address, program.prefix + "_model"))
    typealias Descriptor = @convention(c) () -> UnsafePointer<onnxc_model>
    guard let getter = UnsafeRawPointer(bitPattern: UInt(address)) else { fatalError("descriptor at null") }
    descriptor = unsafeBitCast(getter, to: Descriptor.self)()
    self.jit = jit
  }

  deinit { check(LLVMOrcDisposeLLJIT(jit)) }
}

/// Throws if a function outside of the program cannot be found.
private func require(_ error: LLVMErrorRef?) throws(ModelError) {
  guard let error else { return }
  let message = LLVMGetErrorMessage(error)
  defer { LLVMDisposeErrorMessage(message) }
  throw .invalid("the model cannot be linked: " + (message.map { String(cString: $0) } ?? ""))
}

/// Stops if the JIT reports a failure, which no program should cause.
private func check(_ error: LLVMErrorRef?) {
  guard let error else { return }
  let message = LLVMGetErrorMessage(error)
  defer { LLVMDisposeErrorMessage(message) }
  fatalError("JIT: " + (message.map { String(cString: $0) } ?? ""))
}
