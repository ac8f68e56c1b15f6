import CLLVM
import EmitHeader
import LoopIR
import Support

/// Emits everything of a program into the module.
func emitProgram(_ program: Program, _ interface: Interface, in target: ModuleContext) {
  let constants = program.constants.enumerated().map { index, constant in
    target.addConstant(
      "\(program.prefix).constant_\(index)", target.data(constant.bytes), alignment: 64)
  }
  let kernels = program.kernels.map { emitKernel($0, of: program, in: target) }
  let entry = emitEntry(program, constants, kernels, in: target)
  emitRun(program, entry, in: target)
  if !program.symbols.isEmpty { emitArenaBytes(program, in: target) }
  emitDescriptor(program, interface, entry, in: target)
  emitStatusTexts(in: target)
}

/// The internal function that checks the arguments and runs the kernels.
private func emitEntry(
  _ program: Program, _ constants: [LLVMValueRef], _ kernels: [KernelFunction], in target: ModuleContext
) -> (type: LLVMTypeRef, function: LLVMValueRef) {
  let result = target.addFunction(
    "\(program.prefix).entry", target.i32, entryParameters(program, target), internal: true)
  let emitter = FunctionEmitter(target, function: result.function, returnsStatus: true)
  let symbolCount = program.symbols.count
  for (index, symbol) in program.symbols.enumerated() { emitter.symbols[symbol] = emitter.parameter(1 + index) }
  checkArguments(program, emitter)
  for (id, storage) in program.storage.enumerated() {
    switch storage {
    case .input(let index): emitter.buffers[id] = emitter.parameter(1 + symbolCount + index)
    case .output(let index):
      emitter.buffers[id] = emitter.parameter(1 + symbolCount + program.inputs.count + index)
    case .constant(let index): emitter.buffers[id] = constants[index]
    case .arena(let offset):
      var indices: [LLVMValueRef?] = [emitter.emit(offset)]
      emitter.buffers[id] = LLVMBuildInBoundsGEP2(
        emitter.builder, target.i8, emitter.parameter(0), &indices, 1, "")
    }
  }
  emitter.emitCall = { emitter, kernel, arguments, scalars in
    let callee = kernels[kernel]
    let pointers = arguments.map { emitter.address($0.buffer, emitter.emit($0.offset)) }
    let symbols = callee.symbols.map { emitter.emit(.symbol($0)) }
    let status = emitter.call(callee.type, callee.function, pointers + scalars.map(emitter.emit) + symbols)
    guard callee.mayFail else { return }
    let failed = emitter.block("failed")
    let next = emitter.block("next")
    LLVMBuildCondBr(emitter.builder, emitter.isNonzero(status), failed, next)
    emitter.moveTo(failed)
    LLVMBuildRet(emitter.builder, status)
    emitter.moveTo(next)
  }
  emitter.emit(program.entry)
  emitter.finish()
  return result
}

/// The arena, the symbols, the inputs and the outputs.
private func entryParameters(_ program: Program, _ target: ModuleContext) -> [LLVMTypeRef] {
  let ports = program.inputs.count + program.outputs.count
  return [target.pointer] + program.symbols.map { _ in target.i64 } + Array(repeating: target.pointer, count: ports)
}

/// Leaves with `nullArgument` if a pointer is null or the arena is missing or misaligned.
private func checkArguments(_ program: Program, _ emitter: FunctionEmitter) {
  let target = emitter.target
  let builder = emitter.builder
  let first = 1 + program.symbols.count
  var isBad: LLVMValueRef = target.int(0, target.i1)
  for index in first..<first + program.inputs.count + program.outputs.count {
    isBad = LLVMBuildOr(builder, isBad, LLVMBuildIsNull(builder, emitter.parameter(index), ""), "")
  }
  if program.arenaBytes.integerValue != 0 {
    let arena = emitter.parameter(0)
    let bits = LLVMBuildPtrToInt(builder, arena, target.size, "")
    let low = LLVMBuildAnd(builder, bits, target.int(Interface.arenaAlign - 1, target.size), "")
    let isUnusable = LLVMBuildOr(
      builder, LLVMBuildIsNull(builder, arena, ""), emitter.isNonzero(low!), "")
    let isNeeded = LLVMBuildICmp(
      builder, LLVMIntSGT, emitter.emit(program.arenaBytes), target.int(0, target.i64), "")
    isBad = LLVMBuildOr(builder, isBad, LLVMBuildAnd(builder, isNeeded, isUnusable, ""), "")
  }
  let bad = emitter.block("bad")
  let good = emitter.block("good")
  LLVMBuildCondBr(builder, isBad, bad, good)
  emitter.moveTo(bad)
  LLVMBuildRet(builder, emitter.status(Status.nullArgument.rawValue))
  emitter.moveTo(good)
}

/// The exported function with the model's signature.
private func emitRun(
  _ program: Program, _ entry: (type: LLVMTypeRef, function: LLVMValueRef), in target: ModuleContext
) {
  let types = entryParameters(program, target)
  let run = target.addFunction("\(program.prefix)_run", target.i32, types, internal: false)
  let emitter = FunctionEmitter(target, function: run.function, returnsStatus: true)
  LLVMBuildRet(
    emitter.builder, emitter.call(entry.type, entry.function, types.indices.map(emitter.parameter)))
}

/// The exported function that gives the size of the arena for some symbols.
private func emitArenaBytes(_ program: Program, in target: ModuleContext) {
  let size = target.addFunction(
    "\(program.prefix)_arena_bytes", target.i64, program.symbols.map { _ in target.i64 }, internal: false)
  let emitter = FunctionEmitter(target, function: size.function, returnsStatus: false)
  for (index, symbol) in program.symbols.enumerated() { emitter.symbols[symbol] = emitter.parameter(index) }
  LLVMBuildRet(emitter.builder, emitter.emit(program.arenaBytes))
}

/// `onnxc_strerror`, which all models of one executable share.
private func emitStatusTexts(in target: ModuleContext) {
  let texts = target.addFunction("onnxc_strerror", target.pointer, [target.i32], internal: false)
  LLVMSetLinkage(texts.function, LLVMWeakAnyLinkage)
  let emitter = FunctionEmitter(target, function: texts.function, returnsStatus: false)
  let unknown = emitter.block("unknown")
  let choice = LLVMBuildSwitch(emitter.builder, emitter.parameter(0), unknown, UInt32(Status.allCases.count))
  func give(_ text: String, in block: LLVMBasicBlockRef) {
    emitter.moveTo(block)
    let bytes = target.string(Array(text.utf8), terminated: true)
    LLVMBuildRet(emitter.builder, target.addConstant("onnxc.status", bytes))
  }
  for status in Status.allCases {
    let block = emitter.block("status")
    LLVMAddCase(choice, emitter.status(status.rawValue), block)
    give(status.text, in: block)
  }
  give("unknown status", in: unknown)
}
