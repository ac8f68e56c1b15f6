import CLLVM
import LoopIR
import Support

extension FunctionEmitter {
  func unary(_ op: UnaryOp, _ x: LLVMValueRef, _ type: ValueType) -> LLVMValueRef {
    let shape = target.type(type)
    let isFloat = type.element.isFloat
    let no = target.int(0, target.i1)
    switch op {
    case .negate: return isFloat ? LLVMBuildFNeg(builder, x, "") : LLVMBuildNeg(builder, x, "")
    case .abs:
      if isFloat { return call("llvm.fabs", [shape], [x]) }
      return type.element.isSignedInteger ? call("llvm.abs", [shape], [x, no]) : x
    case .not: return LLVMBuildNot(builder, x, "")
    case .sqrt: return call("llvm.sqrt", [shape], [x])
    case .floor, .ceil, .trunc, .rint:
      return target.options.hasRounding ? call("llvm.\(op.intrinsic)", [shape], [x]) : round(op, x, type)
    case .countLeadingZeros: return call("llvm.ctlz", [shape], [x, no])
    case .countTrailingZeros: return call("llvm.cttz", [shape], [x, no])
    case .popcount: return call("llvm.ctpop", [shape], [x])
    }
  }

  /// Rounds by adding and subtracting the power of two above which all floats are whole.
  private func round(_ op: UnaryOp, _ x: LLVMValueRef, _ type: ValueType) -> LLVMValueRef {
    let shape = target.type(type)
    func constant(_ value: Double) -> LLVMValueRef {
      splat(LLVMConstReal(target.scalar(type.element), value), type.lanes)
    }
    func nearest(_ magnitude: LLVMValueRef) -> LLVMValueRef {
      let large = constant(type.element == .f32 ? 0x1p23 : 0x1p52)
      let sum = LLVMBuildFAdd(builder, magnitude, large, "")
      let rounded = LLVMBuildFSub(builder, sum, large, "")
      let isSmall = LLVMBuildFCmp(builder, LLVMRealOLT, magnitude, large, "")
      return LLVMBuildSelect(builder, isSmall, rounded, magnitude, "")
    }
    func signed(_ value: LLVMValueRef) -> LLVMValueRef { call("llvm.copysign", [shape], [value, x]) }
    func adjusted(_ value: LLVMValueRef, _ limit: LLVMValueRef, _ predicate: LLVMRealPredicate, _ step: Double)
      -> LLVMValueRef
    {
      let moved = LLVMBuildFAdd(builder, value, constant(step), "")
      return LLVMBuildSelect(builder, LLVMBuildFCmp(builder, predicate, value, limit, ""), moved, value, "")
    }
    let magnitude = call("llvm.fabs", [shape], [x])
    let whole = nearest(magnitude)
    switch op {
    case .trunc: return signed(adjusted(whole, magnitude, LLVMRealOGT, -1))
    case .floor: return signed(adjusted(signed(whole), x, LLVMRealOGT, -1))
    case .ceil: return signed(adjusted(signed(whole), x, LLVMRealOLT, 1))
    case .rint: return signed(whole)
    case .negate, .abs, .not, .sqrt, .countLeadingZeros, .countTrailingZeros, .popcount:
      fatalError("\(op) does not round")
    }
  }

  func arithmetic(_ op: BinaryOp, _ x: LLVMValueRef, _ y: LLVMValueRef, _ element: ElementType) -> LLVMValueRef {
    let isFloat = element.isFloat
    let isSigned = element.isSignedInteger
    switch op {
    case .add: return isFloat ? LLVMBuildFAdd(builder, x, y, "") : LLVMBuildAdd(builder, x, y, "")
    case .subtract: return isFloat ? LLVMBuildFSub(builder, x, y, "") : LLVMBuildSub(builder, x, y, "")
    case .multiply: return isFloat ? LLVMBuildFMul(builder, x, y, "") : LLVMBuildMul(builder, x, y, "")
    case .divide:
      if isFloat { return LLVMBuildFDiv(builder, x, y, "") }
      return isSigned ? LLVMBuildSDiv(builder, x, y, "") : LLVMBuildUDiv(builder, x, y, "")
    case .remainder: return isSigned ? LLVMBuildSRem(builder, x, y, "") : LLVMBuildURem(builder, x, y, "")
    case .floorDivide:
      if !isSigned { return LLVMBuildUDiv(builder, x, y, "") }
      let quotient = LLVMBuildSDiv(builder, x, y, "")
      return LLVMBuildAdd(builder, quotient, signMask(LLVMBuildSRem(builder, x, y, ""), element), "")
    case .floorRemainder:
      if !isSigned { return LLVMBuildURem(builder, x, y, "") }
      let remainder: LLVMValueRef = LLVMBuildSRem(builder, x, y, "")
      return LLVMBuildAdd(builder, remainder, LLVMBuildAnd(builder, signMask(remainder, element), y, ""), "")
    case .min: return LLVMBuildSelect(builder, compare(.less, x, y, element), x, y, "")
    case .max: return LLVMBuildSelect(builder, compare(.greater, x, y, element), x, y, "")
    case .and: return LLVMBuildAnd(builder, x, y, "")
    case .or: return LLVMBuildOr(builder, x, y, "")
    case .xor: return LLVMBuildXor(builder, x, y, "")
    case .shiftLeft: return LLVMBuildShl(builder, x, y, "")
    case .shiftRight: return isSigned ? LLVMBuildAShr(builder, x, y, "") : LLVMBuildLShr(builder, x, y, "")
    }
  }

