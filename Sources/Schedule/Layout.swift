import Support
import TensorIR

/// The order of a value's axes in memory, outermost first.
public struct Layout: Hashable, Sendable {
  public var order: [Int]

  public init(order: [Int]) { self.order = order }

  public static func rowMajor(_ rank: Int) -> Layout { Layout(order: Array(0..<rank)) }

  /// Elements between neighbours along each axis.
  public func strides(_ shape: [Dim]) -> [Dim] {
    var strides = [Dim](repeating: 1, count: shape.count)
    var stride = Dim(1)
    for axis in order.reversed() {
      strides[axis] = stride
      stride = stride * shape[axis]
    }
    return strides
  }

  /// Whether elements lie in row-major order, axes of extent 1 aside.
  public func isRowMajor(_ shape: [Dim]) -> Bool {
    let long = order.filter { shape[$0] != 1 }
    return long == long.sorted()
  }
}

extension ElementType {
  /// The Loop IR type that holds an element in memory.
  public var storage: ElementType {
    switch self {
    case .bool, .i8, .i16, .i32, .i64, .u8, .u16, .u32, .u64, .f32, .f64: self
    case .f16, .bf16: .u16
    case .i4, .i2: .i8
    case .u4, .u2, .f4e2m1, .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .f8e8m0: .u8
    case .c64: .u64
    case .c128, .string: fatalError("\(self) has no scalar storage")
    }
  }
}
