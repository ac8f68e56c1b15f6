public import Support

/// A Swift type that stands for an element type of Loop IR.
public protocol Scalar: Sendable {
  static var element: ElementType { get }
}

extension Bool: Scalar { public static var element: ElementType { .bool } }
extension Int8: Scalar { public static var element: ElementType { .i8 } }
extension Int16: Scalar { public static var element: ElementType { .i16 } }
extension Int32: Scalar { public static var element: ElementType { .i32 } }
extension Int64: Scalar { public static var element: ElementType { .i64 } }
extension UInt8: Scalar { public static var element: ElementType { .u8 } }
extension UInt16: Scalar { public static var element: ElementType { .u16 } }
extension UInt32: Scalar { public static var element: ElementType { .u32 } }
extension UInt64: Scalar { public static var element: ElementType { .u64 } }
extension Float: Scalar { public static var element: ElementType { .f32 } }
extension Double: Scalar { public static var element: ElementType { .f64 } }

/// The bytes of elements in memory.
public func bytes<T: Scalar>(_ values: [T]) -> [UInt8] { values.withUnsafeBytes(Array.init) }
