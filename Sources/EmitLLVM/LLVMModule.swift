import CLLVM
public import Support

/// Machine code of a program in LLVM's memory, ready to be written in any form.
public final class LLVMModule {
  let context: LLVMContextRef
  var module: LLVMModuleRef?
  let machine: TargetMachine

  init(context: LLVMContextRef, module: LLVMModuleRef, machine: TargetMachine) {
    self.context = context
    self.module = module
    self.machine = machine
  }

  deinit {
    if let module { LLVMDisposeModule(module) }
    LLVMContextDispose(context)
  }

  /// A relocatable object file.
  public func object() throws(ModelError) -> Bytes { try emit(LLVMObjectFile) }

  /// Assembly text.
  public func assembly() throws(ModelError) -> Bytes { try emit(LLVMAssemblyFile) }

  /// LLVM IR as text.
  public func text() -> [UInt8] { Array(takeMessage(LLVMPrintModuleToString(module)).utf8) }

  /// LLVM bitcode.
  public func bitcode() -> Bytes { take(LLVMWriteBitcodeToMemoryBuffer(module)) }

  /// Code generation changes the module, so it works on a copy.
  private func emit(_ kind: LLVMCodeGenFileType) throws(ModelError) -> Bytes {
    let copy = LLVMCloneModule(module)
    defer { LLVMDisposeModule(copy) }
    var message: UnsafeMutablePointer<CChar>?
    var buffer: LLVMMemoryBufferRef?
    guard LLVMTargetMachineEmitToMemoryBuffer(machine.ref, copy, kind, &message, &buffer) == 0 else {
      throw .unsupported("LLVM cannot write this target: \(takeMessage(message))")
    }
    return take(buffer)
  }

  private func take(_ buffer: LLVMMemoryBufferRef?) -> Bytes {
    guard let buffer, let start = LLVMGetBufferStart(buffer) else { return Bytes() }
    return Bytes(start: start, count: LLVMGetBufferSize(buffer), owner: MemoryBuffer(buffer))
  }
}

/// Frees a buffer of LLVM's when its bytes are no longer used.
private final class MemoryBuffer {
  private let buffer: LLVMMemoryBufferRef

  init(_ buffer: LLVMMemoryBufferRef) { self.buffer = buffer }

  deinit { LLVMDisposeMemoryBuffer(buffer) }
}
