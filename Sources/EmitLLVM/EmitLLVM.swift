import CLLVM
import EmitHeader
public import LoopIR
public import Support

/// Turns a program into optimized machine code for the target that `options` name.
public func emitLLVM(_ program: Program, options: LLVMOptions) throws(ModelError) -> LLVMModule {
  try emitLLVM([ProgramVariant(name: "", program: program, options: options)])
}

/// Turns programs of one model for several processors into one module, which runs the first that a processor can.
///
/// With one program there is nothing to pick. With more, all are for x86-64, and what is common runs on all of those.
/// A module that is only for an object file needs less memory.
public func emitLLVM(_ variants: [ProgramVariant], isForObject: Bool = false) throws(ModelError) -> LLVMModule {
  let program = variants[0].program
  let interface = try Interface(variants.map(\.program))
  var options = variants[0].options
  if variants.count > 1 {
    options = LLVMOptions(triple: options.triple, cpu: "x86-64", optimization: options.optimization)
  }
  let machine = try TargetMachine(options)
  guard let context = LLVMContextCreate() else { fatalError("no LLVM context") }
  guard let module = LLVMModuleCreateWithNameInContext(program.prefix, context) else {
    fatalError("no LLVM module")
  }
  let result = LLVMModule(context: context, module: module, machine: machine)
  let layout = LLVMCreateTargetDataLayout(machine.ref)
  LLVMSetModuleDataLayout(module, layout)
  LLVMSetTarget(module, options.triple)
  LLVMSetSourceFileName(module, program.prefix, program.prefix.utf8.count)
  // Objects for WebAssembly have no addresses from which places in the file follow.
  let pool = ConstantPool(reservesData: isForObject && !options.triple.hasPrefix("wasm"))
  let pointerBytes = Int(LLVMPointerSize(layout))
  LLVMDisposeTargetData(layout)
  func target(_ options: LLVMOptions) -> ModuleContext {
    ModuleContext(context: context, module: module, options: options, pointerBytes: pointerBytes, pool: pool)
  }
  try emitModel(variants, interface, common: target(options)) { target($0.options) }
  verify(module)
  optimize(module, machine, options)
  // What nothing reads is gone.
  result.reserved.data = (pool.reserved?.data ?? [:]).filter { LLVMGetNamedGlobal(module, $0.key) != nil }
  return result
}

/// Stops in debug builds if the module is malformed.
private func verify(_ module: LLVMModuleRef) {
  #if DEBUG
    var message: UnsafeMutablePointer<CChar>?
    let broken = LLVMVerifyModule(module, LLVMReturnStatusAction, &message)
    let text = takeMessage(message)
    guard broken != 0 else { return }
    fatalError("malformed LLVM IR: \(text)\n\(takeMessage(LLVMPrintModuleToString(module)))")
  #endif
}

/// Runs LLVM's standard passes.
private func optimize(_ module: LLVMModuleRef, _ machine: TargetMachine, _ options: LLVMOptions) {
  let settings = LLVMCreatePassBuilderOptions()
  defer { LLVMDisposePassBuilderOptions(settings) }
  LLVMPassBuilderOptionsSetLoopInterleaving(settings, 1)
  LLVMPassBuilderOptionsSetLoopVectorization(settings, 1)
  LLVMPassBuilderOptionsSetSLPVectorization(settings, 1)
  LLVMPassBuilderOptionsSetLoopUnrolling(settings, 1)
  let level = min(max(options.optimization, 0), 3)
  if let error = LLVMRunPasses(module, "default<O\(level)>", machine.ref, settings) {
    let message = LLVMGetErrorMessage(error)
    defer { LLVMDisposeErrorMessage(message) }
    fatalError("LLVM passes: " + (message.map { String(cString: $0) } ?? ""))
  }
}
