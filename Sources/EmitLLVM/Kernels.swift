import CLLVM
import LoopIR
import Support

/// A kernel as a function of the module.
struct KernelFunction {
  var type: LLVMTypeRef
  var function: LLVMValueRef
  var mayFail: Bool
  /// Symbolic dimensions that the kernel reads, passed after its scalars.
  var symbols: [String]
}

/// Emits a kernel as an internal function.
func emitKernel(
  _ kernel: Kernel, of program: Program, symbols: [String], calling earlier: [KernelFunction], in target: ModuleContext
) -> KernelFunction {
  let parameters =
    kernel.parameters.map { _ in target.pointer } + kernel.scalars.map { _ in target.i64 }
    + symbols.map { _ in target.i64 }
  let (type, function) = target.addFunction(
    "\(program.prefix).\(kernel.name)", kernel.mayFail ? target.i32 : target.void, parameters, internal: true)
  // One function per kernel keeps profiles readable and compile time linear.
  target.add(target.attribute("noinline"), to: function)
  // LLVM's vectorizers leave functions with this attribute alone.
  if kernel.staysScalar { target.add(target.attribute("noimplicitfloat"), to: function) }
  let emitter = FunctionEmitter(target, function: function, returnsStatus: kernel.mayFail)
  for (index, parameter) in kernel.parameters.enumerated() {
    for name in ["nonnull", "nocapture"] + (parameter.mayCoincide ? [] : ["noalias"]) {
      target.add(target.attribute(name), to: function, parameter: index)
    }
    target.add(target.attribute("align", UInt64(parameter.alignment)), to: function, parameter: index)
    switch parameter.access {
    case .read: target.add(target.attribute("readonly"), to: function, parameter: index)
    case .write: target.add(target.attribute("writeonly"), to: function, parameter: index)
    case .readWrite: break
    }
    emitter.buffers[parameter.buffer.id] = emitter.parameter(index)
  }
  for (index, scalar) in kernel.scalars.enumerated() {
    emitter.values[scalar.id] = emitter.parameter(kernel.parameters.count + index)
    emitter.positions.insert(scalar)
  }
  for (index, symbol) in symbols.enumerated() {
    emitter.symbols[symbol] = emitter.parameter(kernel.parameters.count + kernel.scalars.count + index)
  }
  emitter.callees = earlier
  emitter.emit(kernel.body)
  emitter.finish()
  return KernelFunction(type: type, function: function, mayFail: kernel.mayFail, symbols: symbols)
}
