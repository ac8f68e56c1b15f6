import CLLVM
import LoopIR
import Support

/// Emits the body of one function; its other files add the expressions and the statements.
final class FunctionEmitter {
  let target: ModuleContext
  let builder: LLVMBuilderRef
  let function: LLVMValueRef
  /// Whether `fail` may end the function.
  let returnsStatus: Bool
  let entryBlock: LLVMBasicBlockRef

  var values: [Int: LLVMValueRef] = [:]
  /// Stack slots of mutable variables, which `mem2reg` turns into registers.
  var slots: [Int: LLVMValueRef] = [:]
  var buffers: [Int: LLVMValueRef] = [:]
  var symbols: [String: LLVMValueRef] = [:]
  /// Stack slots of symbols that change, and of buffers whose memory is acquired.
  var symbolSlots: [String: LLVMValueRef] = [:]
  var bufferSlots: [Int: LLVMValueRef] = [:]
  /// Whether the first buffer, which a copy writes, may be the second, which it reads; only in the entry.
  var mayCoincide: (Buffer, Buffer) -> Bool = { _, _ in false }
  /// Emits a request for memory; only the entry has them.
  var emitAcquire: ((FunctionEmitter, Buffer, Expr) -> Void)?
  var positions = IndexMath()
  /// The kernels that may be called.
  var callees: [KernelFunction] = []
  /// Emits a parallel loop; only the entry has them.
  var emitParallel: ((FunctionEmitter, Loop) -> Void)?
  /// Emits a call of a function outside of the program; only the entry has them.
  var emitExternal: ((FunctionEmitter, Int, [ExternalArgument]) -> Void)?

  init(_ target: ModuleContext, function: LLVMValueRef, returnsStatus: Bool) {
    self.target = target
    self.function = function
    self.returnsStatus = returnsStatus
    guard let builder = LLVMCreateBuilderInContext(target.context),
      let block = LLVMAppendBasicBlockInContext(target.context, function, "entry")
    else { fatalError("function body") }
    self.builder = builder
    entryBlock = block
    LLVMPositionBuilderAtEnd(builder, block)
  }

  deinit { LLVMDisposeBuilder(builder) }

  func parameter(_ index: Int) -> LLVMValueRef { LLVMGetParam(function, UInt32(index)) }

  func block(_ name: String) -> LLVMBasicBlockRef {
    LLVMAppendBasicBlockInContext(target.context, function, name)
  }

  func moveTo(_ block: LLVMBasicBlockRef) { LLVMPositionBuilderAtEnd(builder, block) }

  /// Reserves stack memory in the entry block, so that loops do not grow the stack.
  func allocate(_ type: LLVMTypeRef, count: Int = 1, alignment: Int? = nil) -> LLVMValueRef {
    let current = LLVMGetInsertBlock(builder)
    if let first = LLVMGetFirstInstruction(entryBlock) {
      LLVMPositionBuilderBefore(builder, first)
    } else {
      moveTo(entryBlock)
    }
    let whole = count == 1 ? type : LLVMArrayType2(type, UInt64(count))
    guard let slot = LLVMBuildAlloca(builder, whole, "") else { fatalError("alloca") }
    if let alignment { LLVMSetAlignment(slot, UInt32(alignment)) }
    LLVMPositionBuilderAtEnd(builder, current)
    return slot
  }

  func call(_ name: String, _ types: [LLVMTypeRef], _ arguments: [LLVMValueRef]) -> LLVMValueRef {
    let (type, function) = target.intrinsic(name, types)
    return call(type, function, arguments)
  }

  func call(_ type: LLVMTypeRef, _ function: LLVMValueRef, _ arguments: [LLVMValueRef]) -> LLVMValueRef {
    var values: [LLVMValueRef?] = arguments
    return LLVMBuildCall2(builder, type, function, &values, UInt32(values.count), "")
  }

  /// Emits assembly that has effects beyond its result.
  func assembly(
    _ text: String, _ constraints: String, _ arguments: [LLVMValueRef], result: LLVMTypeRef
  ) -> LLVMValueRef {
    var types: [LLVMTypeRef?] = arguments.map { LLVMTypeOf($0) }
    guard let type = LLVMFunctionType(result, &types, UInt32(types.count), 0),
      let code = LLVMGetInlineAsm(
        type, text, text.utf8.count, constraints, constraints.utf8.count, 1, 0, LLVMInlineAsmDialectATT, 0)
    else { fatalError(text) }
    return call(type, code, arguments)
  }

  /// Where a buffer starts.
  func base(_ buffer: Buffer) -> LLVMValueRef {
    if let slot = bufferSlots[buffer.id] { return LLVMBuildLoad2(builder, target.pointer, slot, "") }
    guard let base = buffers[buffer.id] else { fatalError("buffer b\(buffer.id) is not declared") }
    return base
  }

  /// The address of an element; with a vector of indices, a vector of addresses.
  func address(_ buffer: Buffer, _ index: LLVMValueRef) -> LLVMValueRef {
    var indices: [LLVMValueRef?] = [index]
    return LLVMBuildInBoundsGEP2(builder, target.memory(buffer.element), base(buffer), &indices, 1, "")
  }

  func splat(_ value: LLVMValueRef, _ lanes: Int) -> LLVMValueRef {
    if lanes == 1 { return value }
    let type = target.vector(LLVMTypeOf(value), lanes)
    let poison = LLVMGetPoison(type)
    let first = LLVMBuildInsertElement(builder, poison, value, target.int(0, target.i64), "")
    let zeros = LLVMConstNull(target.vector(target.i32, lanes))
    return LLVMBuildShuffleVector(builder, first, poison, zeros, "")
  }

  /// A constant vector.
  func constants(_ values: [LLVMValueRef]) -> LLVMValueRef {
    var elements: [LLVMValueRef?] = values
    return LLVMConstVector(&elements, UInt32(elements.count))
  }

  func status(_ code: Int) -> LLVMValueRef { target.int(code, target.i32) }

  /// Ends the function successfully.
  func finish() {
    if returnsStatus {
      LLVMBuildRet(builder, status(Status.ok.rawValue))
    } else {
      LLVMBuildRetVoid(builder)
    }
  }
}
