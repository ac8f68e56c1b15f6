import CLLVM
import LoopIR
import Support

extension FunctionEmitter {
  func emit(_ statements: [Statement]) {
    for statement in statements { emit(statement) }
  }

  func emit(_ statement: Statement) {
    switch statement {
    case .bind(let variable, let value):
      values[variable.id] = emit(value)
      positions.bind(variable, value)
    case .declare(let variable, let value):
      let first = emit(value)
      let slot = slots[variable.id] ?? allocate(target.type(variable.type))
      slots[variable.id] = slot
      LLVMBuildStore(builder, first, slot)
    case .assign(let variable, let value):
      guard let slot = slots[variable.id] else { fatalError("variable v\(variable.id) is not declared") }
      LLVMBuildStore(builder, emit(value), slot)
    case .store(let buffer, let index, let value, let count): store(buffer, index, value, count)
    case .loop(let loop):
      if loop.kind == .parallel, let emitParallel { emitParallel(self, loop) } else { emit(loop) }
    case .conditional(let condition, let then, let otherwise): conditional(condition, then, otherwise)
    case .whileLoop(let condition, let body):
      let head = block("while")
      let inside = block("while.body")
      let end = block("while.end")
      LLVMBuildBr(builder, head)
      moveTo(head)
      LLVMBuildCondBr(builder, emit(condition), inside, end)
      moveTo(inside)
      emit(body)
      LLVMBuildBr(builder, head)
      moveTo(end)
    case .allocate(let buffer, let count):
      if buffers[buffer.id] == nil {
        buffers[buffer.id] = allocate(target.memory(buffer.element), count: max(count, 1), alignment: 64)
      }
    case .zero(let buffer, let index, let count):
      let place = address(buffer, emit(index))
      let zero = target.int(0, target.i8)
      LLVMBuildMemSet(builder, place, zero, bytes(count, buffer.element), UInt32(buffer.element.bytes))
    case .prefetch(let buffer, let index): prefetch(buffer, emit(index))
    case .tile(let operation): emit(operation)
    case .copy(let to, let index, let from, let fromIndex, let count):
      let alignment = UInt32(to.element.bytes)
      let destination = address(to, emit(index))
      let source = address(from, emit(fromIndex))
      let size = bytes(count, to.element)
      let end = mayCoincide(to, from) ? block("copied") : nil
      if let end {
        let differ = block("copy")
        LLVMBuildCondBr(builder, LLVMBuildICmp(builder, LLVMIntEQ, destination, source, ""), end, differ)
        moveTo(differ)
      }
      LLVMBuildMemCpy(builder, destination, alignment, source, alignment, size)
      if let end {
        LLVMBuildBr(builder, end)
        moveTo(end)
      }
    case .call(let kernel, let arguments, let scalars):
      call(kernel, arguments, scalars)
    case .define(let symbol, let value):
      guard let slot = symbolSlots[symbol] else { fatalError("symbol \(symbol) is not measured") }
      LLVMBuildStore(builder, emit(value), slot)
    case .acquire(let buffer, let bytes):
      guard let emitAcquire else { fatalError("a kernel cannot acquire memory") }
      emitAcquire(self, buffer, bytes)
    case .external(let function, let arguments):
      guard let emitExternal else { fatalError("a kernel cannot call function \(function)") }
      emitExternal(self, function, arguments)
    case .fail(let code):
      precondition(returnsStatus, "fail in a kernel that cannot fail")
      LLVMBuildRet(builder, status(code))
      moveTo(block("unreachable"))
    }
  }

  private func call(_ kernel: Int, _ arguments: [Argument], _ scalars: [Expr]) {
    let callee = callees[kernel]
    let pointers = arguments.map { address($0.buffer, emit($0.offset)) }
    let symbols = callee.symbols.map { emit(.symbol($0)) }
    let status = call(callee.type, callee.function, pointers + scalars.map { emit($0) } + symbols)
    if callee.mayFail { leave(if: isNonzero(status), status) }
  }

