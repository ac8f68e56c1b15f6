import CLLVM
import LoopIR
import Support

extension FunctionEmitter {
  /// Emits the value of an expression.
  func emit(_ expression: Expr) -> LLVMValueRef {
    switch expression {
    case .integer(let value, let element): return target.int(value, target.scalar(element))
    case .float(let value, let element): return literal(value, element)
    case .variable(let variable): return read(variable)
    case .symbol(let name):
      if let slot = symbolSlots[name] { return LLVMBuildLoad2(builder, target.i64, slot, "") }
      guard let value = symbols[name] else { fatalError("symbol \(name) is not declared") }
      return value
    case .load(let buffer, let index, let lanes, let count): return load(buffer, index, lanes, count)
    case .gather(let buffer, let indices): return gather(buffer, indices)
    case .splat(let value, let lanes): return splat(emit(value), lanes)
    case .ramp(let base, let stride, let lanes):
      let scalar = target.scalar(base.type.element)
      let start = splat(emit(base), lanes)
      if lanes == 1 { return start }
      let steps = constants((0..<lanes).map { target.int($0 &* stride, scalar) })
      return exact(LLVMBuildAdd(builder, start, steps, ""), expression)
    case .unary(let op, let operand): return unary(op, emit(operand), operand.type)
    case .binary(let op, let a, let b): return binary(op, a, b, expression)
    case .compare(let op, let a, let b): return compare(op, emit(a), emit(b), a.type.element)
    case .select(let condition, let a, let b):
      return LLVMBuildSelect(builder, emit(condition), emit(a), emit(b), "")
    case .multiplyAdd(let a, let b, let c):
      let name = target.options.hasFMA ? "llvm.fma" : "llvm.fmuladd"
      return call(name, [target.type(a.type)], [emit(a), emit(b), emit(c)])
    case .multiplyAddGroups(let a, let b, let c): return multiplyAddGroups(a, b, c)
    case .cast(let element, let operand): return cast(emit(operand), operand.type, to: element)
    case .bitcast(let element, let operand):
      return LLVMBuildBitCast(builder, emit(operand), target.type(expression.type), element.rawValue)
    case .shuffle(let vector, let positions): return shuffle(emit(vector), vector.type, positions)
    case .reduceLanes(let op, let vector): return reduce(op, emit(vector), vector.type)
    }
  }

  /// One instruction of AVX-512 BF16 or of VNNI.
  private func multiplyAddGroups(_ a: Expr, _ b: Expr, _ c: Expr) -> LLVMValueRef {
    let (lanes, sum) = (c.type.lanes, emit(c))
    guard let width = [4: 128, 8: 256, 16: 512][lanes] else { fatalError("\(lanes) lanes of groups") }
    if c.type.element == .i32 {
      return call("llvm.x86.avx512.vpdpbusd.\(width)", [], [sum, emit(a), emit(b)])
    }
    let pairs = target.vector(LLVMBFloatTypeInContext(target.context), lanes * 2)
    func halves(_ value: Expr) -> LLVMValueRef { LLVMBuildBitCast(builder, emit(value), pairs, "") }
    return call("llvm.x86.avx512bf16.dpbf16ps.\(width)", [], [sum, halves(a), halves(b)])
  }

  private func literal(_ value: Double, _ element: ElementType) -> LLVMValueRef {
    // Going through bits keeps the payload of a NaN and avoids a second rounding.
    let bits = element == .f32 ? UInt64(Float(value).bitPattern) : value.bitPattern
    let integer = LLVMConstInt(element == .f32 ? target.i32 : target.i64, bits, 0)
    return LLVMConstBitCast(integer, target.scalar(element))
  }

  private func read(_ variable: Variable) -> LLVMValueRef {
    if let slot = slots[variable.id] { return LLVMBuildLoad2(builder, target.type(variable.type), slot, "") }
    guard let value = values[variable.id] else { fatalError("variable v\(variable.id) has no value") }
    return value
  }

  /// Marks index arithmetic, which never overflows.
  private func exact(_ value: LLVMValueRef, _ expression: Expr) -> LLVMValueRef {
    guard positions.isExact(expression), LLVMIsABinaryOperator(value) != nil else { return value }
    // Building may fold to another instruction.
    let opcode = LLVMGetInstructionOpcode(value)
    if opcode == LLVMAdd || opcode == LLVMSub || opcode == LLVMMul { LLVMSetNSW(value, 1) }
    return value
  }

