import CLLVM
import LoopIR

/// Instructions of Intel AMX (Intel's manual, volume 1, chapter 18).
///
/// They are assembly, because LLVM takes tile registers for equal and renames them, whatever their shapes.
extension FunctionEmitter {
  func emit(_ operation: TileOperation) {
    switch operation {
    case .configure(let shapes): tileAssembly("ldtilecfg ($0)", [configuration(shapes)])
    case .release: tileAssembly("tilerelease", [])
    case .clear(let tile): tileAssembly("tilezero %tmm\(tile)", [])
    case .load(let tile, let buffer, let index, let stride):
      tileAssembly("tileloadd ($0,$1), %tmm\(tile)", [address(buffer, emit(index)), bytes(stride)])
    case .store(let tile, let buffer, let index, let stride):
      tileAssembly("tilestored %tmm\(tile), ($0,$1)", [address(buffer, emit(index)), bytes(stride)])
    case .multiplyAdd(let element, let sum, let left, let right):
      tileAssembly("\(element == .f32 ? "tdpbf16ps" : "tdpbusd") %tmm\(right), %tmm\(left), %tmm\(sum)", [])
    }
  }

  private func tileAssembly(_ text: String, _ operands: [LLVMValueRef]) {
    let constraints = (operands.map { _ in "r" } + ["~{memory}"]).joined(separator: ",")
    _ = assembly(text, constraints, operands, result: target.void)
  }

  private func bytes(_ stride: Expr) -> LLVMValueRef {
    LLVMBuildMul(builder, emit(stride), target.int(4, target.i64), "")
  }

  /// The operand of `LDTILECFG`: the palette, from byte 16 on the bytes of rows, from byte 48 on the numbers of rows.
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
