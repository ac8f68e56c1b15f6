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
    guard let divided = DividedCall(loop) else { fatalError("a parallel loop is not around one call") }
    var values = divided.arguments.map { emitter.address($0.buffer, emitter.emit($0.offset)) }
      + kernels[divided.kernel].symbols.map { emitter.emit(.symbol($0)) }
    if divided.pieces > 1 { values.append(counters(divided, emitter)) }
    let record = emitter.allocate(target.i64, count: max(1, values.count))
    for (index, value) in values.enumerated() { LLVMBuildStore(emitter.builder, value, place(index, record, emitter)) }
    _ = emitter.call(runner.type, runner.function, [hook, task(divided), record, target.int(divided.parts, target.i32)])
  }

  /// Elements between the counters of two parts, which lie in cache lines of their own.
  private static let counterStride = 16

  /// For every part, the number of its first piece that nobody has begun.
  private func counters(_ divided: DividedCall, _ emitter: FunctionEmitter) -> LLVMValueRef {
    let counters = emitter.allocate(target.i32, count: divided.parts * Self.counterStride, alignment: 64)
    for part in 0..<divided.parts {
      let first = target.int(part * divided.pieces, target.i32)
      LLVMBuildStore(emitter.builder, first, counter(target.int(part, target.i32), counters, emitter))
    }
    return counters
  }

  private func counter(_ part: LLVMValueRef, _ counters: LLVMValueRef, _ emitter: FunctionEmitter) -> LLVMValueRef {
    let offset: LLVMValueRef = LLVMBuildMul(emitter.builder, part, target.int(Self.counterStride, target.i32), "")
    var indices: [LLVMValueRef?] = [offset]
    return LLVMBuildInBoundsGEP2(emitter.builder, target.i32, counters, &indices, 1, "")
  }

  private func place(_ index: Int, _ record: LLVMValueRef, _ emitter: FunctionEmitter) -> LLVMValueRef {
    var indices: [LLVMValueRef?] = [target.int(index, target.i64)]
    return LLVMBuildInBoundsGEP2(emitter.builder, target.i64, record, &indices, 1, "")
  }

  private func task(_ divided: DividedCall) -> LLVMValueRef {
    let kernel = divided.kernel
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
    if divided.pieces > 1 {
      let place = place(pointers.count + symbols.count, emitter.parameter(0), emitter)
      let counters: LLVMValueRef = LLVMBuildLoad2(emitter.builder, target.pointer, place, "")
      emitPieces(divided, counters, emitter) { piece in
        _ = emitter.call(callee.type, callee.function, pointers + [piece, part] + symbols)
      }
    } else {
      _ = emitter.call(callee.type, callee.function, pointers + [part] + symbols)
    }
    emitter.finish()
    tasks[kernel] = task.function
    return task.function
  }
}

extension DivisionEmitter {
  /// The pieces of the part that parameter 1 numbers, and then those of the parts behind it that nobody has begun, if
  /// counters can be shared.
  private func emitPieces(
    _ divided: DividedCall, _ counters: LLVMValueRef, _ emitter: FunctionEmitter, _ call: (LLVMValueRef) -> Void
  ) {
    let builder = emitter.builder
    let (turns, pieces, run) = (emitter.block("turns"), emitter.block("pieces"), emitter.block("run"))
    let (nextTurn, end) = (emitter.block("next"), emitter.block("end"))
    let before = LLVMGetInsertBlock(builder)
    func constant(_ value: Int) -> LLVMValueRef { target.int(value, target.i32) }
    let turnCount = target.options.sharesCounters ? divided.parts : 1
    LLVMBuildBr(builder, turns)
    emitter.moveTo(turns)
    guard let turn = LLVMBuildPhi(builder, target.i32, "") else { fatalError("phi") }
    let sum: LLVMValueRef = LLVMBuildAdd(builder, emitter.parameter(1), turn, "")
    let owner: LLVMValueRef = LLVMBuildURem(builder, sum, constant(divided.parts), "")
    let first: LLVMValueRef = LLVMBuildMul(builder, owner, constant(divided.pieces), "")
    let bound: LLVMValueRef = LLVMBuildAdd(builder, first, constant(divided.pieces), "")
    let counter = counter(owner, counters, emitter)
    LLVMBuildBr(builder, pieces)
    emitter.moveTo(pieces)
    let piece = counted(counter, shared: turnCount > 1, emitter)
    LLVMBuildCondBr(builder, LLVMBuildICmp(builder, LLVMIntULT, piece, bound, ""), run, nextTurn)
    emitter.moveTo(run)
    call(LLVMBuildZExt(builder, piece, target.i64, ""))
    LLVMBuildBr(builder, pieces)
    emitter.moveTo(nextTurn)
    let following: LLVMValueRef = LLVMBuildAdd(builder, turn, constant(1), "")
    var incoming: [LLVMValueRef?] = [constant(0), following]
    var blocks: [LLVMBasicBlockRef?] = [before, nextTurn]
    LLVMAddIncoming(turn, &incoming, &blocks, 2)
    LLVMBuildCondBr(builder, LLVMBuildICmp(builder, LLVMIntULT, following, constant(turnCount), ""), turns, end)
    emitter.moveTo(end)
  }

  /// The present number of a counter, which goes on to the next one.
  private func counted(_ counter: LLVMValueRef, shared: Bool, _ emitter: FunctionEmitter) -> LLVMValueRef {
    let (builder, one) = (emitter.builder, target.int(1, target.i32))
    if shared {
      // Who takes what needs no order: pieces do not read what others write.
      return LLVMBuildAtomicRMW(builder, LLVMAtomicRMWBinOpAdd, counter, one, LLVMAtomicOrderingMonotonic, 0)
    }
    let number: LLVMValueRef = LLVMBuildLoad2(builder, target.i32, counter, "")
    LLVMBuildStore(builder, LLVMBuildAdd(builder, number, one, ""), counter)
    return number
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