  private func load(_ buffer: Buffer, _ index: Expr, _ lanes: Int, _ count: Expr?) -> LLVMValueRef {
    let place = address(buffer, emit(index))
    let element = target.memory(buffer.element)
    let value: LLVMValueRef
    if let count {
      let type: LLVMTypeRef = LLVMVectorType(element, UInt32(lanes))
      let mask = mask(count, lanes, buffer.element)
      let zeros: LLVMValueRef = LLVMConstNull(type)
      let alignment = target.int(buffer.element.bytes, target.i32)
      let vector = call("llvm.masked.load", [type, target.pointer], [place, alignment, mask, zeros])
      value = lanes == 1 ? LLVMBuildExtractElement(builder, vector, target.int(0, target.i64), "") : vector
    } else {
      value = LLVMBuildLoad2(builder, target.vector(element, lanes), place, "")
      LLVMSetAlignment(value, UInt32(buffer.element.bytes))
    }
    return buffer.element == .bool ? isNonzero(value) : value
  }

  private func gather(_ buffer: Buffer, _ indices: Expr) -> LLVMValueRef {
    let lanes = indices.type.lanes
    if lanes == 1 { return load(buffer, indices, 1, nil) }
    let type = target.vector(target.memory(buffer.element), lanes)
    let places = address(buffer, emit(indices))
    let mask: LLVMValueRef = LLVMConstAllOnes(target.vector(target.i1, lanes))
    let value = call(
      "llvm.masked.gather", [type, target.vector(target.pointer, lanes)],
      [places, target.int(buffer.element.bytes, target.i32), mask, LLVMConstNull(type)])
    return buffer.element == .bool ? isNonzero(value) : value
  }

  /// The lanes below `count`, as a vector even for one lane.
  ///
  /// The comparison has the width of the elements, so that it needs one instruction where the access needs one.
  func mask(_ count: Expr, _ lanes: Int, _ element: ElementType) -> LLVMValueRef {
    let width = lanes < 128 ? min(element.bytes * 8, 32) : 32
    let type: LLVMTypeRef = LLVMIntTypeInContext(target.context, UInt32(width))
    let bounded = call("llvm.smin", [target.i64], [emit(count), target.int(lanes, target.i64)])
    let narrow: LLVMValueRef = LLVMBuildTrunc(builder, bounded, type, "")
    let one = LLVMBuildInsertElement(
      builder, LLVMGetPoison(LLVMVectorType(type, UInt32(lanes))), narrow, target.int(0, target.i64), "")
    let zeros = LLVMConstNull(LLVMVectorType(target.i32, UInt32(lanes)))
    let limit = LLVMBuildShuffleVector(builder, one, LLVMGetPoison(LLVMTypeOf(one)), zeros, "")
    return LLVMBuildICmp(builder, LLVMIntSLT, constants((0..<lanes).map { target.int($0, type) }), limit, "")
  }

  func isNonzero(_ value: LLVMValueRef) -> LLVMValueRef {
    LLVMBuildICmp(builder, LLVMIntNE, value, LLVMConstNull(LLVMTypeOf(value)), "")
  }

  private func binary(_ op: BinaryOp, _ a: Expr, _ b: Expr, _ whole: Expr) -> LLVMValueRef {
    let element = a.type.element
    let x = emit(a)
    if let divisor = literalLanes(b), divisor > 0, divisor & (divisor - 1) == 0, element.isInteger,
      op == .floorDivide || op == .floorRemainder
    {
      let type = target.type(a.type)
      let amount = op == .floorDivide ? divisor.trailingZeroBitCount : divisor - 1
      let operand = splatConstant(amount, type, a.type)
      if op == .floorRemainder { return LLVMBuildAnd(builder, x, operand, "") }
      return element.isSignedInteger
        ? LLVMBuildAShr(builder, x, operand, "") : LLVMBuildLShr(builder, x, operand, "")
    }
    return exact(arithmetic(op, x, emit(b), element), op.wraps ? whole : .integer(0, .i8))
  }

  /// The value of an integer literal or of a splat of one.
  private func literalLanes(_ expression: Expr) -> Int? {
    if case .splat(let value, _) = expression { return value.integerValue }
    return expression.integerValue
  }

  private func splatConstant(_ value: Int, _ type: LLVMTypeRef, _ shape: ValueType) -> LLVMValueRef {
    let scalar = target.int(value, target.scalar(shape.element))
    return shape.lanes == 1 ? scalar : constants(Array(repeating: scalar, count: shape.lanes))
  }
}

extension BinaryOp {
  /// Whether the operation can overflow, so that a no-wrap flag means something.
  fileprivate var wraps: Bool {
    switch self {
    case .add, .subtract, .multiply: true
    case .divide, .remainder, .floorDivide, .floorRemainder, .min, .max, .and, .or, .xor, .shiftLeft, .shiftRight: false
    }
  }
}