  /// -1 where the value is negative, else 0.
  private func signMask(_ value: LLVMValueRef?, _ element: ElementType) -> LLVMValueRef {
    let type = LLVMTypeOf(value)
    let isVector = LLVMGetTypeKind(type) == LLVMVectorTypeKind
    let amount = target.int(element.bits - 1, target.scalar(element))
    let amounts = isVector ? splat(amount, Int(LLVMGetVectorSize(type))) : amount
    return LLVMBuildAShr(builder, value, amounts, "")
  }

  func compare(_ op: CompareOp, _ x: LLVMValueRef, _ y: LLVMValueRef, _ element: ElementType) -> LLVMValueRef {
    if element.isFloat { return LLVMBuildFCmp(builder, op.floatPredicate, x, y, "") }
    return LLVMBuildICmp(builder, op.integerPredicate(signed: element.isSignedInteger), x, y, "")
  }

  func cast(_ x: LLVMValueRef, _ from: ValueType, to element: ElementType) -> LLVMValueRef {
    let source = from.element
    let type = target.type(ValueType(element, lanes: from.lanes))
    if source == element { return x }
    if element == .bool {
      return source.isFloat
        ? LLVMBuildFCmp(builder, LLVMRealUNE, x, LLVMConstNull(LLVMTypeOf(x)), "") : isNonzero(x)
    }
    switch (source.isFloat, element.isFloat) {
    case (true, true): return LLVMBuildFPCast(builder, x, type, "")
    case (false, true):
      return source.isSignedInteger ? LLVMBuildSIToFP(builder, x, type, "") : LLVMBuildUIToFP(builder, x, type, "")
    case (true, false):
      let isSigned = element.isSignedInteger
      let value = isSigned ? LLVMBuildFPToSI(builder, x, type, "") : LLVMBuildFPToUI(builder, x, type, "")
      // Out of range the instruction gives poison, but the language promises some value.
      return LLVMBuildFreeze(builder, value, "")
    case (false, false): return LLVMBuildIntCast2(builder, x, type, source.isSignedInteger ? 1 : 0, "")
    }
  }

  func reduce(_ op: LaneReduction, _ vector: LLVMValueRef, _ type: ValueType) -> LLVMValueRef {
    if type.lanes == 1 { return vector }
    let shape = target.type(type)
    let isFloat = type.element.isFloat
    let isSigned = type.element.isSignedInteger
    func reduction(_ name: String) -> LLVMValueRef { call("llvm.vector.reduce." + name, [shape], [vector]) }
    func unordered(_ name: String, _ start: Double) -> LLVMValueRef {
      let first: LLVMValueRef = LLVMConstReal(target.scalar(type.element), start)
      let value = call("llvm.vector.reduce." + name, [shape], [first, vector])
      LLVMSetFastMathFlags(value, UInt32(LLVMFastMathAllowReassoc))
      return value
    }
    switch op {
    case .sum: return isFloat ? unordered("fadd", -0.0) : reduction("add")
    case .product: return isFloat ? unordered("fmul", 1) : reduction("mul")
    case .min: return isFloat ? tree(.min, vector, type) : reduction(isSigned ? "smin" : "umin")
    case .max: return isFloat ? tree(.max, vector, type) : reduction(isSigned ? "smax" : "umax")
    case .and: return reduction("and")
    case .or: return reduction("or")
    }
  }

  /// The lanes at some positions.
  func shuffle(_ vector: LLVMValueRef, _ type: ValueType, _ positions: [Int]) -> LLVMValueRef {
    if type.lanes == 1 { return splat(vector, positions.count) }
    let indices = constants(positions.map { target.int($0, target.i32) })
    return LLVMBuildShuffleVector(builder, vector, LLVMGetPoison(LLVMTypeOf(vector)), indices, "")
  }

  /// Combines the halves of a vector until one lane remains; an odd lane is combined at once.
  private func tree(_ op: BinaryOp, _ vector: LLVMValueRef, _ type: ValueType) -> LLVMValueRef {
    func lane(_ vector: LLVMValueRef, _ index: Int) -> LLVMValueRef {
      LLVMBuildExtractElement(builder, vector, target.int(index, target.i64), "")
    }
    func lanes(_ vector: LLVMValueRef, _ range: Range<Int>) -> LLVMValueRef { shuffle(vector, type, Array(range)) }
    var rest = vector
    var count = type.lanes
    var odd: LLVMValueRef?
    while count > 1 {
      if count % 2 == 1 {
        let last = lane(rest, count - 1)
        odd = odd.map { arithmetic(op, $0, last, type.element) } ?? last
      }
      let half = count / 2
      rest = arithmetic(op, lanes(rest, 0..<half), lanes(rest, half..<2 * half), type.element)
      count = half
    }
    let result = lane(rest, 0)
    return odd.map { arithmetic(op, $0, result, type.element) } ?? result
  }
}

extension UnaryOp {
  fileprivate var intrinsic: String { self == .rint ? "roundeven" : rawValue }
}

extension CompareOp {
  fileprivate var floatPredicate: LLVMRealPredicate {
    switch self {
    case .equal: LLVMRealOEQ
    case .notEqual: LLVMRealUNE
    case .less: LLVMRealOLT
    case .lessOrEqual: LLVMRealOLE
    case .greater: LLVMRealOGT
    case .greaterOrEqual: LLVMRealOGE
    }
  }

  fileprivate func integerPredicate(signed: Bool) -> LLVMIntPredicate {
    switch self {
    case .equal: LLVMIntEQ
    case .notEqual: LLVMIntNE
    case .less: signed ? LLVMIntSLT : LLVMIntULT
    case .lessOrEqual: signed ? LLVMIntSLE : LLVMIntULE
    case .greater: signed ? LLVMIntSGT : LLVMIntUGT
    case .greaterOrEqual: signed ? LLVMIntSGE : LLVMIntUGE
    }
  }
}
