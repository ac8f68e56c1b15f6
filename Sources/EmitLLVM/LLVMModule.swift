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
  public func object() throws(ModelError) -> [UInt8] { try emit(LLVMObjectFile) }

  /// Assembly text.
  public func assembly() throws(ModelError) -> [UInt8] { try emit(LLVMAssemblyFile) }

  /// LLVM IR as text.
  public func text() -> [UInt8] { Array(takeMessage(LLVMPrintModuleToString(module)).utf8) }

  /// LLVM bitcode.
  public func bitcode() -> [UInt8] { take(LLVMWriteBitcodeToMemoryBuffer(module)) }

  /// Code generation changes the module, so it works on a copy.
  private func emit(_ kind: LLVMCodeGenFileType) throws(ModelError) -> [UInt8] {
    let copy = LLVMCloneModule(module)
    defer { LLVMDisposeModule(copy) }
    var message: UnsafeMutablePointer<CChar>?
    var buffer: LLVMMemoryBufferRef?
    guard LLVMTargetMachineEmitToMemoryBuffer(machine.ref, copy, kind, &message, &buffer) == 0 else {
      throw .unsupported("LLVM cannot write this target: \(takeMessage(message))")
    }
    return take(buffer)
  }

  private func take(_ buffer: LLVMMemoryBufferRef?) -> [UInt8] {
    defer { LLVMDisposeMemoryBuffer(buffer) }
    return Array(UnsafeRawBufferPointer(start: LLVMGetBufferStart(buffer), count: LLVMGetBufferSize(buffer)))
  }
}
