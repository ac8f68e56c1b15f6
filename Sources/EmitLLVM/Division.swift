import CLLVM
import LoopIR
import Support

/// Emits calls of divided kernels, whose parts the caller's hook may run at the same time.
final class DivisionEmitter {
  private let program: Program
  private let kernels: [KernelFunction]
  private let target: ModuleContext
  private let runner: EmittedFunction
  /// Functions that run one part of a kernel, by kernel.
  private var tasks: [Int: LLVMValueRef] = [:]

  init(_ program: Program, _ kernels: [KernelFunction], in target: ModuleContext) {
    self.program = program
    self.kernels = kernels
    self.target = target
    runner = emitRunner(program, in: target)
  }

  /// Emits a parallel loop around one call.
  func emit(_ loop: Loop, hook: LLVMValueRef, _ emitter: FunctionEmitter) {
    guard case .call(let kernel, let arguments, _)? = loop.body.first, loop.body.count == 1,
      let parts = loop.upper.integerValue
    else { fatalError("a parallel loop is not around one call") }
    let values = arguments.map { emitter.address($0.buffer, emitter.emit($0.offset)) }
      + kernels[kernel].symbols.map { emitter.emit(.symbol($0)) }
    let record = emitter.allocate(target.i64, count: max(1, values.count))
    for (index, value) in values.enumerated() { LLVMBuildStore(emitter.builder, value, place(index, record, emitter)) }
    _ = emitter.call(runner.type, runner.function, [hook, task(kernel), record, target.int(parts, target.i32)])
  }

  private func place(_ index: Int, _ record: LLVMValueRef, _ emitter: FunctionEmitter) -> LLVMValueRef {
    var indices: [LLVMValueRef?] = [target.int(index, target.i64)]
    return LLVMBuildInBoundsGEP2(emitter.builder, target.i64, record, &indices, 1, "")
  }

  private func task(_ kernel: Int) -> LLVMValueRef {
    if let known = tasks[kernel] { return known }
    let callee = kernels[kernel]
    let task = target.addFunction(
      "\(program.prefix).\(program.kernels[kernel].name).part", target.void, [target.pointer, target.i32], internal: true)
    let emitter = FunctionEmitter(target, function: task.function, returnsStatus: false)
    let pointers = program.kernels[kernel].parameters.indices.map { index in
      LLVMBuildLoad2(emitter.builder, target.pointer, place(index, emitter.parameter(0), emitter), "") as LLVMValueRef
    }
    let symbols = callee.symbols.indices.map { index in
      LLVMBuildLoad2(emitter.builder, target.i64, place(pointers.count + index, emitter.parameter(0), emitter), "") as LLVMValueRef
    }
    let part: LLVMValueRef = LLVMBuildZExt(emitter.builder, emitter.parameter(1), target.i64, "")
    _ = emitter.call(callee.type, callee.function, pointers + [part] + symbols)
    emitter.finish()
    tasks[kernel] = task.function
    return task.function
  }
}

/// The function that runs all parts of a task, by the hook if there is one.
private func emitRunner(_ program: Program, in target: ModuleContext) -> EmittedFunction {
  let runner = target.addFunction(
    "\(program.prefix).parts", target.void, [target.pointer, target.pointer, target.pointer, target.i32], internal: true)
  target.add(target.attribute("noinline"), to: runner.function)
  let emitter = FunctionEmitter(target, function: runner.function, returnsStatus: false)
  let builder = emitter.builder
  let (hook, task, record, parts) = (emitter.parameter(0), emitter.parameter(1), emitter.parameter(2), emitter.parameter(3))
  let (alone, together) = (emitter.block("alone"), emitter.block("together"))
  let (next, end) = (emitter.block("next"), emitter.block("end"))
  LLVMBuildCondBr(builder, LLVMBuildIsNull(builder, hook, ""), alone, together)
  emitter.moveTo(together)
  var indices: [LLVMValueRef?] = [target.int(1, target.i64)]
  let place = LLVMBuildInBoundsGEP2(builder, target.pointer, hook, &indices, 1, "")
  let context: LLVMValueRef = LLVMBuildLoad2(builder, target.pointer, place, "")
  var hookTypes: [LLVMTypeRef?] = [target.pointer, target.pointer, target.pointer, target.i32]
  var taskTypes: [LLVMTypeRef?] = [target.pointer, target.i32]
  guard let hookType = LLVMFunctionType(target.void, &hookTypes, 4, 0),
    let taskType = LLVMFunctionType(target.void, &taskTypes, 2, 0),
    let run = LLVMBuildLoad2(builder, target.pointer, hook, "")
  else { fatalError("hook") }
  _ = emitter.call(hookType, run, [context, task, record, parts])
  LLVMBuildBr(builder, end)
  emitter.moveTo(alone)
  LLVMBuildBr(builder, next)
  emitter.moveTo(next)
  guard let part = LLVMBuildPhi(builder, target.i32, "") else { fatalError("phi") }
  _ = emitter.call(taskType, task, [record, part])
  let following: LLVMValueRef = LLVMBuildAdd(builder, part, target.int(1, target.i32), "")
  var incoming: [LLVMValueRef?] = [target.int(0, target.i32), following]
  var blocks: [LLVMBasicBlockRef?] = [alone, next]
  LLVMAddIncoming(part, &incoming, &blocks, 2)
  LLVMBuildCondBr(builder, LLVMBuildICmp(builder, LLVMIntULT, following, parts, ""), next, end)
  emitter.moveTo(end)
  emitter.finish()
  return runner
}