  /// Asks for a line of the second level of the cache.
  private func prefetch(_ buffer: Buffer, _ index: LLVMValueRef) {
    var indices: [LLVMValueRef?] = [index]
    guard let place = LLVMBuildGEP2(builder, target.memory(buffer.element), base(buffer), &indices, 1, "") else { return }
    let (read, locality, data) = (target.int(0, target.i32), target.int(2, target.i32), target.int(1, target.i32))
    _ = call("llvm.prefetch", [target.pointer], [place, read, locality, data])
  }

  /// The size of `count` elements in the target's size type.
  private func bytes(_ count: Expr, _ element: ElementType) -> LLVMValueRef {
    let total = LLVMBuildMul(builder, emit(count), target.int(element.bytes, target.i64), "")
    return LLVMBuildIntCast2(builder, total, target.size, 0, "")
  }

  private func store(_ buffer: Buffer, _ index: Expr, _ value: Expr, _ count: Expr?) {
    let lanes = value.type.lanes
    let type = target.memory(buffer.element)
    let place = address(buffer, emit(index))
    var data = emit(value)
    if buffer.element == .bool { data = LLVMBuildZExt(builder, data, target.vector(type, lanes), "") }
    guard let count else {
      let store = LLVMBuildStore(builder, data, place)
      LLVMSetAlignment(store, UInt32(buffer.element.bytes))
      return
    }
    let vector: LLVMTypeRef = LLVMVectorType(type, UInt32(lanes))
    if lanes == 1 {
      data = LLVMBuildInsertElement(builder, LLVMGetPoison(vector), data, target.int(0, target.i64), "")
    }
    _ = call(
      "llvm.masked.store", [vector, target.pointer],
      [data, place, target.int(buffer.element.bytes, target.i32), mask(count, lanes, buffer.element)])
  }

  private func conditional(_ condition: Expr, _ then: [Statement], _ otherwise: [Statement]) {
    let yes = block("then")
    let no = block("else")
    let end = block("end")
    LLVMBuildCondBr(builder, emit(condition), yes, no)
    moveTo(yes)
    emit(then)
    LLVMBuildBr(builder, end)
    moveTo(no)
    emit(otherwise)
    LLVMBuildBr(builder, end)
    moveTo(end)
  }

  private func emit(_ loop: Loop) {
    precondition(loop.step >= 1, "loop with step \(loop.step)")
    positions.insert(loop.variable)
    if loop.kind == .unrolled {
      guard let lower = loop.lower.integerValue, let upper = loop.upper.integerValue else {
        fatalError("unrolled loop without literal bounds: \(loop.lower) to \(loop.upper)")
      }
      for index in stride(from: lower, to: upper, by: loop.step) {
        values[loop.variable.id] = target.int(index, target.i64)
        emit(loop.body)
      }
      return
    }
    let lower = emit(loop.lower)
    let upper = emit(loop.upper)
    let before = LLVMGetInsertBlock(builder)
    let head = block("loop")
    let inside = block("loop.body")
    let end = block("loop.end")
    LLVMBuildBr(builder, head)
    moveTo(head)
    guard let counter = LLVMBuildPhi(builder, target.i64, "") else { fatalError("phi") }
    LLVMBuildCondBr(builder, LLVMBuildICmp(builder, LLVMIntSLT, counter, upper, ""), inside, end)
    moveTo(inside)
    values[loop.variable.id] = counter
    emit(loop.body)
    let next: LLVMValueRef = LLVMBuildNSWAdd(builder, counter, target.int(loop.step, target.i64), "")
    var incoming: [LLVMValueRef?] = [lower, next]
    var blocks: [LLVMBasicBlockRef?] = [before, LLVMGetInsertBlock(builder)]
    LLVMAddIncoming(counter, &incoming, &blocks, 2)
    LLVMBuildBr(builder, head)
    moveTo(end)
  }
}
