import CLLVM
import LoopIR

/// Instructions of Intel AMX (Intel's manual, volume 1, chapter 18).
extension FunctionEmitter {
  func emit(_ operation: TileOperation) {
    switch operation {
    case .configure(let shapes): _ = call("llvm.x86.ldtilecfg", [], [configuration(shapes)])
    case .release: _ = call("llvm.x86.tilerelease", [], [])
    case .clear(let tile): _ = call("llvm.x86.tilezero", [], [number(tile)])
    case .load(let tile, let buffer, let index, let stride):
      _ = call("llvm.x86.tileloadd64", [], [number(tile), address(buffer, emit(index)), bytes(stride)])
    case .store(let tile, let buffer, let index, let stride):
      _ = call("llvm.x86.tilestored64", [], [number(tile), address(buffer, emit(index)), bytes(stride)])
    case .multiplyAdd(let sum, let left, let right):
      _ = call("llvm.x86.tdpbf16ps", [], [number(sum), number(left), number(right)])
    }
  }

  private func number(_ tile: Int) -> LLVMValueRef { target.int(tile, target.i8) }

  private func bytes(_ stride: Expr) -> LLVMValueRef {
    LLVMBuildMul(builder, emit(stride), target.int(4, target.i64), "")
  }

  /// The operand of `LDTILECFG`: the palette, from byte 16 on the bytes of each row, from byte 48 on the numbers of rows.
  private func configuration(_ shapes: [TileShape]) -> LLVMValueRef {
    var bytes = [LLVMValueRef](repeating: target.int(0, target.i8), count: 64)
    bytes[0] = target.int(1, target.i8)
    for (tile, shape) in shapes.enumerated() {
      bytes[16 + 2 * tile] = target.int(shape.columns * 4, target.i8)
      bytes[48 + tile] = LLVMBuildTrunc(builder, emit(shape.rows), target.i8, "")
    }
    if shapes.allSatisfy({ $0.rows.integerValue != nil }) {
      return target.addConstant("tiles", constants(bytes), alignment: 64)
    }
    let place = allocate(target.vector(target.i8, 64), alignment: 64)
    var value: LLVMValueRef = LLVMConstNull(target.vector(target.i8, 64))
    for (position, byte) in bytes.enumerated() {
      value = LLVMBuildInsertElement(builder, value, byte, target.int(position, target.i64), "")
    }
    LLVMBuildStore(builder, value, place)
    return place
  }
}
