import CLLVM
public import Support

/// Machine code of a program in LLVM's memory, ready to be written in any form.
public final class LLVMModule {
  let context: LLVMContextRef
  var module: LLVMModuleRef?
  let machine: TargetMachine
  /// What an object file gets after LLVM has made it.
  var reserved = ReservedData()

  init(context: LLVMContextRef, module: LLVMModuleRef, machine: TargetMachine) {
    self.context = context
    self.module = module
    self.machine = machine
  }

  deinit {
    if let module { LLVMDisposeModule(module) }
    LLVMContextDispose(context)
  }

  /// A relocatable object file in memory.
  public func object() throws(ModelError) -> Bytes {
    let buffer = try emit(LLVMObjectFile)
    guard let start = LLVMGetBufferStart(buffer) else { return Bytes() }
    reserved.place(in: buffer) { bytes, offset in
      bytes.withUnsafeBytes { UnsafeMutableRawPointer(mutating: start + offset).copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
    }
    return take(buffer)
  }

  /// Writes a relocatable object file, which is never in memory as a whole.
  public func writeObject(to path: String) throws(FileError) {
    // LLVM ends the process where it finds no room.
    try OutputFile.requireRoom(for: reserved.data.reduce(0) { $0 + $1.value.count }, at: path)
    var message: UnsafeMutablePointer<CChar>?
    guard withCopy({ LLVMTargetMachineEmitToFile(machine.ref, $0, path, LLVMObjectFile, &message) }) == 0 else {
      throw FileError("cannot write '\(path)': \(takeMessage(message))")
    }
    var buffer: LLVMMemoryBufferRef?
    guard LLVMCreateMemoryBufferWithContentsOfFile(path, &buffer, &message) == 0, let buffer else {
      throw FileError("cannot read '\(path)': \(takeMessage(message))")
    }
    defer { LLVMDisposeMemoryBuffer(buffer) }
    let file = try OutputFile(updating: path)
    try reserved.place(in: buffer) { (bytes, offset) throws(FileError) in try file.write(bytes, at: offset) }
  }

  /// Assembly text.
  public func assembly() throws(ModelError) -> Bytes { take(try emit(LLVMAssemblyFile)) }

  /// LLVM IR as text.
  public func text() -> [UInt8] { Array(takeMessage(LLVMPrintModuleToString(module)).utf8) }

  /// LLVM bitcode.
  public func bitcode() -> Bytes { take(LLVMWriteBitcodeToMemoryBuffer(module)) }

  private func emit(_ kind: LLVMCodeGenFileType) throws(ModelError) -> LLVMMemoryBufferRef {
    var message: UnsafeMutablePointer<CChar>?
    var buffer: LLVMMemoryBufferRef?
    let failed = withCopy { LLVMTargetMachineEmitToMemoryBuffer(machine.ref, $0, kind, &message, &buffer) } != 0
    guard !failed, let buffer else {
      throw .unsupported("LLVM cannot write this target: \(takeMessage(message))")
    }
    return buffer
  }

  /// Code generation changes the module, so it works on a copy.
  private func withCopy<Result>(_ generate: (LLVMModuleRef?) -> Result) -> Result {
    let copy = LLVMCloneModule(module)
    defer { LLVMDisposeModule(copy) }
    return generate(copy)
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
