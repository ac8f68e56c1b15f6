import Support
import TensorIR

extension Term {
  /// This `f32` or `f64` truncated to an integer type, as processors do it: through `i32`, or `i64` for types beyond,
  /// of which the least value stands for NaN and for numbers out of range; then wrapped.
  func truncated(to target: ElementType) -> Term {
    let isWide = target.bits > 32 || target == .u32
    let limit = isWide ? 0x1p63 : 0x1p31
    let wide: ElementType = isWide ? .i64 : .i32
    if target == .u64 {
      let upper = (self - limit).truncatedInRange(to: .i64, limit) ^ builder.integer(.min, .i64)
      return (self >= limit).choose(upper, truncatedInRange(to: .i64, limit)).cast(.u64)
    }
    return truncatedInRange(to: wide, limit).cast(target)
  }

  private func truncatedInRange(to integer: ElementType, _ limit: Double) -> Term {
    let isInside = (self >= -limit) & (self < limit)
    let least = builder.integer(integer == .i32 ? Int(Int32.min) : .min, integer)
    return isInside.choose(isInside.choose(self, 0.0).cast(integer), least)
  }
}
