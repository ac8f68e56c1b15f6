import Support
import TensorIR

extension ScalarGraph {
  /// Number `index` of those of `bits` bits that lie in bytes, low bits first, as `i32`; `byte` reads a byte at an
  /// index.
  mutating func unpacked(
    _ index: ScalarID, bits: Int, _ byte: (inout ScalarGraph, ScalarID) -> ScalarID
  ) -> ScalarID {
    let stored = cast(byte(&self, binary(.floorDivide, index, integer(8 / bits))), to: .i32)
    guard bits < 8 else { return stored }
    let shift = times(binary(.floorRemainder, index, integer(8 / bits)), integer(bits))
    return binary(.and, binary(.shiftRight, stored, cast(shift, to: .i32)), integer((1 << bits) - 1, .i32))
  }
}
